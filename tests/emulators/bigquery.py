"""BigQuery and Cloud Storage without a cloud: bqemulator and gcp-storage-emulator on the same folder.

    with BigQueryServer(tmp_path) as server:
        server.client().query("...").result()
        environment = {**os.environ, **server.environment}
        subprocess.run([*server.command(), "-m", "pipeline", "--sink", "bigquery:proj-one.news", ...], env=environment)

Beam's load jobs write files to `gs://` and then pass their names to BigQuery; here the storage emulator keeps them as
plain files, and bqemulator reads those directly. The emulator does not refuse unknown fields, deduplicate by insertId
or keep primary keys.
"""

import os
import runpy
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emulators.process import Child, find_free_port, is_listening

PROJECT = "proj-one"
BUCKET = "news-temp"


class BigQueryServer:
    """An empty BigQuery and Cloud Storage on free loopback ports, for the duration of a `with` block."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._objects = directory / "gcs"
        self._rest_port, self._grpc_port, self._storage_port = (find_free_port() for _ in range(3))
        self.url = f"http://127.0.0.1:{self._rest_port}"
        self.temp_location = f"gs://{BUCKET}/temp"
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._objects.mkdir(parents=True)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a process uses these servers instead of Google's."""
        return {
            "BIGQUERY_EMULATOR_HOST": self.url,
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self._storage_port}",
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "PYTHONPATH": f"{Path(__file__).parent.parent}:{os.environ.get('PYTHONPATH', '')}",
        }

    def command(self) -> list[str]:
        """Return a command to be followed by `-m MODULE ARGUMENTS`; Beam in that process uses these servers."""
        return [sys.executable, "-m", "emulators.bigquery"]

    def client(self) -> Any:
        """Return a client of google-cloud-bigquery."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        options = {"api_endpoint": self.url}
        return bigquery.Client(PROJECT, AnonymousCredentials(), client_options=options)  # type: ignore[no-untyped-call]

    def _start(self) -> None:
        data = ["-d", str(self._objects)]
        address = ["-H", "127.0.0.1", "--port", str(self._storage_port)]
        storage = Child(
            "storage",
            # run as a module of this interpreter, whatever PATH says
            [sys.executable, "-m", "gcp_storage_emulator", *data, "start", *address, "--default-bucket", BUCKET],
            self._directory,
        )
        self._children.append(storage)
        warehouse = Child(
            "bigquery",
            [
                *(sys.executable, "-m", "emulators.bigquery_server", "start", "--ephemeral", "--project", PROJECT),
                *("--rest-port", str(self._rest_port), "--grpc-port", str(self._grpc_port), "--log-level", "warning"),
            ],
            self._directory,
            # the folder that the storage emulator creates inside the one it is given
            {**self.environment, "BQEMU_GCS_LOCAL_ROOT": str(self._objects / ".cloudstorage")},
        )
        self._children.append(warehouse)
        storage.wait_until(lambda: is_listening(self._storage_port), 60)
        warehouse.wait_until(lambda: is_listening(self._rest_port), 60)

    def _stop(self) -> None:
        for child in self._children:
            child.kill()


def open_doors() -> None:
    """Make Beam in this process use the servers named in the environment.

    Beam creates two kinds of BigQuery client: google-cloud-bigquery's for inserts, which knows BIGQUERY_EMULATOR_HOST,
    and an older generated one for tables and jobs, whose address is a class attribute. Neither works without
    credentials, and there is no credentials file that means "anonymous".
    """
    import google.auth
    from apache_beam.io.gcp.internal.clients.bigquery import bigquery_v2_client
    from google.auth.credentials import AnonymousCredentials

    bigquery_v2_client.BigqueryV2.BASE_URL = f"{os.environ['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/"
    google.auth.default = lambda *_, **__: (AnonymousCredentials(), os.environ["GOOGLE_CLOUD_PROJECT"])  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    open_doors()
    _, module = sys.argv[1:3]
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
