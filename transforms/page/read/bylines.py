"""Read bylines: the people and agencies named, without publishers and log-in names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from transforms.page.text import text_key

_BY = re.compile(
    r"^(?:(?:written|story|reported|reporting|words|text|texte|texto|testo|photos?|analysis|opinion|review)\s+)?"
    r"(?:by|von|vom|par|por|di|door|av|af|od|przez|autor(?:in|es|a)?|author|auteur|autore|redaktion|от|автор|текст|yazan|文|記者|记者|责编|責編|编辑|作者|작성자)"
    r"(?=[\s:：])\s*[:：]?\s*",
    re.IGNORECASE,
)
_SPLIT = re.compile(
    r"\s*(?:;|\||•|·|、|，|\s/\s|,\s*(?:and|und|et|y|e|en|og|och|a|i|и|ve)\s|\s(?:and|und|et|og|och|oraz|и|та|ve|&|with|mit)\s)\s*",
    re.IGNORECASE,
)
_TITLE_WORDS = (
    r"(?:senior|staff|chief|deputy|political|special|associate|assistant|managing|contributing|national|foreign|"
    r"business|sports?|science|health|technology|tech|news|world|us|uk|europe|city|crime|education|features?|digital|"
    r"freelance|media|economics?|culture|environment|defen[cs]e|security|investigations?|diplomatic|home|royal)"
)
_ROLE = re.compile(
    rf"(?:,|\s[-–—]|\s\()\s*(?:{_TITLE_WORDS}\s+)*"
    r"(?:editor|reporter|correspondent|writer|journalist|columnist|contributor|producer|redakteur|korrespondent|"
    r"redacteur|journaliste|redactor|periodista|giornalista|bureau\s+chief|author|opinion|critic|analyst|commentator)\b.*$",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"^(?:admin(?:istrator)?|editor|editors|webmaster|root|user|guest|author|unknown|anonymous|undefined|null|none|n/?a|"
    r"wp[-_ ]?admin|test|super\s*user|web\s*desk|redaccion|site\s*admin|by|staff)$",
    re.IGNORECASE,
)
_JUNK = re.compile(r"https?://|www\.|@|\d|[{}<>\[\]_=]|\.(?:com|org|net|html?)/", re.IGNORECASE)
_CONTACT = re.compile(r"\s*(?:\S+@\S+\.\S+|@\w+)\s*")
_AGENCY_TAIL = re.compile(r"\s*\((?:[A-Z]{2,8}|[^()]{2,30})\)\s*$")


def clean_authors(names: Iterable[str], publisher: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the people and agencies among `names`, once each, in order.

    A publisher's name is dropped unless it is the only one: then it is the byline that readers see, as in "BBC News".
    """
    houses = {text_key(name) for name in publisher if name}
    people: dict[str, str] = {}
    collective: dict[str, str] = {}
    for name in names:
        for person in split_byline(name):
            key = text_key(person)
            if not key or key in people:
                continue
            if key in houses:
                collective.setdefault(key, person)
            else:
                people[key] = person
    return tuple((people or dict(list(collective.items())[:1])).values())


def find_byline(text: str) -> list[str]:
    """Return the names in a byline with a word such as "by" ("By Ann Lee", "(责编：牛镛)"); empty for other texts."""
    text = text.strip(" ()[]（）")
    return split_byline(text) if len(text) < 120 and _BY.match(text) else []


def split_byline(text: str) -> list[str]:
    """Split a byline into names: three for "By A. One, B. Two and C. Three"."""
    text = " ".join(text.split())
    if not text or len(text) > 300:
        return []
    text = _CONTACT.sub(" ", _BY.sub("", text)).strip(" ,;:-–—|")
    names: list[str] = []
    for part in _SPLIT.split(text):
        pair = part.split("/")
        # "Ann Lee/Bo Li" are two people; "dpa/AFP" may be one credit
        for one in pair if all(" " in name.strip() for name in pair) else [part]:
            names.extend(_split_commas(_ROLE.sub("", one)))
    return [name for name in map(_clean_name, names) if name]


def _split_commas(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if "." in parts[0] and " " not in parts[0]:
        return parts[:1]  # "courier.example, Port Ellery" is a publisher and its town
    # "Surname, Name" is one name, and so is "AFP, MANILA"
    if len(parts) > 2 or (len(parts) > 1 and 1 < len(parts[0].split()) <= 4):
        return parts
    return [text]


def _clean_name(name: str) -> str:
    name = _BY.sub("", name).strip(" ,;:-–—|/*\"'“”„")
    if not name or len(name) > 70 or len(name.split()) > 7 or _JUNK.search(name) or _NOBODY.match(name):
        return ""
    return name if sum(map(str.isalpha, name)) >= 2 else ""
