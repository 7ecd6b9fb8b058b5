"""Start the streaming job from the parameters that the Flex Template launcher passes.

Parameters arrive as `--name=value` with underscores, and flags cannot be passed. So `--bigquery_method=X` becomes
`--bigquery-method=X`, and `--streaming` is added. Beam's own options are left as they are. A value that names a version
of a secret (`projects/P/secrets/S/versions/V`) is replaced by the secret. Everybody who may view the project can read
the parameters of a job, so passwords must not be among them.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

SECRET = re.compile(r"projects/[^/]+/secrets/[^/]+/versions/[^/]+")
METADATA = Path(__file__).with_name("metadata.json")


def job_options(arguments: Iterable[str], own: Iterable[str], read_secret: Callable[[str], str]) -> list[str]:
    """Return the arguments as options of the job; `own` are the names of the template's parameters."""
    names = set(own)
    options = ["--streaming"]
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if name in names:
            value = read_secret(value) if SECRET.fullmatch(value) else value
            argument = f"--{name.replace('_', '-')}{equals}{value}"
        options.append(argument)
    return options


def read_secret(version: str) -> str:
    """Return the content of a secret version, read with the service account of the job."""
    from google.cloud import secretmanager

    answer = secretmanager.SecretManagerServiceClient().access_secret_version(name=version)
    return str(answer.payload.data.decode())


if __name__ == "__main__":
    from pipeline.__main__ import main

    parameters = json.loads(METADATA.read_text("utf-8"))["parameters"]
    main(job_options(sys.argv[1:], [parameter["name"] for parameter in parameters], read_secret))
