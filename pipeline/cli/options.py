"""Command-line options, made from the declarations of settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

import click

from pipeline.config import Config, Setting, read_config, settings_of
from transforms.errors import UserError

P = ParamSpec("P")

FETCHING = ("host_delay", "host_concurrency", "allow_private_addresses")
ONCE = click.option("--once", is_flag=True, help="Stop when everything that is due has been done.")


def configured(*names: str) -> Callable[[Callable[Concatenate[Config, P], None]], Callable[P, None]]:
    """Add --config and an option for each named setting to a command, and pass it the Config as first argument."""

    def decorate(command: Callable[Concatenate[Config, P], None]) -> Callable[P, None]:
        @functools.wraps(command)
        def with_config(*arguments: P.args, **values: P.kwargs) -> None:
            options = {name: values.pop(name) for name in names}
            file = values.pop("config_file")
            command(read_config(options, file), *arguments, **values)  # type: ignore[arg-type]

        add_options(click.option("--config", "config_file", metavar="FILE", help=CONFIG_HELP))(with_config)
        declared = settings_of(Config)
        return add_options(*(setting_option(declared[name]) for name in names))(with_config)

    return decorate


CONFIG_HELP = "Read settings from this TOML file.  [default: newsbeam.toml, if there is one]"


def add_options(*options: Callable[[Callable[P, None]], Callable[P, None]]) -> Callable[..., Callable[P, None]]:
    """Return a decorator that adds these options, shown in this order."""

    def decorate(command: Callable[P, None]) -> Callable[P, None]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def setting_option(setting: Setting) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Return the click option of a setting; its value is text or, for a flag, a bool; None if it was not given."""
    if setting.kind is bool:
        spelled = f"{setting.option}/--no-{setting.option.removeprefix('--')}"
        return click.option(spelled, setting.name, default=None, help=option_help(setting))
    metavar = "|".join(setting.choices) or setting.unit
    return click.option(setting.option, setting.name, metavar=metavar, help=option_help(setting))


def option_help(setting: Setting) -> str:
    """Return the help of an option: what it does, its default, its bounds."""
    bounds = setting.expected.partition("number ")[2] if not setting.choices else ""
    facts = [f"default: {setting.shown_default}" if setting.shown_default else "", bounds]
    remark = "; ".join(filter(None, facts)) if setting.kind is not bool else ""
    return f"{setting.help}." + (f"  [{remark}]" if remark else "")


def utf8_text(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return an argument; raises UserError if it is not valid UTF-8, which a database cannot store."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as exc:
        raise UserError(f"{parameter.human_readable_name}: not valid UTF-8") from exc
    return value


def nearest_option(text: str, options: Iterable[str]) -> str | None:
    """Return the option that is most similar to a misspelled one, or None."""
    import difflib

    found = difflib.get_close_matches(text, list(options), 1, 0.8)
    return found[0] if found else None
