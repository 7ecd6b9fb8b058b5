"""Detect the language of an article from its body; what the page or its feed says of the language only tips the scales.

    body -> up to WINDOWS windows -> py3langid: the probability of each language in each of them
         -> times ODDS for the language that the page names -> mean over the windows -> language

Windows all over the body rather than its beginning, each with one vote: a page in two languages then has the language
that most of it is in. `python bench/language.py CORPUS` prints how often this is right, and docs/extraction.md has the
figures for other detectors.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from transforms.guard.limits import uncounted
from transforms.records import Article

# No more than 2,000 characters of any body are read. Where one language has 70 % of a text, it comes out for 96 of 100
# texts; if a text is read as one piece, for 81.
WINDOWS = 8
WINDOW_CHARS = 250
# By how much a language becomes more likely because the page names it. Measured on the beginnings of 823 real bodies:
# of 20 characters, 994 of 1,000 come out right where the page is right; of 100, still 979 where the page is wrong.
ODDS = 30.0
# What is less likely is not believed against the page, and not at all if the page names no language. All 823 bodies are
# above it, the least likely of them .56; program code, lists of numbers and most languages that py3langid does not know
# are below.
SURE = 0.5

# Nine of ten characters of prose are letters, in scripts with vowel signs two of three.
LEAST_LETTERS = 0.1

# what is less probable in a window cannot come out, whatever the page says
_LEAST = 1e-4
# py3langid's label for what is no language: numbers, markup, identifiers
_NOTHING = "zxx"
_TAG = re.compile(r"\s*([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4})(?![^\s,;.@])")
# codes that ISO 639 has replaced, the three-letter codes that pages use most, and country codes in their place
_MEANT: Mapping[str, str] = MappingProxyType(
    {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro"}
    | {"eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt"}
    | {"rus": "ru", "nld": "nl", "dut": "nl", "pol": "pl", "tur": "tr", "ara": "ar", "zho": "zh", "chi": "zh"}
    | {"jpn": "ja", "kor": "ko", "swe": "sv", "nor": "no", "dan": "da", "fin": "fi", "ell": "el", "gre": "el"}
    | {"cn": "zh", "jp": "ja", "gr": "el", "ua": "uk", "cz": "cs", "dk": "da"}
)
# a language by its own code -> the label by which it is detected, that of its macrolanguage (ISO 639-3)
_PART_OF: Mapping[str, str] = MappingProxyType(
    {"nb": "no", "nob": "no", "cmn": "zh", "wuu": "zh", "yue": "zh", "arb": "ar", "ary": "ar", "arz": "ar"}
    | {"fil": "tl", "pes": "fa", "prs": "fa", "ckb": "ku", "kmr": "ku", "sdh": "ku", "uzn": "uz", "uzs": "uz"}
    | {"zsm": "ms", "swh": "sw", "gug": "gn", "fuv": "ff", "kik": "ki"}
)
# languages that py3langid does not know -> those that it takes them for; the page has to name them
_LIKE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bo": ("dz",),
        "co": ("it", "lij", "vec"),
        "dsb": ("pl", "cs", "sk", "sl"),
        "hsb": ("pl", "cs", "sk", "sl"),
        "rm": ("oc", "it", "ca", "lij", "vec"),
        "sd": ("ps", "ur", "fa", "ar"),
        "su": ("ace", "id", "jv", "ms"),
        "ti": ("am",),
        "tn": ("nso", "st"),
        "yi": ("he",),
    }
)

# what an article's sources call the text
TEXT = "text"

_loading = threading.Lock()
_loaded: list[Any] = []


@dataclass(frozen=True, slots=True)
class Detected:
    """The language of a text, "" if it is none or cannot be told; `is_claimed` says that the page's word decided it."""

    language: str
    is_claimed: bool = False


@dataclass(frozen=True, slots=True)
class LanguageDetector:
    """Fills in the language of articles; it pickles, and loads its model once per process."""

    def __call__(self, article: Article) -> Article:
        """Set `language` to that of the body, "" if the body is in none, and say in `sources` where it comes from.

        `language_tag`, which the page or its feed gives, is the prior, and is left as it is.
        """
        found = detect_language(article.body, article.language_tag)
        sources = {name: source for name, source in article.sources.items() if name != "language"}
        if found.language:
            sources["language"] = sources.get("language_tag", "page") if found.is_claimed else TEXT
        return replace(article, language=found.language, sources=sources)

    def prepare(self) -> None:
        """Load the model."""
        load_identifier()


def read_tag(text: str) -> str:
    """Return a language tag (BCP 47) as it is spelled, with hyphens for underscores; "" for what is none.

    Of a list of tags, it returns the first; of a locale such as de_DE.UTF-8, what stands before the charset.
    """
    match = _TAG.match(text)
    return match[1].replace("_", "-") if match else ""


def read_language(tag: str) -> str:
    """Return the language of a tag (BCP 47, or as feeds and pages misspell it): "en" for "en-US", "he" for "iw"."""
    code = tag.strip().replace("_", "-").split("-")[0].casefold()
    return _MEANT.get(code, code)


def detect_language(text: str, tag: str = "") -> Detected:
    """Return the language of a text; `tag` is the one that its page gives, if it gives one.

    The result is an ISO 639-1 code, or an ISO 639-3 code of a language without one. Where the page names a part of the
    language that is detected, such as nb for no or yue for zh, the result is what the page names.
    """
    named = read_language(read_tag(tag))
    windows = measure_windows(text)
    if not windows:
        return Detected("")
    labels = _LIKE.get(named) or (_PART_OF.get(named, named),)
    best, probability = _weigh(windows, labels)
    if named and best in labels:
        alone, probability = _weigh(windows, ())
        return Detected(named, is_claimed=alone != best or probability < SURE)
    if probability >= SURE:
        return Detected(best if best != _NOTHING else "")
    # neither can be told, nor can it be ruled out that the page is right about a language that is not known here
    is_known = not named or not set(labels).isdisjoint(load_identifier().labels)
    return Detected("") if is_known else Detected(named, is_claimed=True)


def measure_windows(text: str) -> list[tuple[int, Mapping[str, float]]]:
    """Return the length of each window of a text, and the probability of each language in it.

    Windows with hardly a letter, as in tables of numbers, are left out.
    """
    identifier = load_identifier()
    windows: list[tuple[int, Mapping[str, float]]] = []
    for window in split_windows(text):
        if sum(map(str.isalpha, window)) < LEAST_LETTERS * len(window):
            continue
        labels: defaultdict[str, float] = defaultdict(float)
        for label, probability in identifier.rank(window):
            if probability < _LEAST:
                break  # they are sorted
            labels[_PART_OF.get(label, label)] += probability
        windows.append((len(window), labels))
    return windows


def split_windows(text: str) -> Iterable[str]:
    """Return a text in windows: all of it, or WINDOWS of them spread evenly over one that is longer."""
    last = len(text) - WINDOW_CHARS
    if last < (WINDOWS - 1) * WINDOW_CHARS:
        starts: Iterable[int] = range(0, len(text), WINDOW_CHARS)
    else:
        starts = (last * number // (WINDOWS - 1) for number in range(WINDOWS))
    return (text[start : start + WINDOW_CHARS] for start in starts)


def _weigh(windows: Sequence[tuple[int, Mapping[str, float]]], named: Sequence[str]) -> tuple[str, float]:
    """Return the most probable language and its probability; `named` are the labels for which the page speaks."""
    weights: defaultdict[str, float] = defaultdict(float)
    for length, labels in windows:
        odds = {**labels, **{label: ODDS * labels[label] for label in named if label in labels}}
        share = length / sum(odds.values())
        for label, probability in odds.items():
            weights[label] += share * probability
    best = max(weights, key=weights.__getitem__)
    return best, weights[best] / sum(length for length, _ in windows)


def load_identifier() -> Any:
    """Return py3langid's model, loaded once per process: half a second of CPU and 76 MB."""
    with _loading:
        if not _loaded:
            with uncounted():
                from py3langid.langid import MODEL_FILE, LanguageIdentifier

                _loaded.append(LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True))
        return _loaded[0]
