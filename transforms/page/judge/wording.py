"""Judge blocks by their words alone, for text without its HTML.

Without elements and scores, little is certain. So a full sentence is dropped only for words that no reporter writes;
short lines, bullets and blocks at the edges are judged more freely.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transforms.page.judge.phrases import find_phrases
from transforms.page.text import count_words, text_key
from transforms.records import Block, BlockKind

Verdict = tuple[BlockKind, str]

BULLET = re.compile(r"^\s*(?:[•·▪◦●■►▶➤✓✔*–-]|\d{1,2}[.)])\s+")
_SENTENCE_MARKS = tuple(".!?…。！？।")
_CLOSING = "\"'”’»“)]"
# "SERGEI GUNEYEV/Getty", "Jane Doe / AFP via Getty Images", "(Foto: Jan Kos)", "写真：共同"
_CREDIT_TAIL = re.compile(
    r"(?:(?<=[\s.!?:;,)\"”’])|^)(?:"
    r"(?:[A-ZÀ-ÖØ-ÞА-Я][\w.'’-]*\s+){0,4}[A-ZÀ-ÖØ-ÞА-Я][\w.'’-]*\s?/\s?(?:Getty|AFP|AP|Reuters|EPA|DPA|dpa|PA|Shutterstock|imago|Imago|"
    r"IMAGO|Keystone|KEYSTONE|Bloomberg|TT|NTB|Ritzau|Scanpix|SCANPIX|ANSA|EFE|PAP|Zuma|ZUMA|NurPhoto|Sipa|SIPA|TASS|ТАСС|AAP|"
    r"Xinhua|Anadolu|REUTERS|GETTY|UPI|ČTK|Belga|BELGA|ANP|APA|Unsplash|Alamy|iStock|Pool)\b[\w\s/.,-]{0,60}"
    r"|[\(\[]?\s*(?:photos?|photographs?|pictures?|images?|fotos?|bild|crédits?|credits?|zdj\.|zdjęcie|фото|kuva|fotoğraf|"
    r"写真|图片|圖片|사진)(?:\s+(?:by|von|de|di|af|av|credit|courtesy))?\s*[:：©/]\s*[^.]{2,80}[\)\]]?"
    r"|(?:via\s+)?(?:Getty\s+Images|AP\s+Photo|AFP\s+via\s+Getty\s+Images|Reuters\s+Photo)(?:/[\w\s.]+)?\)?"
    r")\s*$",
    re.IGNORECASE,
)
_STRONG_PROMO = re.compile(
    r"^(?:subscribe|sign\s+up|register\s+now|log\s+in\s+to|download\s+(?:the|our)|support\s+(?:our|independent)|"
    r"jetzt\s+(?:abonnieren|testen|anmelden)|abonnez-vous|inscrivez-vous|suscríbete|suscríbase|assine|inscreva-se|"
    r"abbonati|iscriviti|abonneer|meld\s+je\s+aan|zapisz\s+się|tilmeld\s+dig|bliv\s+abonnent|bli\s+(?:abonnent|prenumerant)|"
    r"prenumerera|předplaťte|подпишитесь|подписывайтесь|підпишіться|підписуйтесь|abone\s+ol|会員登録|立即订阅|立即訂閱|구독하기)",
    re.IGNORECASE,
)
# an agency after a slash and what may follow it are shorter, trailing spaces aside
_CREDIT_REACH = 100
# calls and notices in words that no story opens with
_NOTICE_WORDS: tuple[tuple[BlockKind, str, tuple[str, ...]], ...] = (
    (
        BlockKind.PROMO,
        "call to subscribe",
        (
            r"^(?:enjoying|enjoyed|did you like|like) this (?:story|article|piece)\b",
            r"^(?:read on|(?:continue|keep) reading|read more) with (?:a |your )?(?:\w+ )?"
            r"(?:subscription|account)\b",
            r"^already (?:a subscriber|subscribed|a member)\b",
            r"^this (?:article|story|content) is (?:only |exclusively )?(?:for|available (?:only )?to) "
            r"(?:our )?(?:\w+ )?subscribers\b",
            r"\bsign up (?:to|for) (?:our|the|a) [\w\s'’-]{0,40}newsletters?\b",
            r"\bsubscribe to (?:our|the) [\w\s'’-]{0,40}(?:newsletters?|podcast|channel)\b",
            r"\bget (?:our|the) [\w\s'’-]{0,40}newsletters?\b",
            r"^dieser (?:artikel|beitrag|text) ist (?:nur )?(?:für|exklusiv für) (?:\w+[- ])?abonnent",
            r"\bnewsletter\b[\w\s]{0,30}\b(?:abonnieren|anmelden|bestellen)\b",
            r"\babonnieren sie\b[\w\s]{0,30}\bnewsletter\b",
            r"^cet article est réservé aux abonnés",
            r"^(?:este (?:artículo|contenido)|contenido) (?:es )?(?:exclusivo |solo |sólo )?para suscriptores",
            r"^(?:este conteúdo|conteúdo) é exclusivo para assinantes",
            r"^(?:questo articolo|contenuto) (?:è )?riservato agli abbonati",
            r"^dit artikel is alleen voor abonnees",
            r"^ten (?:artykuł|tekst) jest dostępny (?:tylko )?dla (?:prenumeratorów|subskrybentów)",
        ),
    ),
    (BlockKind.LEGAL, "house standards", (r"^(?:our|editorial) standards\s*:",)),
    (
        BlockKind.SOCIAL,
        "audio player",
        (
            r"^listen to (?:this|the) (?:story|article|piece|audio version)\b",
            r"^(?:diesen )?artikel (?:anhören|vorlesen lassen)\b",
            r"^(?:écouter|écoutez) (?:cet |l[’'])article\b",
            r"^(?:escuchar?|escucha) (?:este|el) artículo\b",
            r"^(?:ouvir|ouça) (?:este|o) artigo\b",
            r"^ascolta (?:l[’']|questo )articolo\b",
            r"^(?:po)?słuchaj (?:tego )?artykułu\b",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Notice:
    """Calls of one kind: patterns that open a text, and the others, if there are any."""

    kind: BlockKind
    name: str
    opening: re.Pattern[str]
    inner: re.Pattern[str] | None

    def is_in(self, text: str) -> bool:
        if self.opening.match(text):
            return True
        return self.inner is not None and _has_any(text.lower(), _NOTICE_PARTS) and bool(self.inner.search(text))


def _compile_notice(kind: BlockKind, name: str, patterns: Sequence[str]) -> _Notice:
    opening = "|".join(pattern for pattern in patterns if pattern.startswith("^"))
    inner = "|".join(pattern for pattern in patterns if not pattern.startswith("^"))
    return _Notice(kind, name, re.compile(opening, re.IGNORECASE), re.compile(inner, re.IGNORECASE) if inner else None)


_NOTICES = tuple(_compile_notice(*words) for words in _NOTICE_WORDS)
# Every inner pattern of a notice needs one of these. They are without i, k and s, since with IGNORECASE those match
# letters outside ASCII too, which str.lower does not turn into them.
_NOTICE_PARTS = ("letter", "podca", "channel")
_SHORT = 12


def judge_wording(texts: Sequence[str], title: str = "", authors: Sequence[str] = ()) -> dict[int, Verdict]:
    """Return the kind of each block that is not body, by its index, and the rule that decided."""
    found: dict[int, Verdict] = {}
    bare = [_strip_bullet(text) for text in texts]
    keys = [text_key(text) for text in bare]
    title_key, author_keys = text_key(title), {text_key(a) for a in authors if a}
    first = next((i for i, text in enumerate(texts) if _is_story(text)), 0)
    last = next((i for i in range(len(texts) - 1, -1, -1) if _is_story(texts[i])), len(texts) - 1)
    for i, text in enumerate(bare):
        if not keys[i]:
            found[i] = (BlockKind.OTHER, "no letter or digit")
        elif title_key and keys[i] == title_key:
            found[i] = (BlockKind.HEADLINE, "same text as the title")
        elif keys[i] in author_keys:
            found[i] = (BlockKind.BYLINE, "same text as an author")
        else:
            verdict = _judge_line(text, i < first or i > last, i <= first or i >= last)
            if verdict:
                found[i] = verdict
    _find_short_captions(keys, texts, found)
    _find_promo_runs(texts, found)
    _find_repeats(keys, texts, found)
    return found


def opens_with_promo(text: str) -> bool:
    """Say whether a text opens with a call to subscribe, to sign up or to give money."""
    return _STRONG_PROMO.match(text) is not None


def _is_story(text: str) -> bool:
    return _ends_sentence(text) and count_words(text) >= _SHORT and not find_phrases(text)


def _strip_bullet(text: str) -> str:
    match = BULLET.match(text)
    return text[match.end() :] if match else text


def _ends_sentence(text: str) -> bool:
    return text.removesuffix("\n").rstrip(_CLOSING).endswith(_SENTENCE_MARKS)


def _has_any(text: str, parts: Sequence[str]) -> bool:
    return any(part in text for part in parts)


def _may_end_with_credit(text: str) -> bool:
    """Say whether a text has what every match of _CREDIT_TAIL has; trying it costs far more."""
    return (
        "/" in text.rstrip()[-_CREDIT_REACH:]
        or _has_any(text.rpartition(".")[2], "/:：©")
        or _has_any(text.lower(), ("getty", "photo"))
    )


def _judge_line(text: str, outside: bool, at_edge: bool) -> Verdict | None:
    words = count_words(text)
    phrases = find_phrases(text)
    if words < 90 and len(text) < 900 and _may_end_with_credit(text) and _CREDIT_TAIL.search(text):
        return (BlockKind.CREDIT if words < 5 else BlockKind.CAPTION), "ends with a credit"
    if words < 40 and opens_with_promo(text):
        return BlockKind.PROMO, "opens with a call to subscribe"
    if words < 40:
        for notice in _NOTICES:
            if notice.is_in(text):
                return notice.kind, f"words of a notice: {notice.name}"
    if "live" in phrases and words < 30:
        return BlockKind.LIVE_POINTER, "words of a live pointer"
    if "ad" in phrases and words < _SHORT:
        return BlockKind.AD, "words of an advertisement mark"
    if not phrases:
        return None
    full = _ends_sentence(text)
    for phrase, kind, longest in (
        ("related", BlockKind.RELATED, 25),
        ("promo", BlockKind.PROMO, 40),
        ("social", BlockKind.SOCIAL, 30),
        ("comment", BlockKind.COMMENT, 12),
        ("byline", BlockKind.BYLINE, 25),
        ("legal", BlockKind.LEGAL, 60),
        ("bio", BlockKind.BIO, 90),
        ("credit", BlockKind.CREDIT, 12),
    ):
        if phrase in phrases and (words <= (longest if outside else longest // 2 if at_edge or not full else 0)):
            return kind, f"words of {phrase}"
    return None


def _find_short_captions(keys: list[str], texts: Sequence[str], found: dict[int, Verdict]) -> None:
    """Find short forms of captions: lines without a full stop that a nearby caption begins with."""
    captions = [i for i, verdict in found.items() if verdict[0] is BlockKind.CAPTION]
    if not captions:
        return
    for i, text in enumerate(texts):
        if i in found or _ends_sentence(text) or not keys[i] or count_words(text) > 25:
            continue
        if any(c != i and abs(c - i) <= 3 and keys[c].startswith(keys[i]) for c in captions):
            found[i] = (BlockKind.CAPTION, "opens the caption beside it")


def _find_promo_runs(texts: Sequence[str], found: dict[int, Verdict]) -> None:
    """Find lists that are at least half promo: all their items are promo, and so is the short line above."""
    start = 0
    while start < len(texts):
        if not BULLET.match(texts[start]):
            start += 1
            continue
        end = start
        while end < len(texts) and BULLET.match(texts[end]):
            end += 1
        promo = sum(1 for i in range(start, end) if "promo" in find_phrases(_strip_bullet(texts[i])))
        if promo * 2 >= end - start and end - start > 1:
            for i in range(start, end):
                found.setdefault(i, (BlockKind.PROMO, "list that is mostly promo"))
            above = start - 1
            if above >= 0 and count_words(texts[above]) <= _SHORT and not _ends_sentence(texts[above]):
                found.setdefault(above, (BlockKind.PROMO, "heads a list that is promo"))
        start = end


def _find_repeats(keys: list[str], texts: Sequence[str], found: dict[int, Verdict]) -> None:
    """Find sentences that repeat an earlier one."""
    seen: set[str] = set()
    for i, key in enumerate(keys):
        if i in found:
            continue
        if key in seen and count_words(texts[i]) >= 8:
            found[i] = (BlockKind.DUPLICATE, "same text before")
        seen.add(key)


# Kinds that words alone show safely enough to overrule the score of a block: over the 6,435 true paragraphs of the
# corpus these verdicts are wrong on fewer than twenty, most of them junk that the ground truth includes.
_OVERRULING = frozenset(
    (BlockKind.RELATED, BlockKind.PROMO, BlockKind.CAPTION, BlockKind.AD, BlockKind.LIVE_POINTER, BlockKind.COMMENT)
)


def overrule_by_words(blocks: Sequence[Block], judged: frozenset[BlockKind]) -> list[Block]:
    """Return the blocks, with another kind for those of the kinds `judged` whose words are clearly not the story's.

    Pages unlike those that the classifier was trained on may have promos and captions in plain paragraphs.
    """
    result = list(blocks)
    places = [i for i, block in enumerate(blocks) if block.kind in judged]
    for place, (kind, rule) in judge_wording([blocks[i].text for i in places]).items():
        if kind in _OVERRULING or rule.startswith("words of a notice"):
            block = result[places[place]]
            result[places[place]] = replace(block, kind=kind, rule=rule)
    return result
