"""Read from the markup of a page what speaks for its kind: declared types, players, prices, forms, software.

Nothing is judged here (transforms.page.judge.page_kind does): pages declare much that they are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from urllib.parse import parse_qs, unquote, urlsplit

from lxml import etree

from transforms.page.read.linked_data import as_list, text_of, types_of
from transforms.page.read.sources import PageSources, read_line

# Past these nothing more is read; of 823 pages the most have 126 types in microdata, and 159 players and buttons.
_MAX_TYPES = 2_000
_MAX_ELEMENTS = 3_000
# of an address or a button's text
_MAX_CHARS = 500
# what can be bought or used and says its price in linked data
_OFFERED_TYPES = frozenset(
    (
        "product",
        "productgroup",
        "individualproduct",
        "productmodel",
        "vehicle",
        "car",
        "softwareapplication",
        "mobileapplication",
        "webapplication",
        "videogame",
        "service",
        "course",
        "apartment",
        "hotel",
        "hotelroom",
        "lodgingbusiness",
        "vacationrental",
    )
)
_OFFERS = frozenset(("offer", "aggregateoffer"))
_ITEM_TYPES = etree.XPath("//@itemtype")
_PLAYER = re.compile(r"/embed/|//embed\.|//player\.|/players?[/.?]|[?&]player=|/v/[\w-]{6,}", re.IGNORECASE)
_NOT_PLAYER = re.compile(r"/plugins/|/maps/|/ads?[/.]|doubleclick|/comments?[/.]", re.IGNORECASE)
_BESIDE = frozenset(("aside", "footer", "nav", "form", "header"))
_CART = re.compile(
    r"\b(?:add\s+to\s+(?:cart|bag|basket)|buy\s+now|in\s+den\s+(?:waren|einkaufs)korb|jetzt\s+kaufen|ajouter\s+au\s+panier"
    r"|(?:añadir|agregar)\s+(?:al\s+carrito|a\s+la\s+cesta)|adicionar\s+ao\s+carrinho|comprar\s+(?:ahora|agora)"
    r"|aggiungi\s+al\s+carrello|(?:in|toevoegen\s+aan)\s+winkel(?:wagen|mand)|do\s+koszyka|lägg\s+i\s+(?:varukorg|kundvagn)"
    r"|l[æe]g\s+i\s+kurv|legg\s+i\s+handlekurv|do\s+košíku|sepete\s+ekle|в\s+корзину|до\s+кошика|купить)\b"
    r"|カートに(?:入れる|追加)|加入购物车|加入購物車|장바구니",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Marks:
    """What a page's markup says of its kind; types are in lower case.

    `own` are the linked data's types of the page's own article, `linked` those of all its nodes, `microdata` those of
    `itemtype`. `listed` is the number of items of the longest ItemList. `is_offered` says that one thing that can be
    bought or used has an offer, `players` counts the video and audio players of the main column, `path` are the parts
    of the address's path, `asked` the names in its query.
    """

    own: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    microdata: frozenset[str] = frozenset()
    og_type: str = ""
    generator: str = ""
    listed: int = 0
    is_offered: bool = False
    has_cart: bool = False
    has_password: bool = False
    players: int = 0
    path: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()


def read_marks(page: PageSources) -> Marks:
    """Read the marks of a page."""
    typed = [(types_of(node), node) for node in page.nodes]
    microdata = frozenset(_last_part(str(value)) for value in _ITEM_TYPES(page.tree)[:_MAX_TYPES])
    path, asked = _split_address(page.url)
    has_cart = has_password = False
    players = 0
    for element in islice(page.tree.iter("iframe", "video", "audio", "object", "button", "input"), _MAX_ELEMENTS):
        if element.tag == "button":
            has_cart = has_cart or bool(_CART.search(read_line(element, _MAX_CHARS)))
        elif element.tag == "input":
            type_ = (element.get("type") or "").lower()
            has_password |= type_ == "password"
            has_cart |= type_ in ("submit", "button") and bool(_CART.search((element.get("value") or "")[:_MAX_CHARS]))
        else:
            players += _is_player(element)
    return Marks(
        own=frozenset(types_of(page.article)),
        linked=frozenset().union(*(types for types, _ in typed)),
        microdata=microdata,
        og_type=page.first_tag("og:type").lower(),
        generator=page.first_tag("generator").lower()[:_MAX_CHARS],
        listed=max(
            (len(as_list(node.get("itemListElement"))) for types, node in typed if "itemlist" in types), default=0
        ),
        is_offered=bool(page.first_tag("product:price:amount", "og:price:amount"))
        # a list of the best ones has an offer for each
        or len({text_of(node.get("name")) for types, node in typed if types & _OFFERED_TYPES and "offers" in node}) == 1
        or bool(microdata & _OFFERED_TYPES and microdata & _OFFERS),
        has_cart=has_cart,
        has_password=has_password,
        players=players,
        path=path,
        asked=asked,
    )


def _last_part(address: str) -> str:
    return address.strip().rstrip("/").rsplit("/", 1)[-1].lower()


def _split_address(url: str) -> tuple[tuple[str, ...], frozenset[str]]:
    try:
        parts = urlsplit(url)
        return tuple(unquote(parts.path).lower().strip("/").split("/")), frozenset(parse_qs(parts.query))
    except ValueError:
        return (), frozenset()


def _is_player(element: etree._Element) -> bool:
    """Say whether an element plays something, and does so in the main column."""
    source = (element.get("src") or element.get("data-src") or element.get("data") or "")[:_MAX_CHARS]
    if element.tag in ("video", "audio"):
        # what plays by itself and without sound is decoration
        plays = element.get("controls") is not None or (
            element.get("autoplay") is None and element.get("muted") is None
        )
    else:
        plays = bool(_PLAYER.search(source)) and not _NOT_PLAYER.search(source)
    return plays and not any(parent.tag in _BESIDE for parent in element.iterancestors())
