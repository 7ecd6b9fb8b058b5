"""Say whether an article is opinion: by its type, its section, its address, its kicker or its byline.

What counts is what the publisher says, not the text. Columns, editorials, guest pieces and letters are opinion;
analysis and reviews are not, since most publishers file them as news.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import unquote, urlsplit

from transforms.page.read.linked_data import text_of, types_of
from transforms.page.read.sources import PageSources, read_line

_TYPES = frozenset(("opinionnewsarticle",))
# names of sections, folders and kickers, their words joined by hyphens
_NAMES = """
opinion opinions op-ed oped editorial editorials commentary commentaries commentisfree columnist columnists viewpoint
viewpoints letters-to-the-editor guest-column guest-columns guest-commentary guest-essay our-view
meinung meinungen kommentar kommentare kolumne kolumnen leitartikel gastbeitrag gastbeitrage gastbeitraege gastkommentar
gastkommentare leserbriefe standpunkt
edito editos chronique chroniques point-de-vue points-de-vue tribune-libre
opiniones columnistas editoriales cartas-al-director articulos-de-opinion
opiniao colunistas coluna colunas
opinioni commenti editoriale editoriali lettere-al-direttore
opinie opinies commentaar commentaren
opinia komentarz komentarze publicystyka felieton felietony
nazor nazory komentar komentare kolumna kolumny misljenje misljenja mnenja
мнение мнения колонка колонки колумнисты точка-зрения думка думки погляд погляди
gorus gorusler kose-yazisi kose-yazilari kose-yazarlari yazarlar
mening meninger kronikk kronikker kronik debattinnlegg synspunkt ledare klumme klummer
mielipide mielipiteet kolumni kolumnit paakirjoitus paakirjoitukset
velemeny publicisztika opinii
γνωμη γνωμες αποψη αποψεις
社説 社论 社論 社评 社評 评论 評論 观点 觀點 时评 時評 オピニオン 論説
사설 칼럼 오피니언 기고
رأي آراء דעה דעות
"""
# names that mean something else in other languages
_NAMES_BY_LANGUAGE = {
    "en": "comment voices letters columns",
    "de": "debatte debatten",
    "fr": "tribune tribunes idees debats",
    "es": "tribuna tribunas columna columnas",
    "da": "debat leder",
    "no": "debatt leder",
    "nb": "debatt leder",
    "sv": "debatt",
    "nl": "column columns",
}
_AND = frozenset(("and", "und", "et", "y", "e", "i", "og", "och", "en", "a"))
# folders deeper than this belong to the title
_FOLDERS = 4
_LONGEST_NAME = 40
# headlines, levels above them and elements beside them where a kicker is looked for
_HEADINGS, _LEVELS, _NEAR = 3, 3, 3
_KICKER = re.compile(r"^\s*([^\W\d_][\w' -]{3,24}?)\s*(?:[:：|｜]|\s[-–—]\s)\s*\S")
_BYLINE = re.compile(
    r"^(?:ein(?:e)?\s+)?(?:kommentar|leitartikel|gastbeitrag|gastkommentar|kolumne|meinung|glosse|opinion|commentary|column|"
    r"editorial|komentarz|felieton|kommentti|commento|chronique|tribune|columna)\s+(?:by|von|vom|par|por|di|av|af|od)\s",
    re.IGNORECASE,
)
_YES = frozenset(("true", "1", "yes"))


def find_opinion(page: PageSources, sections: Iterable[str], titles: Iterable[str], language: str) -> str:
    """Return where a page says that its article is opinion, or ""."""
    if types_of(page.article) & _TYPES:
        return "json-ld"
    if page.first_tag("article:opinion").lower() in _YES:
        return "meta article:opinion"
    if is_opinion_name(text_of(page.article.get("genre")), language):
        return "json-ld"
    if any(is_opinion_name(section, language) for section in sections):
        return "section"
    if any(is_opinion_name(folder, language) for folder in _folders(page.url)):
        return "url"
    if any(opens_with_opinion(title, language) for title in titles):
        return "title"
    return "kicker" if any(_is_known(kicker, language) for kicker in _kickers(page)) else ""


def is_opinion_name(name: str, language: str = "") -> bool:
    """Say whether a name of a section, a folder or a kicker is one of opinion: "Opinion", "Meinung und Debatte"."""
    if not name or len(name) > _LONGEST_NAME:
        return False
    if _is_known(name, language):
        return True
    words = _fold(name).split("-")
    # of several words the last or the first one tells: "ideas-and-opinion", "opinion-columnists", "meinung-debatte"
    return len(words) <= 4 and (words[0] in _ALL or (len(words) > 2 and words[-2] in _AND and words[-1] in _ALL))


def opens_with_opinion(text: str, language: str = "") -> bool:
    """Say whether a headline opens with a kicker of opinion ("Kommentar: ..."), or a byline with "Opinion by ..."."""
    match = _KICKER.match(text)
    return bool(match and _is_known(match[1], language)) or bool(_BYLINE.match(text))


def _is_known(name: str, language: str) -> bool:
    return _fold(name) in _ALL | _BY_LANGUAGE.get(language, frozenset())


def _kickers(page: PageSources) -> Iterator[str]:
    """Yield the short texts in and above the headline: the names of its parts, and of what stands right before it."""
    for heading in islice(page.tree.iter("h1"), _HEADINGS):
        for part in islice(heading, _NEAR):
            yield read_line(part, _LONGEST_NAME + 1)
        element = heading
        for _ in range(_LEVELS):
            for before in islice(element.itersiblings(preceding=True), _NEAR):
                yield read_line(before, _LONGEST_NAME + 1)
            element = element.getparent()
            if element is None or element.tag in ("main", "article", "body"):
                break


def _folders(url: str) -> list[str]:
    """Return the folders of an address from the root down, and the first label of its host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    folders = [part for part in unquote(parts.path).split("/") if part]
    return [*folders[:-1][:_FOLDERS], (parts.hostname or "").partition(".")[0]]


def _fold(name: str) -> str:
    """Return a name in small letters without accents, its words joined by hyphens."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return "-".join(re.findall(r"\w+", bare.replace("ı", "i").replace("ł", "l").replace("ø", "o").replace("_", "-")))


_ALL = frozenset(map(_fold, _NAMES.split()))
_BY_LANGUAGE = {language: frozenset(map(_fold, names.split())) for language, names in _NAMES_BY_LANGUAGE.items()}
