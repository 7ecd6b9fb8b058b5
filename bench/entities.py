"""Print the cost of entities per page, also relative to plain `spacy.load(...)(text)` in the same run.

usage: python bench/entities.py [--pages 120] [GOLD.jsonl]      (default: ../shared/corpus/gold.jsonl)

They alternate on slices of pages, so that a busy machine slows both. Times are CPU of one process, without loading.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

GOLD = Path(__file__).resolve().parents[2] / "shared/corpus/gold.jsonl"


def read_texts(path: Path, limit: int) -> list[list[str]]:
    """Read the paragraphs of English pages."""
    texts = []
    for line in path.read_text().splitlines():
        page = json.loads(line)
        body = page.get("text") or page.get("body") or ""
        paragraphs = body.split("\n\n") if isinstance(body, str) else [str(part) for part in body]
        joined = " ".join(paragraphs)
        if len(joined) > 500 and joined.isascii() | (" the " in joined):
            texts.append(paragraphs)
    return texts[:limit]


def main() -> None:
    """Run the benchmark and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", nargs="?", type=Path, default=GOLD)
    parser.add_argument("--pages", type=int, default=120)
    args = parser.parse_args()
    texts = read_texts(args.gold, args.pages)

    import spacy

    from transforms.entities.grouping import group_mentions
    from transforms.entities.models import choose_model, load_model
    from transforms.entities.recognizer import recognize_spans

    name = choose_model("en")
    model = load_model(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = spacy.load(name)
        ner = spacy.load(name, exclude=["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer"])

    def run_ours(paragraphs: list[str]) -> None:
        group_mentions(recognize_spans(paragraphs, model, "en")[0])

    def run_full(paragraphs: list[str]) -> None:
        list(full("\n\n".join(paragraphs)).ents)

    def run_ner(paragraphs: list[str]) -> None:
        list(ner("\n\n".join(paragraphs)).ents)

    runs: dict[str, Callable[[list[str]], None]] = {"newsbeam": run_ours, "plain": run_full, "plain, ner only": run_ner}
    seconds = dict.fromkeys(runs, 0.0)
    for first in range(0, len(texts), 10):
        for kind, run in runs.items():
            began = time.process_time()
            for paragraphs in texts[first : first + 10]:
                run(paragraphs)
            seconds[kind] += time.process_time() - began
    words = sum(len(paragraph.split()) for paragraphs in texts for paragraph in paragraphs)
    print(f"{name}, {len(texts)} pages, {words / len(texts):.0f} words per page")
    for kind, spent in seconds.items():
        ratio = seconds["plain"] / spent
        print(f"{kind:16} {1000 * spent * 800 / words:7.1f} ms CPU / 800 words   {ratio:5.2f} x plain")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB (three models)")


if __name__ == "__main__":
    main()
