"""Declare a setting once: its type, default, bounds and help, as the annotation of a dataclass field.

    host_delay: Annotated[float, Setting("Minimum delay between requests to one host", at_least=0)] = 1.0

`settings_of` reads the declarations. Options, variables, error messages and documentation are made from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from transforms.errors import UserError

Value: TypeAlias = bool | int | float | str | None
Kind: TypeAlias = type[bool] | type[int] | type[float] | type[str]
KINDS: tuple[Kind, ...] = (bool, int, float, str)

TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off", "")
PREFIX = "NEWSBEAM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting: what its declaration says, and what `settings_of` adds (name, kind, default, choices).

    `default_in_words` describes the default where its value alone does not. `label` (a short title) and `pattern` (a
    regular expression for values) are for forms of other systems, such as the Flex Template's.
    """

    help: str = field(kw_only=False)
    group: str = ""
    unit: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    default_in_words: str = ""
    label: str = ""
    pattern: str = ""
    name: str = ""
    kind: Kind = str
    default: Value = None
    is_required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """Return the name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Return the name in the environment."""
        return PREFIX + self.name.upper()

    @property
    def expected(self) -> str:
        """Describe the allowed values, as text to follow "expected"."""
        if self.choices:
            return f"{', '.join(self.choices[:-1])} or {self.choices[-1]}"
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return "text"
        return f"a {'whole ' if self.kind is int else ''}number{self._bounds()}"

    @property
    def shown_default(self) -> str:
        """Describe the default; "" if there is none or it is an empty text."""
        if self.default_in_words or self.default is None:
            return self.default_in_words
        if self.kind is bool:
            return "true" if self.default else "false"
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    def parse(self, value: object) -> Value:
        """Convert text from an option or variable, or a value from a file, to the setting's type.

        Raises UserError, which says what is expected, for a value that is not allowed.
        """
        if isinstance(value, str) and not _is_utf8(value):
            raise UserError("not valid UTF-8")
        if isinstance(value, str) and "\x00" in value:
            # no environment variable can hold it, by which workers get their settings
            raise UserError("a zero byte")
        if self.kind is bool and isinstance(value, str):
            if value.strip().lower() in (*TRUE, *FALSE):
                return value.strip().lower() in TRUE
            raise UserError(f"expected {self.expected}")
        import msgspec

        try:
            parsed = msgspec.convert(value, self.kind, strict=self.kind is str)
        except msgspec.ValidationError as exc:
            raise UserError(f"expected {self.expected}") from exc
        if not self._allows(parsed):
            raise UserError(f"expected {self.expected}")
        return parsed

    def _allows(self, value: bool | int | float | str) -> bool:
        if self.choices:
            return value in self.choices
        if isinstance(value, str):
            return True
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
        )

    def _bounds(self) -> str:
        most = _plain(self.at_most)
        if self.above is not None:
            return f" above {_plain(self.above)}" + (f", at most {most}" if most else "")
        if self.at_least is None:
            return f" up to {most}" if most else ""
        return f" from {_plain(self.at_least)} to {most}" if most else f" of at least {_plain(self.at_least)}"


@cache
def settings_of(declaration: type) -> Mapping[str, Setting]:
    """Return the settings that a dataclass declares, by name, in the order of its fields.

    Raises TypeError for a field without a Setting, or of a type that settings cannot have.
    """
    hints = get_type_hints(declaration, include_extras=True)
    found = {}
    for declared in fields(declaration):
        # Annotated[T, Setting(...)]
        hint = hints[declared.name]
        said = next((part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Setting)), None)
        if said is None:
            raise TypeError(f"{declaration.__name__}.{declared.name} is not declared as Annotated[..., Setting(...)]")
        kind, choices = _kind_of(get_args(hint)[0])
        is_required = declared.default is MISSING
        found[declared.name] = replace(
            said,
            name=declared.name,
            kind=kind,
            default=None if is_required else _value(declared.default),
            is_required=is_required,
            choices=choices,
        )
    return MappingProxyType(found)


def _value(default: Any) -> Value:
    found: Value = default
    return found


def _kind_of(hint: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(hint) is Literal:
        return str, get_args(hint)
    for kind in KINDS:
        if hint in (kind, kind | None):
            return kind, ()
    raise TypeError(f"settings cannot have the type {hint}")


def _is_utf8(text: str) -> bool:
    # invalid UTF-8 in the command line or the environment arrives as lone surrogates
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _plain(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.15g}"
