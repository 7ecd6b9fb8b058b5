"""Read bylines: the people and agencies named, without publishers, log-in names, photographers and editors."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.page.read.agencies import find_agency
from transforms.page.read.byline_words import (
    BRACKETS,
    BY,
    CONTACT,
    HONORIFIC,
    INITIALS,
    JUNK,
    LABEL,
    LABELLED,
    LATER,
    NOBODY,
    NOT_AUTHOR,
    NOT_BY,
    OF_SITE,
    ONLY_ROLE,
    PARTICLES,
    ROLE,
    SEGMENT,
    SPLIT,
    STATED,
    TITLE_WORD,
    TRAILING,
    WHEN,
)
from transforms.page.text import EASTERN, text_key

_LONGEST_BYLINE = 300


def clean_authors(names: Iterable[str], publisher: Iterable[str] = (), labels: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the people and agencies among `names`, once each, in order.

    A publisher's name is dropped unless it is the only one: then it is the byline that readers see, as in "BBC News".
    `labels` are names that nobody has, such as that of the section.
    """
    houses = {text_key(name) for name in publisher if name}
    nobody = {text_key(name) for name in labels if name} - houses
    people: dict[str, str] = {}
    collective: dict[str, str] = {}
    for name in names:
        for person in map(_drop_agency, split_byline(name)):
            key = text_key(person)
            if not key or key in people or key in nobody:
                continue
            if key in houses:
                collective.setdefault(key, person)
            else:
                people[key] = person
    return merge_names((people or dict(list(collective.items())[:1])).values())


def _drop_agency(name: str) -> str:
    """Return a name without the agency before or after it; "" for a role at an agency ("AP Political Writer")."""
    words = name.split()
    if len(words) < 2 or find_agency(name):
        return name
    if find_agency(words[0]) and all(map(TITLE_WORD.fullmatch, words[1:])):
        return ""
    for count in (2, 1):
        if len(words) - count >= 2 and find_agency(" ".join(words[-count:])):
            return " ".join(words[:-count])
    return name


def merge_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names without those that say less of a person who is also named in full: "Lee" beside "Dr. Ann Lee"."""
    kept: list[tuple[str, frozenset[str]]] = []
    for name in dict.fromkeys(names):
        words = frozenset(filter(None, (text_key(word) for word in name.split() if not HONORIFIC.match(word))))
        at = next((i for i, (_, other) in enumerate(kept) if words <= other or other < words), None)
        if at is None:
            kept.append((name, words))
        elif kept[at][1] < words:
            kept[at] = (name, words)
    return tuple(dict.fromkeys(name for name, _ in kept))


def find_byline(text: str) -> list[str]:
    """Return the names in a byline with a word such as "by" ("By Ann Lee", "(责编：牛镛)"); empty for other texts."""
    text = text.strip(" ()[]（）")
    if len(text) >= _LONGEST_BYLINE // 2:
        return []
    segments = [segment for segment in _segments(text) if BY.match(segment)]
    return [name for segment in segments for name in _names_of(segment)]


def split_byline(text: str) -> list[str]:
    """Split a byline into names: three for "By A. One, B. Two and C. Three".

    Dates, and the work of others than the author ("Photos by ...", "Quelle: ..."), are left out.
    """
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST_BYLINE:
        return []
    segments = _segments(text)
    signed = [segment for segment in segments if BY.match(segment)]
    return [name for segment in signed or segments for name in _names_of(segment)]


def is_by_word(text: str) -> bool:
    """Say whether a text is only a word such as "by" or "Author:", after which a name must follow."""
    return len(text) < 30 and bool(BY.fullmatch(f"{text.rstrip(' :：')}: "))


def is_labelled(text: str) -> bool:
    """Say whether a text begins with a word that can only be that of a byline, such as "Author:"."""
    return bool(LABELLED.match(text.strip(" ()[]（）")))


def is_person(name: str) -> bool:
    """Say whether a name is written like that of a person: two to five words that begin with capitals."""
    words = name.split()
    if EASTERN.search(name):
        return 2 <= len(name.replace(" ", "")) <= 6 and all(map(EASTERN.match, name.replace(" ", "")))
    if not 2 <= len(words) <= 5 or LABEL.match(name) or ROLE.search(name) or ONLY_ROLE.search(name):
        return False
    return all(word[0].isupper() or word.lower() in PARTICLES for word in words) and not any(map(str.isdigit, name))


def _segments(text: str) -> list[str]:
    """Return the parts of a byline that may hold names: between bars and dates, and before the work of others."""
    text = NOT_AUTHOR.sub(" \0 ", CONTACT.sub(" ", text)) if "(" in text or "@" in text else text
    if any(map(str.isdigit, text)):
        text = WHEN.sub(" | ", text)
    found: list[str] = []
    for segment in SEGMENT.split(text):
        parts = NOT_BY.split(segment)
        # "Fotos: Bob Day, Text: Ann Lee": the author may be named after the others
        later = [part[at.start() :].lstrip(" ,/") for part in parts[1:] if (at := LATER.search(part))]
        found += [part.strip(" ,;:-–—|/") for part in (parts[0], *later)]
    return [segment for segment in found if segment and (BY.match(segment) or not STATED.match(segment))]


def _names_of(segment: str) -> list[str]:
    segment = BY.sub("", segment).strip(" ,;:-–—|")
    names: list[str] = []
    for part in SPLIT.split(segment):
        pair = part.split("/")
        # "Ann Lee/Bo Li" are two people; "dpa/AFP" may be one credit
        for one in pair if all(" " in name.strip() for name in pair) else [part]:
            names.extend(_split_commas(_drop_role(one)))
    return [name for name in map(_clean_name, names) if name]


def _drop_role(text: str) -> str:
    match = ROLE.search(text)
    if not match:
        return text
    return match["name"] if match["name"] else text[: match.start()]


def _split_commas(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if "." in parts[0] and " " not in parts[0]:
        return parts[:1]  # "courier.example, Port Ellery" is a publisher and its town
    if any(map(NOBODY.match, parts)):
        return parts
    # "Surname, Name" is one name, and so is "AFP, MANILA"
    if len(parts) > 2 or (len(parts) > 1 and 1 < len(parts[0].split()) <= 4):
        return parts
    return [text]


def _clean_name(name: str) -> str:
    name = BY.sub("", name).strip(" ,;:-–—|/*\"'“”„»«→›")
    # "Courier Media (www.courier.example)" is a house
    if "\0" in name or INITIALS.match(name) or OF_SITE.search(name):
        return ""
    name = TRAILING.sub("", BRACKETS.sub("", name)).strip(" ,;:-–—|/*\"'“”„")
    if not name or len(name) > 70 or len(name.split()) > 7 or JUNK.search(name):
        return ""
    if NOBODY.match(name) or LABEL.match(name) or "[" in name or "]" in name:
        return ""
    return name if sum(map(str.isalpha, name)) >= 2 else ""
