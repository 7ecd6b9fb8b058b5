"""Reject pages that are not articles: section fronts, search results, consent walls and soft 404s.

Conservative by design, since a link from a feed is nearly always an article: a page with prose, which is 60 words in
paragraphs of 15 or more, is rejected only if nearly all of it is about consent. Without that bound, 35 of 1,009
articles of publishers never seen were taken for section fronts; with it none, and of 52 listing pages 37 are still
rejected.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from transforms.errors import NotAnArticle
from transforms.page.kinds import TEXT_KINDS
from transforms.page.read.metadata import Metadata
from transforms.page.text import count_words
from transforms.records import Block

MISSING = re.compile(
    r"\b404\b|\b(?:page|article|story|content)\b.{0,20}\b(?:not\s+found|no\s+longer\s+(?:available|exists)|doesn['’]t\s+exist|unavailable)"
    r"|^not\s+found|seite\s+(?:wurde\s+)?nicht\s+gefunden|page\s+(?:introuvable|non\s+trouvée)|página\s+no\s+encontrada"
    r"|página\s+não\s+encontrada|pagina\s+non\s+trovata|pagina\s+niet\s+gevonden|nie\s+znaleziono\s+strony|strona\s+nie"
    r"|siden?\s+(?:blev|ble)?\s*ikke\s+fun|sidan\s+(?:kunde\s+inte\s+hittas|hittades\s+inte)|stránka\s+(?:nebyla\s+)?nenalezena"
    r"|страница\s+не\s+найдена|сторінку\s+не\s+знайдено|sayfa\s+bulunamadı|ページが見つかりません|页面不存在|找不到|페이지를\s+찾을\s+수",
    re.IGNORECASE,
)
SEARCH = re.compile(
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
# how a site speaks to its readers
_ADDRESS = re.compile(
    r"\b(?:we|our|you|your|wir|unser\w*|ihre?|nous|notre|vous|votre|nosotros|nuestr\w+|usted|noi|nostr\w+|noss[oa]s?|você"
    r"|wij|onze|uw|nasz\w*|państw\w*|vores|vår\w*|dina|ditt|naš\w*|vaš\w*|мы|наш\w*|вы|ваш\w*|ви|biz\w*|siz\w*)\b"
    r"|当社|弊社|私たち|お客様|我们|您|저희|당사|귀하",
    re.IGNORECASE,
)
SEARCH_PARTS = frozenset(
    ("search", "suche", "recherche", "buscar", "busca", "cerca", "ricerca", "zoeken", "szukaj", "arama", "sok", "sog")
)


_PROSE_WORDS, PARAGRAPH_WORDS = 60, 15
# how much of a wall's text stands in blocks about consent
_NEARLY_ALL = 0.85


def reject_page(url: str, meta: Metadata, blocks: list[Block], linked_headlines: int) -> None:
    """Raise NotAnArticle for a page of another kind; `linked_headlines` is the count for the whole page."""
    texts = [block.text for block in blocks if block.kind in TEXT_KINDS]
    counts = [count_words(text) for text in texts]
    words = sum(counts)
    has_prose = sum(count for count in counts if count >= PARAGRAPH_WORDS) >= _PROSE_WORDS
    if meta.published_at is None and not meta.is_declared_article:
        _reject_wall(meta.title, texts, counts, has_prose)
    if has_prose:
        return
    if words < 120 and meta.published_at is None and MISSING.search(meta.title):
        raise NotAnArticle("soft 404", f"title {meta.title!r}")
    if meta.published_at is None and not meta.is_declared_article:
        _reject_list(url, meta, words, linked_headlines)


def _reject_wall(title: str, texts: list[str], counts: list[int], has_prose: bool) -> None:
    words = sum(counts)
    mentions = [len(_CONSENT.findall(text)) for text in texts]
    total = sum(mentions)
    if has_prose:
        concerned = sum(count for count, mentioned in zip(counts, mentions, strict=True) if mentioned)
        if concerned < _NEARLY_ALL * words or 2 * sum(map(bool, map(_ADDRESS.search, texts))) < len(texts):
            return
    if words < 400 and ((total >= 3 and total * 60 > words) or (_WALL.search(title) and total)):
        raise NotAnArticle("consent wall", f"{total} words about consent out of {words}")


def _reject_list(url: str, meta: Metadata, words: int, linked_headlines: int) -> None:
    """Raise NotAnArticle for a page without prose that shows links to articles."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    asked = {"q", "query", "s", "search", "keyword", "keywords", "text"} & set(parse_qs(parts.query))
    in_path = any(part in SEARCH_PARTS for part in parts.path.lower().split("/"))
    if SEARCH.search(meta.title) and (asked or in_path or words < 200):
        raise NotAnArticle("search result", f"title {meta.title!r}")
    if asked and in_path:
        raise NotAnArticle("search result", f"query in {url}")
    if meta.is_list:
        raise NotAnArticle("section front", "declares itself a list of articles")
    if parts.path in ("", "/") and linked_headlines > 12:
        raise NotAnArticle("section front", "the front of a site")
    if linked_headlines >= 20 and words < 150 + 3 * linked_headlines:
        raise NotAnArticle("section front", f"{linked_headlines} linked headlines, {words} words of text")
