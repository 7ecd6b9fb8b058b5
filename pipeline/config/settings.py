"""`Config`: every setting, with its type, default, bounds and help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pipeline import __version__
from pipeline.config.declaration import PREFIX, Setting
from transforms.errors import UserError

if TYPE_CHECKING:
    from transforms.fetch.fetcher import FetchPolicy
    from transforms.page.boilerplate import BodyPolicy

WEEK_S = 7 * 86_400
BODY_WORDS = ("tables", "embeds", "standfirst", "-standfirst", "-live_posts", "-headings")
TOPIC = r"^projects/[^/]+/topics/[^/]+$"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a process. Times are in seconds, sizes in bytes."""

    db: Annotated[
        str,
        Setting(
            "SQLAlchemy URL of the database: sqlite:///FILE or postgresql://USER@HOST/NAME", unit="URL", group="General"
        ),
    ] = "sqlite:///newsbeam.db"
    workers: Annotated[
        int | None,
        Setting(
            "Number of worker processes that `run` starts",
            unit="N",
            group="General",
            default_in_words="one per core",
            at_least=1,
            at_most=256,
        ),
    ] = None
    patience: Annotated[
        float,
        Setting(
            "With --once: wait for retries that are due within this time; later ones are left for the next run",
            unit="SECONDS",
            group="General",
            at_least=0,
            at_most=WEEK_S,
        ),
    ] = 30.0
    batch: Annotated[
        int, Setting("Maximum number of URLs in one batch", unit="N", group="General", at_least=1, at_most=1000)
    ] = 96
    batch_budget: Annotated[
        float | None,
        Setting(
            "A URL that would wait longer than this for its host is moved to a later batch",
            unit="SECONDS",
            group="General",
            default_in_words="20; no limit in a job without a ledger",
            above=0,
            at_most=3600,
        ),
    ] = None
    contact: Annotated[
        str,
        Setting(
            "Web page or email address in the User-Agent where publishers can reach you: set your own",
            unit="URL",
            group="Fetching",
            label="Your contact address",
            default_in_words="the project's page",
        ),
    ] = "https://github.com/newsbeam/newsbeam"
    host_delay: Annotated[
        float,
        Setting(
            "Minimum time between two requests to one host; robots.txt can only raise it",
            unit="SECONDS",
            group="Fetching",
            label="Minimum seconds between two requests to one host",
            at_least=0,
            at_most=3600,
        ),
    ] = 1.0
    host_concurrency: Annotated[
        int,
        Setting(
            "Maximum number of simultaneous requests to one host",
            unit="N",
            group="Fetching",
            label="Simultaneous requests to one host",
            at_least=1,
            at_most=64,
        ),
    ] = 2
    allow_private_addresses: Annotated[bool, Setting("Also fetch from private networks", group="Fetching")] = False
    fetch_timeout: Annotated[
        float,
        Setting(
            "Time limit for one URL including its redirects", unit="SECONDS", group="Fetching", above=0, at_most=3600
        ),
    ] = 30.0
    max_body_bytes: Annotated[
        int,
        Setting(
            "Maximum size of a page after decompression",
            unit="BYTES",
            group="Fetching",
            at_least=1,
            at_most=1_000_000_000,
        ),
    ] = 10_000_000
    models: Annotated[
        str,
        Setting(
            "spaCy models by language, such as en=en_core_web_md,de=de_core_news_sm",
            unit="LANGUAGE=MODEL,...",
            group="Extraction",
            default_in_words="the installed ones",
        ),
    ] = ""
    body: Annotated[
        str,
        Setting(
            f"What to add to the article's body or leave out of it: any of {', '.join(BODY_WORDS)}",
            unit="WORD,...",
            group="Extraction",
        ),
    ] = ""
    lease: Annotated[
        float,
        Setting(
            "How long the URLs claimed by a streaming job stay reserved after its worker dies",
            unit="SECONDS",
            group="Streaming jobs",
            at_least=5,
            at_most=86_400,
        ),
    ] = 120.0
    sink_patience: Annotated[
        float,
        Setting(
            "How long a sink keeps retrying while its database is unavailable",
            unit="SECONDS",
            group="Streaming jobs",
            default_in_words="0; 300 in a streaming job",
            at_least=0,
            at_most=WEEK_S,
        ),
    ] = 0.0
    bigquery_method: Annotated[
        Literal["FILE_LOADS", "STORAGE_WRITE_API", "STREAMING_INSERTS"],
        Setting(
            "How rows are written to BigQuery. FILE_LOADS: exactly once, free of charge, takes minutes. "
            "STORAGE_WRITE_API: takes seconds, needs Java in the image. STREAMING_INSERTS: takes seconds, at least "
            "once",
            group="Streaming jobs",
            label="How rows are written to BigQuery",
        ),
    ] = "FILE_LOADS"
    bigquery_frequency: Annotated[
        float,
        Setting(
            "Time between two load jobs: 60 or more, since BigQuery allows 1,500 loads per table and day",
            unit="SECONDS",
            group="Streaming jobs",
            label="Seconds between two load jobs",
            above=0,
            at_most=86_400,
        ),
    ] = 60.0

    def as_environment(self) -> dict[str, str]:
        """Return the environment variables that give a child process this Config.

        They also stop the child from reading a settings file.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {PREFIX + name.upper(): str(value) for name, value in values.items() if value is not None}
        return chosen | {f"{PREFIX}CONFIG": ""}

    @property
    def user_agent(self) -> str:
        """Return the User-Agent of every request."""
        return f"newsbeam/{__version__} (+{self.contact})"

    def fetch_policy(self) -> FetchPolicy:
        """Return the settings that the fetcher needs."""
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
        """Return what goes into `body`, from words like "tables,-live_posts"; raises UserError for other words."""
        from transforms.page.boilerplate import DEFAULT, Standfirst
        from transforms.records import BlockKind

        policy = DEFAULT
        for word in _parts(self.body):
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
                    raise UserError(f"{word}: expected any of {', '.join(BODY_WORDS)}")
        return policy

    def entity_models(self) -> Mapping[str, Sequence[str]]:
        """Return the models by language; configured ones ("en=en_core_web_md,...") replace the defaults.

        Raises UserError for text in any other form, or for a model that is not installed.
        """
        from transforms.entities.models import DEFAULT_MODELS, check_models

        chosen: dict[str, Sequence[str]] = {}
        for part in _parts(self.models):
            language, equals, model = part.partition("=")
            if not equals or not language or not model:
                raise UserError(f"{part}: expected LANGUAGE=MODEL, such as en=en_core_web_md")
            chosen[language] = (model,)
        check_models(chosen)
        return {**DEFAULT_MODELS, **chosen}


# besides JobArguments, the options of `python -m pipeline` and the parameters of the Flex Template
JOB_SETTINGS = ("bigquery_method", "bigquery_frequency", "host_delay", "host_concurrency")


@dataclass(frozen=True, slots=True)
class JobArguments:
    """What a streaming Beam job reads and writes. No environment variables set these: each job is given its own."""

    source: Annotated[
        str,
        Setting(
            "Where article URLs come from: pubsub:projects/P/subscriptions/S, the subscription to the topic that "
            "`newsbeam publish` fills, or ledger:URL",
            unit="SOURCE",
            label="Where article URLs come from",
            pattern=r"^(pubsub:projects/[^/]+/subscriptions/[^/]+|ledger:.+)$",
        ),
    ]
    sink: Annotated[
        str,
        Setting(
            "Where rows go: bigquery:PROJECT.DATASET, whose tables must exist, or a database URL",
            unit="SINK",
            label="Where rows go",
            pattern=r"^(bigquery:[^.]+\.[^.]+|postgresql.*|projects/.+/secrets/.+/versions/.+)$",
        ),
    ]
    ledger: Annotated[
        str,
        Setting(
            "Database of the pollers: fates are recorded there, so that `newsbeam audit` is complete and failures are "
            "retried",
            unit="URL",
            label="The pollers' database",
        ),
    ] = ""
    dead_letter_topic: Annotated[
        str,
        Setting(
            "Topic for what will not be retried: unreadable messages, and failures that were given up",
            unit="projects/P/topics/T",
            label="Topic for dead letters",
            pattern=TOPIC,
        ),
    ] = ""
    output_topic: Annotated[
        str,
        Setting(
            "Topic for events: one message of versioned JSON per article, rejection or failure",
            unit="projects/P/topics/T",
            label="Topic for events",
            pattern=TOPIC,
        ),
    ] = ""


def _parts(text: str) -> list[str]:
    return [part for part in (part.strip() for part in text.split(",")) if part]
