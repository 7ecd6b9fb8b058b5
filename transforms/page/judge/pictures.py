"""Pair the pictures of an article with the captions and credits beside them, one row for a picture in all its sizes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from transforms.page.judge.walk import Picture, Walk
from transforms.page.kinds import REGION_KINDS
from transforms.page.read.bylines import find_byline
from transforms.page.read.captions import clean_credit, is_credit, split_credit
from transforms.page.read.dates import parse_date
from transforms.page.text import text_key
from transforms.records import Block, BlockKind, Image

# how many blocks before the first kept one a picture of the article may be, and after the last one
BEFORE = 25
_AFTER = 6
MOST_IMAGES = 100
# a picture whose caption is longer gets no more lines; the longest of 1,746 pages has 3,807
_CAPTION_CHARS = 2_000
_SHORTEST_CAPTION = 5
# the longest address of a picture has 4,986
_URL_CHARS = 20_000
# two texts of one picture follow each other: its caption and, apart from it, its credit or a longer caption
_APART = 2
# names of sizes and of what is done to a picture, and words that all addresses of a site may have; not "12.jpg", which
# may be the twelfth picture
_SIZE_WORDS = (
    "fit-in master original originals resize resized thumb thumbs thumbnail thumbnails crop cropped large medium small "
    "full big preview teaser hero square gallery raw rawimage landscape portrait wide standard default auto smart "
    "image images img media public assets style styles rendition web jpeg jpg png webp"
)
_SIZE = re.compile(
    r"[1-9]\d{1,2}0|\d{2,5}x\d{2,5}|\d{1,2}[x:]\d{1,2}|\d+(?:[_,.]\d+){1,3}|[whq]_?\d{1,5}|[a-z]{1,2}_[a-z\d.:]{1,10}|"
    r"(?:[a-z]{1,2}_[\w.:]+,)+[a-z]{1,2}_[\w.:]+|(?:width|height|format|quality|fit|crop|resize|scale)[=:_-]\w*|"
    + "|".join(_SIZE_WORDS.split())
)
_SUFFIX = re.compile(
    r"(?:[-_@.]+(?:\d{2,5}x\d{2,5}|(?:320|480|640|720|768|800|960|1024|1080|1200|1280|1440|1600|1920|2048|2560)|"
    r"\d{2,5}[wpx]|[whq]\d{2,5}|r\d+\.\d+|fp[xy]\d+|scaled|small|large|medium|square|thumb(?:nail)?|crop(?:ped)?|\dx|"
    r"\d{1,2}x\d{1,2}|e\d{9,}|v\d|facebook|twitter|og|share|teaser|hero|landscape|portrait|desktop|mobile))+$"
)
_EXTENSION = re.compile(r"(?:\.(?:jpe?g|png|webp|gif|avif|tiff?|bmp|svg|ashx|img))+$", re.IGNORECASE)
_INNER = re.compile(r"https?(?::|%3a)(?:/|%2f){1,2}", re.IGNORECASE)
# parameters that say which picture it is, where others say in which size
_NAMING = frozenset(
    ("id", "file", "filename", "image", "img", "imgid", "imageid", "path", "media", "guid", "uuid", "pic")
)
_QUERY_CHARS = 2_000
_INNER_NAMES = frozenset(("url", "src", "image", "u", "img", "imageurl"))
# a name of a file that is shorter may be that of many pictures, each in a folder of its own
_TELLING = 10


@dataclass(slots=True)
class _Found:
    url: str
    caption: str = ""
    credit: str = ""
    last: int = -1


def collect_images(
    walk: Walk, blocks: Sequence[Block], first_block: int, base_url: str, lead_image: str
) -> list[Image]:
    """Return the main image and the pictures that have a caption or credit in the same figure or container.

    `first_block` is the index on the page of the first of `blocks`.
    """
    images: dict[str, _Found] = {}
    if lead_image:
        images[picture_key(lead_image)] = _Found(lead_image)
    body_at = [i for i, b in enumerate(blocks) if b.kind in REGION_KINDS]
    if body_at:
        first, last = max(0, body_at[0] - BEFORE), body_at[-1] + _AFTER
        pictures = [picture for picture in walk.pictures if picture.url]
        for i, block in enumerate(blocks[: last + 1]):
            if i < first or block.kind not in (BlockKind.CAPTION, BlockKind.CREDIT):
                continue
            owner = _find_owner(pictures, i + first_block)
            url = _absolute(base_url, owner.url) if owner else lead_image
            if url:
                found = images.setdefault(picture_key(url), _Found(url))
                _add_text(found, block, i, is_own=owner is not None)
    return [Image(found.url, found.caption, found.credit) for found in images.values()][:MOST_IMAGES]


def picture_key(url: str) -> str:
    """Return a key that is the same for one picture in several sizes, from several services that resize it."""
    url = url[:_URL_CHARS]
    for _ in range(2):
        inner = _inner_address(url)
        if not inner:
            break
        url = inner
    path, _, query = url.partition("#")[0].partition("?")
    parts = [_EXTENSION.sub("", part) for part in unquote(path).lower().split("/")[3:] if part]
    bare = [_SUFFIX.sub("", part) or part for part in parts]
    telling = [part for part in bare if not (_SIZE.fullmatch(part) or all(map(_SIZE.fullmatch, part.split("_"))))]
    named = [value for name, value in parse_qsl(query[:_QUERY_CHARS]) if name.lower() in _NAMING]
    if not telling and not named:
        return url
    last = telling[-1:] if telling and len(telling[-1]) >= _TELLING else telling[-2:]
    return "/".join((*last, *named))


def _inner_address(url: str) -> str:
    """Return the address of the picture within that of a service that resizes it, or ""."""
    match = _INNER.search(url, 8)
    if not match:
        return ""
    query = url.find("?")
    if 0 <= query < match.start():
        pairs = parse_qsl(url[query + 1 :])
        return next((value for name, value in pairs if name.lower() in _INNER_NAMES and _INNER.match(value)), "")
    return unquote(url[match.start() :])


def _add_text(found: _Found, block: Block, at: int, is_own: bool) -> None:
    """Add the text of a block to a picture, if it is about the picture and the picture lacks it."""
    caption, credit = split_credit(block.text)
    if not credit and block.kind is BlockKind.CREDIT and (is_credit(block.text) or len(block.text.split()) <= 8):
        caption, credit = "", clean_credit(block.text)
    is_next = found.last < 0 or (is_own and at - found.last <= _APART)
    if not is_next or _is_no_caption(caption):
        caption = ""
    key = text_key(caption)
    if not key or key in text_key(found.caption) or len(found.caption) > _CAPTION_CHARS:
        pass
    elif text_key(found.caption) in key:
        found.caption, found.last = caption, at
    else:
        found.caption, found.last = f"{found.caption} {caption}", at
    if credit and not found.credit and (found.last < 0 or at - found.last <= _APART):
        found.credit = credit
        found.last = max(found.last, at) if is_own else found.last


def _is_no_caption(text: str) -> bool:
    """Say whether a text beside a picture is a byline, a date or a word such as "Live"."""
    if len(text.split()) > 12:
        return False
    if text.isascii() and len(text) < _SHORTEST_CAPTION:
        return True
    return bool(find_byline(text)) or (
        any(map(str.isdigit, text)) and len(text.split()) <= 6 and bool(parse_date(text))
    )


def _find_owner(pictures: Sequence[Picture], at: int) -> Picture | None:
    """Return the last picture among the four blocks before a block or at it, else the first in the two after it."""
    place = bisect_right(pictures, at, key=_position)
    if place and pictures[place - 1].position >= at - 4:
        return pictures[place - 1]
    return pictures[place] if place < len(pictures) and pictures[place].position <= at + 2 else None


def _position(picture: Picture) -> int:
    return picture.position


def _absolute(base: str, url: str) -> str:
    if len(url) > _URL_CHARS:
        return ""
    try:
        whole = urljoin(base, url.strip())
        return whole if urlsplit(whole).scheme in ("http", "https") else ""
    except ValueError:
        return ""
