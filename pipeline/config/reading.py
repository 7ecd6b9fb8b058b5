"""Read the settings: options override the environment, which overrides the file, which overrides the defaults.

Only this module reads the environment. The file is `newsbeam.toml` in the working directory, or the one that --config
or NEWSBEAM_CONFIG names; an empty name means no file. Its keys are the names of the settings. An unknown name is an
error, since a misspelled setting would otherwise be silently ignored.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.config.declaration import PREFIX, settings_of
from pipeline.config.settings import Config
from transforms.errors import UserError

DEFAULT_FILE = "newsbeam.toml"
LONGEST_FILE = 1_000_000  # bytes
FILE_VARIABLE = f"{PREFIX}CONFIG"
# may hold a password, which messages must not show
SECRET = frozenset({"db"})
# deploy/'s compose files use it in the name of the image
FOREIGN = frozenset({f"{PREFIX}VERSION"})
# variables that Kubernetes sets in every container for a service named newsbeam or newsbeam-...:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
OF_KUBERNETES = re.compile(r"(.+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")


class Given(NamedTuple):
    """A value that was given, and how messages name it: --x 1, NEWSBEAM_X=1, newsbeam.toml: x = 1."""

    value: object
    shown: str


def read_config(
    options: Mapping[str, str | bool | None] | None = None,
    file: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Return the settings from options (None: not given), the environment and the file.

    Raises UserError, which names the origin, for a value that is not allowed or an unknown name.
    """
    environment = os.environ if environment is None else environment
    declared = settings_of(Config)
    given: dict[str, Given] = {}
    for origin in (_from_file(file, environment), _from_environment(environment), _from_options(options or {})):
        given.update(origin)
    values = {}
    for name, (value, shown) in given.items():
        try:
            values[name] = declared[name].parse(value)
        except UserError as error:
            raise UserError(f"{shown}: {error}") from error
    config = Config(**values)  # type: ignore[arg-type]
    for name, check in _checks(config).items():
        if values.get(name):
            try:
                check()
            except UserError as error:
                raise UserError(f"{given[name].shown}: {error}") from error
    return config


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return "; did you mean X?" if a known name is similar apart from the common prefix, else ""."""
    bare = [text.removeprefix(prefix) for text in known]
    found = difflib.get_close_matches(name.removeprefix(prefix), bare, 1, 0.7)
    return f"; did you mean {prefix}{found[0]}?" if found else ""


def _checks(config: Config) -> dict[str, Callable[[], object]]:
    """Return the checks of settings with a syntax of their own; they import heavy modules when called."""
    return {"body": config.body_policy, "models": config.entity_models, "contact": config.fetch_policy}


def _from_options(options: Mapping[str, str | bool | None]) -> Iterator[tuple[str, Given]]:
    declared = settings_of(Config)
    for name, value in options.items():
        if value is not None:
            yield name, Given(value, declared[name].option + ("" if name in SECRET else f" {value}"))


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    by_variable = {setting.variable: setting.name for setting in settings_of(Config).values()}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        name = by_variable.get(variable)
        if name is not None:
            yield name, Given(text, variable + ("" if name in SECRET else f"={text}"))
        elif variable not in FOREIGN and not OF_KUBERNETES.fullmatch(variable.removeprefix(PREFIX)):
            raise UserError(f"{variable}: unknown setting{nearest(variable, [*by_variable, FILE_VARIABLE], PREFIX)}")


def _from_file(named: str | None, environment: Mapping[str, str]) -> Iterator[tuple[str, Given]]:
    path = named if named is not None else environment.get(FILE_VARIABLE, DEFAULT_FILE)
    is_named = named is not None or FILE_VARIABLE in environment
    if not path or (not is_named and not Path(path).exists()):
        return
    declared = settings_of(Config)
    for name, value in _read_toml(path).items():
        if name not in declared:
            raise UserError(f"{path}: {name}: unknown setting{nearest(name.replace('-', '_'), declared)}")
        yield name, Given(value, f"{path}: {name}" + ("" if name in SECRET else f" = {_as_toml(value)}"))


def _read_toml(path: str) -> dict[str, object]:
    import tomllib

    try:
        with open(path, "rb") as stream:
            text = stream.read(LONGEST_FILE + 1)
    except OSError as exc:
        raise UserError(f"cannot read {path}: {(exc.strerror or str(exc)).lower()}") from exc
    if len(text) > LONGEST_FILE:
        raise UserError(f"cannot read {path}: more than {LONGEST_FILE:,} bytes")
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        # ValueError besides TOMLDecodeError and UnicodeDecodeError: a number with thousands of digits
        raise UserError(f"{path}: not valid TOML: {exc}") from exc


def _as_toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
