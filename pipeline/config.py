"""One frozen Config; the only reader of the environment.

Every field can be set by an environment variable NEWSBEAM_<FIELD>; options of the command line go before it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from transforms.errors import UserError

if TYPE_CHECKING:
    from transforms.fetch.fetcher import FetchPolicy
    from transforms.page.boilerplate import BodyPolicy

DEFAULT_DB = "sqlite:///newsbeam.db"
BIGQUERY_METHODS = ("FILE_LOADS", "STORAGE_WRITE_API", "STREAMING_INSERTS")
CONTACT = "https://github.com/newsbeam/newsbeam"


@dataclass(frozen=True, slots=True)
class Config:
    """All that can be chosen. Times in seconds, sizes in bytes."""

    db: str = DEFAULT_DB
    contact: str = CONTACT
    host_delay: float = 1.0
    host_concurrency: int = 2
    allow_private_addresses: bool = False
    fetch_timeout: float = 30.0
    max_body_bytes: int = 10_000_000
    patience: float = 30.0
    workers: int = 0
    batch: int = 96
    batch_budget: float = 0.0  # a host whose turn comes later than this in its batch is put off; 0: none is
    models: str = ""
    body: str = ""  # what goes into `body` besides the default: "tables,embeds", or is left out: "-live_posts"
    lease: float = 120.0  # how long what a streaming job had claimed waits after its worker died
    sink_patience: float = 0.0  # how long a sink tries again while its database is away, before it fails
    bigquery_method: str = "FILE_LOADS"
    bigquery_frequency: float = 60.0  # between two loads

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **options: Any) -> Config:
        """Read NEWSBEAM_* and then the options that are not None; raises UserError for a value that does not fit."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for field in fields(cls):
            text = environment.get(f"NEWSBEAM_{field.name.upper()}")
            if text is not None:
                values[field.name] = _parse(f"NEWSBEAM_{field.name.upper()}", text, type(field.default))
        config = replace(cls(**values), **{name: value for name, value in options.items() if value is not None})
        return config.checked()

    def checked(self) -> Config:
        """Return self; raises UserError if a value is out of range."""
        for name in ("host_delay", "patience"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name.replace('_', '-')} must be 0 or more, not {getattr(self, name)}")
        if self.bigquery_method not in BIGQUERY_METHODS:
            raise UserError(f"--bigquery-method {self.bigquery_method!r}: say one of {', '.join(BIGQUERY_METHODS)}")
        if self.bigquery_frequency <= 0:
            raise UserError(f"--bigquery-frequency must be more than 0, not {self.bigquery_frequency}")
        if self.host_concurrency < 1:
            raise UserError(f"--host-concurrency must be 1 or more, not {self.host_concurrency}")
        self.entity_models()
        self.body_policy()
        return self

    def as_environment(self) -> dict[str, str]:
        """Return the variables from which `from_environment` makes this Config again, for a child process."""
        return {f"NEWSBEAM_{field.name.upper()}": str(getattr(self, field.name)) for field in fields(self)}

    @property
    def user_agent(self) -> str:
        """The honest name that every request carries."""
        return f"newsbeam/{__version__} (+{self.contact})"

    def fetch_policy(self) -> FetchPolicy:
        """Return the part that the fetcher needs."""
        from transforms.fetch.fetcher import FetchPolicy

        return FetchPolicy(
            user_agent=self.user_agent,
            host_delay_s=self.host_delay,
            host_concurrency=self.host_concurrency,
            allow_private_addresses=self.allow_private_addresses,
            timeout_s=self.fetch_timeout,
            max_body_bytes=self.max_body_bytes,
        )

    def body_policy(self) -> BodyPolicy:
        """Return what goes into `body`, from words like "tables,-live_posts"; raises UserError for others."""
        from transforms.page.boilerplate import DEFAULT, Standfirst
        from transforms.records import BlockKind

        policy = DEFAULT
        for word in filter(None, (word.strip() for word in self.body.split(","))):
            match word:
                case "tables":
                    policy = replace(policy, tables=True)
                case "embeds":
                    policy = replace(policy, embeds=True)
                case "-live_posts":
                    policy = replace(policy, kinds=policy.kinds - {BlockKind.LIVE_POST})
                case "-headings":
                    policy = replace(policy, kinds=policy.kinds - {BlockKind.HEADING})
                case "standfirst":
                    policy = replace(policy, standfirst=Standfirst.ALWAYS)
                case "-standfirst":
                    policy = replace(policy, standfirst=Standfirst.NEVER)
                case _:
                    raise UserError(
                        f"--body {word!r}: say any of tables, embeds, standfirst, -standfirst, -live_posts, -headings"
                    )
        return policy

    def entity_models(self) -> Mapping[str, Sequence[str]]:
        """Return the models by language; those asked for ("en=en_core_web_md,...") go before the defaults."""
        from transforms.entities.models import DEFAULT_MODELS, check_models

        chosen: dict[str, Sequence[str]] = {}
        for part in filter(None, (part.strip() for part in self.models.split(","))):
            language, equals, model = part.partition("=")
            if not equals or not language or not model:
                raise UserError(f"NEWSBEAM_MODELS: {part!r} is not of the form en=en_core_web_md")
            chosen[language] = (model,)
        check_models(chosen)
        return {**DEFAULT_MODELS, **chosen}


def _parse(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off", ""):
            return False
        raise UserError(f"{name}={text!r}: say true or false")
    try:
        return kind(text)
    except ValueError as exc:
        raise UserError(f"{name}={text!r}: not a number") from exc
