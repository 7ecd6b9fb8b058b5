"""Split a corpus by publisher, so that pages of one publisher are never on both sides.

usage: python tools/publishers.py CORPUS LOOKED_AT ASIDE

Writes two folders of the corpus's form (gold.jsonl, manifest.jsonl, links to html/) for pages on which rules may be
chosen and for pages kept aside, which are scored at the end and never looked at: three and two of five folds.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit


def publisher(url: str) -> str:
    """Return roughly the registrable domain of a host. All pages of a publisher are in one fold.

    The folds of all published figures depend on it, so it stays as it is.
    """
    parts = (urlsplit(url).hostname or "").split(".")
    if len(parts) > 2 and parts[-2] in ("co", "com", "org", "net", "gov", "ac"):
        return ".".join(parts[-3:])
    return ".".join(parts[-2:])


def fold_of(url: str, folds: int, salt: object = 1) -> int:
    """Return the fold of a page, by a hash of its publisher."""
    return int(hashlib.md5(f"{salt}{publisher(url)}".encode()).hexdigest(), 16) % folds


def is_aside(url: str) -> bool:
    """Say whether a page is one of those that nobody looks at."""
    return fold_of(url, 5, "aside") > 2


def split(corpus: Path, looked_at: Path, aside: Path) -> None:
    """Write the two folders."""
    for folder, wanted in ((looked_at, False), (aside, True)):
        (folder / "html").mkdir(parents=True, exist_ok=True)
        gold = [line for line in (corpus / "gold.jsonl").open() if is_aside(json.loads(line)["url"]) is wanted]
        ids = {json.loads(line)["id"] for line in gold}
        manifest = [line for line in (corpus / "manifest.jsonl").open() if json.loads(line)["id"] in ids]
        (folder / "gold.jsonl").write_text("".join(gold))
        (folder / "manifest.jsonl").write_text("".join(manifest))
        for id_ in ids:
            file = Path("html") / f"{id_}.html.gz"
            if not (folder / file).exists():
                (folder / file).symlink_to((corpus / file).resolve())
        print(f"{folder}: {len(ids)} pages")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    split(*map(Path, sys.argv[1:]))
