"""Reject pages that are not articles: section fronts, search results, consent walls and soft 404s.

Conservative by design: a page that declares itself an article, or has a few hundred words of body, is never rejected.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from transforms.errors import NotAnArticle
from transforms.page.kinds import TEXT_KINDS
from transforms.page.read.metadata import Metadata
from transforms.page.text import count_words
from transforms.records import Block

_MISSING = re.compile(
    r"\b404\b|\b(?:page|article|story|content)\b.{0,20}\b(?:not\s+found|no\s+longer\s+(?:available|exists)|doesn['’]t\s+exist|unavailable)"
    r"|^not\s+found|seite\s+(?:wurde\s+)?nicht\s+gefunden|page\s+(?:introuvable|non\s+trouvée)|página\s+no\s+encontrada"
    r"|página\s+não\s+encontrada|pagina\s+non\s+trovata|pagina\s+niet\s+gevonden|nie\s+znaleziono\s+strony|strona\s+nie"
    r"|siden?\s+(?:blev|ble)?\s*ikke\s+fun|sidan\s+(?:kunde\s+inte\s+hittas|hittades\s+inte)|stránka\s+(?:nebyla\s+)?nenalezena"
    r"|страница\s+не\s+найдена|сторінку\s+не\s+знайдено|sayfa\s+bulunamadı|ページが見つかりません|页面不存在|找不到|페이지를\s+찾을\s+수",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"^(?:search|suche|recherche|búsqueda|buscar|busca|ricerca|zoeken|szukaj|søg|søk|sök|hledat|поиск|пошук|arama|検索|搜索|검색)\b"
    r"|search\s+results|suchergebnis|résultats\s+de\s+(?:la\s+)?recherche|resultados\s+de\s+(?:la\s+)?búsqueda"
    r"|resultados\s+d[ae]\s+busca|risultati\s+della\s+ricerca|zoekresultaten|wyniki\s+wyszukiwania|søgeresultat|sökresultat"
    r"|výsledky\s+hledání|результаты\s+поиска|результати\s+пошуку|arama\s+sonuçları|検索結果|搜索结果|검색\s*결과",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"\bconsent\b|\bcookies?\b|\bgdpr\b|datenschutz|einwilligung|zustimm|personenbezogen|vie\s+privée|consentement"
    r"|consentimiento|privacidad(?:e)?|consentimento|consenso|toestemming|prywatnoś|zgod[ęy]|samtykke|samtycke|souhlas"
    r"|konfiden|файл[ыи]\s+cookie|çerez|クッキー|隐私|쿠키",
    re.IGNORECASE,
)
_WALL = re.compile(
    r"privacy|consent|cookie|before\s+you\s+continue|datenschutz|zustimmung|einwilligung|vie\s+privée|privacidad|consenso",
    re.IGNORECASE,
)
_SEARCH_PARTS = frozenset(
    ("search", "suche", "recherche", "buscar", "busca", "cerca", "ricerca", "zoeken", "szukaj", "arama", "sok", "sog")
)


def reject_page(url: str, meta: Metadata, blocks: list[Block], linked_headlines: int) -> None:
    """Raise NotAnArticle for a page of another kind; `linked_headlines` is the count for the whole page."""
    body = [b for b in blocks if b.kind in TEXT_KINDS]
    words = sum(count_words(b.text) for b in body)
    title = meta.title
    dated = meta.published_at is not None
    if words < 120 and not dated and _MISSING.search(title):
        raise NotAnArticle("soft 404", f"title {title!r}")
    if words < 400 and not dated and not meta.is_declared_article:
        text = " ".join(b.text for b in body)
        mentions = len(_CONSENT.findall(text))
        if (mentions >= 3 and mentions * 60 > words) or (_WALL.search(title) and mentions):
            raise NotAnArticle("consent wall", f"{mentions} words about consent out of {words}")
    if dated or meta.is_declared_article:
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    asked = {"q", "query", "s", "search", "keyword", "keywords", "text"} & set(parse_qs(parts.query))
    in_path = any(part in _SEARCH_PARTS for part in parts.path.lower().split("/"))
    if _SEARCH.search(title) and (asked or in_path or words < 200):
        raise NotAnArticle("search result", f"title {title!r}")
    if asked and in_path:
        raise NotAnArticle("search result", f"query in {url}")
    longest = max((count_words(b.text) for b in body), default=0)
    if meta.is_list and longest < 60:
        raise NotAnArticle("section front", "declares itself a list of articles")
    if parts.path in ("", "/") and linked_headlines > 12 and longest < 60:
        raise NotAnArticle("section front", "the front of a site")
    if linked_headlines >= 20 and words < 150 + 3 * linked_headlines and longest < 60:
        raise NotAnArticle("section front", f"{linked_headlines} linked headlines, {words} words of text")
