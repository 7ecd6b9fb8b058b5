"""Judge the kind of a page (PageKind) from what it declares, how it is built, and the blocks of its text.

What a page declares is often wrong: articles declare themselves collections, videos and products. So these count only
on a page without the prose of an article. The first rule that holds decides; a page that none fits is an article.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from transforms.page.judge.rejection import MISSING, PARAGRAPH_WORDS, SEARCH, SEARCH_PARTS
from transforms.page.judge.walk import Frame, RawBlock, Walk
from transforms.page.kinds import TEXT_KINDS
from transforms.page.read.linked_data import ARTICLE_TYPES
from transforms.page.read.marks import Marks
from transforms.page.read.metadata import Metadata
from transforms.page.text import count_words, text_key
from transforms.records import Block, PageKind

# words in paragraphs: with more, a page is more than the description of a video, the introduction of a gallery or an
# index, the offer of a product
_DESCRIPTION, _BY_PLAYER, _SHOW_NOTES, _INTRODUCTION, _OFFER = 100, 120, 300, 170, 400
# of prose under a headline, before a list of links; how many blocks are looked at; characters of a title
_FEW_WORDS, _BELOW, _TITLE, _CALL_CHARS = 60, 60, 400, 40
_NEWS_TYPES = frozenset(t for t in ARTICLE_TYPES if t.endswith("newsarticle"))
_GALLERY_TYPES = frozenset(("imagegallery", "mediagallery"))
_VIDEO_TYPES = frozenset(("videoobject", "podcastepisode", "movie", "episode", "tvepisode", "radioepisode", "clip"))
_FORUM_TYPES = frozenset(("qapage", "discussionforumposting"))
_LIST_TYPES = frozenset(("collectionpage", "searchresultspage", "itemlist", "profilepage", "offercatalog"))
_ADVERT_TYPES = frozenset(("jobposting", "realestatelisting"))
_OFFER_OG = frozenset(("product", "og:product", "product.item", "hotel", "event", "events.event", "restaurant"))

_LEGAL_WORDS = (
    r"terms(?:\s+(?:(?:and|&|of)\s+)?(?:conditions|service|use|sale))?|(?:privacy|cookies?|legal|returns?|refund)"
    r"\s+(?:policy|notice|statement|information)|privacy|imprint|impressum|legal\s+notice|disclaimer|datenschutz\w*|agb"
    r"|nutzungsbedingungen|(?:allgemeine\s+)?geschäftsbedingungen|cookie-richtlinie\w*|mentions\s+légales"
    r"|politique\s+de\s+confidentialité|conditions\s+(?:générales|d['’]utilisation)\b.{0,40}|aviso\s+legal"
    r"|política\s+de\s+(?:privacidade?|cookies)|términos\s+y\s+condiciones|termos\s+(?:de\s+uso|e\s+condições)"
    r"|note\s+legali|informativa\s+(?:sulla\s+)?privacy|termini\s+e\s+condizioni|privacybeleid|algemene\s+voorwaarden"
    r"|polityka\s+prywatności|regulamin|integritetspolicy|personvern\w*|privatlivspolitik|zásady\s+ochrany.{0,40}"
    r"|gizlilik\s+politikası|политика\s+конфиденциальности|пользовательское\s+соглашение|політика\s+конфіденційності"
    r"|隐私政策|隱私權政策|使用条款|服务条款|プライバシーポリシー|利用規約|개인정보\s*처리방침|이용약관"
)
_ABOUT_WORDS = (
    r"about(?:\s+us|\s+this\s+site)?|contact(?:\s+us)?|über\s+uns|kontakt|à\s+propos|qui\s+sommes[- ]nous|contactez"
    r"[- ]nous|quiénes\s+somos|sobre\s+(?:nosotros|nós)|contact[oe]|chi\s+siamo|contatti|over\s+ons|o\s+nas|om\s+oss"
    r"|om\s+os|hakkımızda|iletişim|о\s+нас|о\s+проекте|контакты|про\s+нас|контакти|关于我们|联系我们|会社概要|お問い合わせ|회사\s*소개"
)
_LOGIN_WORDS = (
    r"(?:log|sign)\s*-?in|login|register|create\s+(?:an\s+)?account|anmelden|anmeldung|einloggen|connexion|se\s+connecter"
    r"|iniciar\s+sesión|entrar|acced[ei]|accesso|inloggen|zaloguj|logowanie|logga\s+in|logg\s+inn|log\s+ind|přihlášení"
    r"|giriş(?:\s+yap)?|вход|войти|увійти|登录|登錄|ログイン|로그인"
)
_ONLY_LEGAL = re.compile(rf"^(?:(?:our|the|unsere?|notre)\s+)?(?:{_LEGAL_WORDS})$", re.IGNORECASE)
_ONLY_ABOUT = re.compile(rf"^(?:{_ABOUT_WORDS})$", re.IGNORECASE)
_LEGAL_TITLE = re.compile(rf"(?:^|\s)(?:{_LEGAL_WORDS})$|^(?:{_LEGAL_WORDS})\b", re.IGNORECASE)
_LOGIN_TITLE = re.compile(rf"^(?:{_LOGIN_WORDS})\b", re.IGNORECASE)
_LEGAL_PATH = re.compile(
    r"(?:^|-)(?:terms(?:-and)?(?:-of)?-(?:conditions|service|use|sale)|(?:privacy|cookies?)(?:-policy|-notice|-statement)?"
    r"|legal-notice|imprint|impressum|datenschutz(?:erklaerung)?|agb|nutzungsbedingungen|mentions-legales|aviso-legal)"
    r"(?:\.\w{2,5})?$"
)
_NOTICE_PATHS = (
    "about about-us aboutus contact contact-us imprint impressum kontakt ueber-uns privacy privacy-policy "
    "datenschutz datenschutzerklaerung cookies cookie-policy terms terms-of-service terms-of-use "
    "terms-and-conditions legal legal-notice agb mentions-legales a-propos aviso-legal quienes-somos chi-siamo "
    "contatti over-ons o-nas om-oss login signin"
)
_NOTICE_PARTS = frozenset(_NOTICE_PATHS.split())
_ABOVE_NOTICE = re.compile(r"[a-z]{2}(?:[-_][a-z]{2})?|pages?|info|legal|help|site")
_LIVE_WORDS = re.compile(
    r"\blive(?:[- ]?(?:blog|ticker|updates?|coverage|stream|score))?\b|\bthe\s+latest\b|\bticker\b|en\s+direct\b"
    r"|en\s+(?:vivo|directo)\b|minuto\s+a\s+minuto|ao\s+vivo|in\s+diretta|na\s+żywo|\bonline\b|онлайн|наживо|canlı|实时|速報",
    re.IGNORECASE,
)
_TIME = r"(?:[01]?\d|2[0-3])(?:[:h.][0-5]\d(?::[0-5]\d)?(?:\s*(?:[ap]\.?\s?m\b\.?|uhr))?|\s*(?:[ap]\.?\s?m\b\.?|uhr))"
_CLOCK = re.compile(
    rf"^\W*{_TIME}(?:\W*(?:$|[([|•·,–—-]|[A-Z]{{2,4}}\b))|(?:^|[^\d.,:]){_TIME}(?:\s*[A-Z]{{2,4}})?\W*$", re.IGNORECASE
)
_VIDEO_WORDS = re.compile(
    r"^\W*(?:watch|video|vidéo|vídeo|wideo|видео|відео|視頻|视频|動画|영상)\s*[:|丨｜\])】!-]|[\[(]\s*(?:video|vidéo|vídeo|видео)\s*[\])]",
    re.IGNORECASE,
)
_PODCAST_WORDS = re.compile(r"\bpodcasts?\b|подкаст|播客|ポッドキャスト|팟캐스트", re.IGNORECASE)
_GALLERY_WORDS = re.compile(
    r"\bphotos?\b|\bpictures\b|\bgaller(?:y|ies)\b|\bslideshow\b|\bphotostory\b|foto(?:s|strecke|galerie|galería|gallery)\b"
    r"|\bbilder(?:galerie|strecke)?\b|\bdiaporama\b|\ben\s+images\b|\bimágenes\b|\bzdjęcia\b|\bbildspel\b"
    r"|фото(?:репортаж|галере[яи]|графии)?\b|写真|图集|組圖|组图|화보|포토",
    re.IGNORECASE,
)
_THREAD_WORDS = re.compile(
    r"\bopen\s+thread\b|\bdiscussion\s+thread\b|\bask\s+(?:me|us)\s+anything\b|\bAMA\b|\bmegathread\b", re.IGNORECASE
)
_BOARDS = re.compile(
    r"phpbb|vbulletin|xenforo|discourse|invision|discuz|mybb|\bsmf\b|flarum|vanilla|nodebb|burning\s?board|woltlab"
)
_BOARD_PATHS = "forum forums thread threads topic topics questions viewtopic.php showthread.php foren foro"
_BOARD_PARTS = frozenset(_BOARD_PATHS.split())
_POST_NAME = re.compile(
    r"\.(?:post[_-]?(?:body|message|content|text)|message[_-]?(?:body|content|text)|topic-post|forum-?post|answer)\b",
    re.IGNORECASE,
)
_COMMENT_NAME = re.compile(r"\.comment[_-]?(?:body|content|text)\b", re.IGNORECASE)
# what a landing page asks its visitors to do
_CALL = re.compile(
    r"^\W*(?:get\s+(?:started|an?\s+(?:demo|quote)|the\s+app)|(?:book|request|schedule)\s+(?:a|your)\s+(?:\w+\s+)?(?:demo|call"
    r"|tour|quote)|(?:start|try)\b.{0,20}\bfree(?:\s+trial)?|free\s+trial|buy\s+now|book\s+now|apply\s+now|enroll"
    r"|contact\s+sales|(?:see\s+|view\s+)?pricing|jetzt\s+(?:testen|buchen|bestellen|starten)|kostenlos\s+testen"
    r"|demo\s+anfordern|essa(?:i|yer)\s+gratuit\w*|demander\s+une\s+démo|réserver|prueba\s+gratis|reserv[ae]r?"
    r"|solicit[ae]r?\s+(?:una\s+)?demo|teste\s+grátis|prova\s+gratis|prenota|probeer\s+gratis|zamów"
    r"|попробовать\s+бесплатно|заказать|無料で|免费试用|免費試用)(?:\s+\w+){0,2}\W*$",
    re.IGNORECASE,
)
_TAG_PATHS = (
    "tag tags category categories kategorie author authors autor autoren auteur archive archives archiv section "
    "sections rubrik etiqueta etiquetas categoria tema temas"
)
_TAG_PARTS = frozenset(_TAG_PATHS.split())
_ICON = re.compile(
    r"icon|logo|avatar|gravatar|sprite|pixel|spacer|emoji|\.svg|\.gif|button|badge|ads?[/_-]", re.IGNORECASE
)
_BESIDE_TAGS = frozenset(("nav", "aside", "footer", "header", "form"))


@dataclass(frozen=True, slots=True)
class Shape:
    """How a page is built, counted on its raw blocks.

    `headlines` are the linked ones of the whole page. In the main column, `links_below` are those that follow the
    headline before any prose, `teasers` those within the text that a short text follows, `pictures` the different ones
    from the headline to the end of the text, `calls` the links that ask visitors to buy, book or try. `posts` and
    `comments` are the elements named so.
    """

    headlines: int = 0
    links_below: int = 0
    teasers: int = 0
    pictures: int = 0
    posts: int = 0
    comments: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules look at.

    `prose` are words in paragraphs of 15 or more, `own_prose` those of our own reading, `words` all of the text;
    `live_posts` are times of day that stand alone over prose.
    """

    marks: Marks
    shape: Shape
    title: str
    prose: int
    own_prose: int
    words: int
    live_posts: int
    is_dated: bool
    is_live: bool

    @property
    def is_news(self) -> bool:
        """Whether the page's own node is a news article."""
        return bool(self.marks.own & _NEWS_TYPES)

    @property
    def is_linked_article(self) -> bool:
        """Whether the page's own node is an article of any type."""
        return bool(self.marks.own & ARTICLE_TYPES)

    @property
    def has_article(self) -> bool:
        """Whether linked data has an article, or `og:type` says so."""
        return self.is_linked_article or self.marks.og_type in ("article", "news", "story", "blog")


@dataclass(frozen=True, slots=True)
class KindRule:
    """The kind of a page for which `test` holds; `name` is the source of the kind."""

    name: str
    kind: PageKind
    test: Callable[[Evidence], bool]


def _is_error(e: Evidence) -> bool:
    return e.prose < _DESCRIPTION / 2 and bool(MISSING.search(e.title))


def _is_login(e: Evidence) -> bool:
    return e.marks.has_password and e.prose < _DESCRIPTION / 2 and bool(_LOGIN_TITLE.search(e.title))


def _is_notice(e: Evidence) -> bool:
    """Say whether a title is nothing but that of a notice; "Contact" is also a film."""
    if e.is_news:
        return False
    return bool(_ONLY_LEGAL.search(e.title) or (not e.has_article and _ONLY_ABOUT.search(e.title)))


def _is_legal(e: Evidence) -> bool:
    return bool(_LEGAL_TITLE.search(e.title)) and bool(e.marks.path) and bool(_LEGAL_PATH.search(e.marks.path[-1]))


def _is_about(e: Evidence) -> bool:
    """Say whether an address is that of a notice: "/about", "/en/privacy", "/pages/terms-of-service"."""
    *above, last = e.marks.path or ("",)
    return (
        last.partition(".")[0] in _NOTICE_PARTS
        and (not above or (len(above) == 1 and _ABOVE_NOTICE.fullmatch(above[0]) is not None))
        and not e.is_linked_article
    )


def _is_front(e: Evidence) -> bool:
    links = max(e.shape.headlines, e.shape.teasers)
    is_root = e.marks.path in ((), ("",)) and not e.marks.asked
    return is_root and not e.has_article and e.prose < max(_INTRODUCTION, 12 * links * (links >= 8))


def _is_section(e: Evidence) -> bool:
    links = max(e.shape.headlines, e.shape.teasers)
    named = e.marks.og_type == "profile" or not _TAG_PARTS.isdisjoint(e.marks.path[-2:])
    return named and not e.has_article and not e.is_dated and links >= 8 and e.prose < 12 * links


RULES: tuple[KindRule, ...] = (
    KindRule("LiveBlogPosting", PageKind.LIVE_BLOG, lambda e: e.is_live),
    KindRule("title of an error", PageKind.NOTICE, _is_error),
    KindRule("form for a password", PageKind.NOTICE, _is_login),
    KindRule("title of a notice", PageKind.NOTICE, _is_notice),
    KindRule("title and address of a notice", PageKind.NOTICE, lambda e: not e.is_news and _is_legal(e)),
    KindRule("address of a notice", PageKind.NOTICE, _is_about),
    KindRule(
        "posts with times",
        PageKind.LIVE_BLOG,
        lambda e: e.live_posts >= 6 or (e.live_posts >= 2 and bool(_LIVE_WORDS.search(e.title))),
    ),
    KindRule(
        "QAPage or DiscussionForumPosting",
        PageKind.FORUM,
        lambda e: bool((e.marks.linked | e.marks.microdata) & _FORUM_TYPES) and not e.is_linked_article,
    ),
    KindRule(
        "posts on a board",
        PageKind.FORUM,
        lambda e: (
            e.shape.posts >= 2
            and not e.is_linked_article
            and bool(_BOARDS.search(e.marks.generator) or not (e.has_article or _BOARD_PARTS.isdisjoint(e.marks.path)))
        ),
    ),
    KindRule(
        "thread of comments",
        PageKind.FORUM,
        lambda e: (
            e.prose < _DESCRIPTION and e.shape.posts + e.shape.comments >= 3 and bool(_THREAD_WORDS.search(e.title))
        ),
    ),
    KindRule(
        "JobPosting or RealEstateListing",
        PageKind.PRODUCT,
        lambda e: bool((e.marks.linked | e.marks.microdata) & _ADVERT_TYPES) and not e.is_news,
    ),
    KindRule(
        "og:type of an offer",
        PageKind.PRODUCT,
        lambda e: e.marks.og_type in _OFFER_OG and not e.is_linked_article and e.prose < 2 * _OFFER,
    ),
    KindRule(
        "Product with an offer",
        PageKind.PRODUCT,
        lambda e: e.marks.is_offered and not e.has_article and not e.is_dated and e.prose < 2 * _OFFER,
    ),
    KindRule(
        "cart",
        PageKind.PRODUCT,
        lambda e: (
            e.marks.has_cart
            and not e.is_linked_article
            and e.prose < _OFFER
            and (e.marks.is_offered or not (e.has_article or e.is_dated))
        ),
    ),
    KindRule(
        "landing page",
        PageKind.PRODUCT,
        lambda e: e.shape.calls >= 3 and not e.has_article and not e.is_dated and e.prose < _OFFER,
    ),
    KindRule(
        "ImageGallery",
        PageKind.GALLERY,
        lambda e: bool(e.marks.own & _GALLERY_TYPES) and e.prose < max(_INTRODUCTION, 30 * e.shape.pictures),
    ),
    KindRule(
        "many pictures and little prose",
        PageKind.GALLERY,
        lambda e: (
            e.prose < _INTRODUCTION
            and (
                e.shape.pictures >= max(10, 2 * e.shape.links_below, 2 * e.shape.teasers)
                or (e.shape.pictures >= 4 and bool(_GALLERY_WORDS.search(e.title) or _says_gallery(e.marks)))
            )
        ),
    ),
    KindRule(
        "og:type of a video",
        PageKind.VIDEO,
        lambda e: e.marks.og_type.startswith(("video", "music")) and e.prose < _DESCRIPTION,
    ),
    KindRule(
        "VideoObject or PodcastEpisode",
        PageKind.VIDEO,
        lambda e: bool(e.marks.own & _VIDEO_TYPES) and e.prose < _DESCRIPTION,
    ),
    KindRule(
        "player, and the title's words",
        PageKind.VIDEO,
        lambda e: (
            e.marks.players > 0
            and e.prose < _SHOW_NOTES
            and bool(_VIDEO_WORDS.search(e.title) or _PODCAST_WORDS.search(e.title))
        ),
    ),
    KindRule("title's words", PageKind.VIDEO, lambda e: e.prose < _DESCRIPTION and bool(_VIDEO_WORDS.search(e.title))),
    KindRule("player with little text", PageKind.VIDEO, lambda e: e.marks.players > 0 and e.prose < _BY_PLAYER),
    KindRule(
        "title of a search",
        PageKind.INDEX,
        lambda e: (
            e.prose < _INTRODUCTION
            and not e.has_article
            and bool(SEARCH.search(e.title))
            and (bool(e.marks.asked) or not SEARCH_PARTS.isdisjoint(e.marks.path))
        ),
    ),
    KindRule(
        "declared list",
        PageKind.INDEX,
        lambda e: (
            not e.has_article
            and (
                (e.marks.listed >= 8 and e.own_prose < _INTRODUCTION)
                or (
                    bool(e.marks.linked & _LIST_TYPES)
                    and e.prose < _INTRODUCTION
                    and max(e.shape.headlines, e.shape.teasers) >= 6
                )
            )
        ),
    ),
    KindRule("front of a site", PageKind.INDEX, _is_front),
    KindRule("page of a tag, a category or an author", PageKind.INDEX, _is_section),
    KindRule(
        "links under the headline",
        PageKind.INDEX,
        lambda e: (
            e.shape.links_below >= 8 and e.prose < 15 * e.shape.links_below and e.prose < _DESCRIPTION and not e.is_news
        ),
    ),
    KindRule(
        "teasers",
        PageKind.INDEX,
        lambda e: (
            e.shape.teasers >= 6 and e.prose < 25 * e.shape.teasers and e.prose < _INTRODUCTION and not e.has_article
        ),
    ),
    KindRule(
        "headlines without a text",
        PageKind.INDEX,
        lambda e: e.shape.headlines >= 15 and e.words < 60 and not e.has_article and not e.is_dated,
    ),
)


def _says_gallery(marks: Marks) -> bool:
    return any(_GALLERY_WORDS.search(part.replace("-", " ")) for part in marks.path)


def judge_kind(meta: Metadata, shape: Shape, region: Sequence[Block], text: Sequence[Block]) -> tuple[PageKind, str]:
    """Return the kind of a page and the name of the rule that decided, "" for an article.

    `region` are the typed blocks of the page's elements, `text` those that were chosen for the article: often the same.
    """
    evidence = collect_evidence(meta, shape, region, text)
    rule = next((rule for rule in RULES if rule.test(evidence)), None)
    return (rule.kind, rule.name) if rule else (PageKind.ARTICLE, "")


def collect_evidence(meta: Metadata, shape: Shape, region: Sequence[Block], text: Sequence[Block]) -> Evidence:
    """Return what the rules look at."""
    own = [count_words(block.text) for block in region if block.kind in TEXT_KINDS]
    counts = own if text is region else [count_words(block.text) for block in text if block.kind in TEXT_KINDS]
    return Evidence(
        marks=meta.marks,
        shape=shape,
        title=meta.title,
        prose=sum(count for count in counts if count >= PARAGRAPH_WORDS),
        own_prose=sum(count for count in own if count >= PARAGRAPH_WORDS),
        words=sum(counts),
        live_posts=count_live_posts(region),
        is_dated=meta.published_at is not None,
        is_live=meta.is_declared_live,
    )


def count_live_posts(region: Sequence[Block]) -> int:
    """Return how many times of day stand alone over prose."""
    posts = 0
    for i, block in enumerate(region):
        if len(block.text) < 24 and _CLOCK.search(block.text):
            below = region[i + 1 : i + 4]
            posts += any(b.kind in TEXT_KINDS and count_words(b.text) >= 12 for b in below)
    return posts


def measure_shape(walk: Walk, titles: Sequence[str], region: Sequence[Block], first: int) -> Shape:
    """Measure how a page is built; `first` is the number of the raw block that the region begins with."""
    kept = [first + i for i, block in enumerate(region) if block.kind in TEXT_KINDS]
    last = kept[-1] + 1 if kept else first
    head = _find_headline(walk, titles, last)
    start = first if head is None else head + 1
    pictures = {p.url for p in walk.pictures if start <= p.position <= last + 1 and p.url and not _ICON.search(p.url)}
    return Shape(
        headlines=count_headlines(walk),
        links_below=0 if head is None else _count_links_below(walk.blocks[start : start + _BELOW]),
        teasers=_count_teasers(walk.blocks[start : last + 1]),
        pictures=len(pictures),
        posts=sum(bool(_POST_NAME.search(frame.key)) for frame in walk.frames),
        comments=sum(bool(_COMMENT_NAME.search(frame.key)) for frame in walk.frames),
        calls=sum(
            block.linked > 0
            and len(block.text) < _CALL_CHARS
            and bool(_CALL.search(block.text))
            and not _is_beside(block)
            for block in walk.blocks
        ),
    )


def _find_headline(walk: Walk, titles: Sequence[str], last: int) -> int | None:
    """Return the number of the first block that says the title, best in an <h1>, before the end of the text."""
    keys = {text_key(title) for title in titles} - {""}
    # longer than any title
    said = [i for i, b in enumerate(walk.blocks[:last]) if len(b.text) < _TITLE and text_key(b.text) in keys]
    return next((i for i in said if walk.blocks[i].frame.tag == "h1"), said[0] if said else None)


def count_headlines(walk: Walk) -> int:
    """Return how many linked blocks of the page are as long as a headline."""
    return sum(b.linked > 0.9 * len(b.text) and len(b.text) > 30 for b in walk.blocks)


def _count_links_below(blocks: Sequence[RawBlock]) -> int:
    """Return how many blocks of the main column are links, before there is a paragraph or two of prose."""
    links = prose = 0
    for block in blocks:
        if block.linked > 0.8 * len(block.text):
            links += len(block.text) >= 8 and not _is_beside(block)
        elif block.linked < 0.3 * len(block.text):
            words = count_words(block.text)
            prose += words if words >= PARAGRAPH_WORDS and not _is_beside(block) else 0
            if prose > _FEW_WORDS:
                break
    return links


def _count_teasers(blocks: Sequence[RawBlock]) -> int:
    """Return how many linked blocks of the main column are followed by a short text."""
    return sum(
        block.linked > 0.6 * len(block.text)
        and below.linked < 0.3 * len(below.text)
        and 25 <= len(below.text) < 300
        and not _is_beside(block)
        for block, below in pairwise(blocks)
    )


def _is_beside(block: RawBlock) -> bool:
    frame: Frame | None = block.frame
    while frame is not None:
        if frame.tag in _BESIDE_TAGS:
            return True
        frame = frame.parent
    return False
