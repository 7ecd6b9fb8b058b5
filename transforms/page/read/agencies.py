"""Recognise news agencies: as an author, in a credit ("dpa/AFP") and in a dateline ("LONDON (Reuters) -").

The names are those that the agencies use themselves, from the member lists of the European Alliance of News Agencies
(https://www.newsalliance.org/), the Organization of Asia-Pacific News Agencies (http://www.oananews.org/) and the
Federation of Arab News Agencies, with the world's large private ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from transforms.page.text import EASTERN, text_key

# "name as stored: other names". A name in capitals of two or three letters is recognised in capitals only.
_NAMES = """
Reuters: Thomson Reuters, Reuters News Agency, Рейтер, 路透社, 路透, ロイター, ロイター通信, 로이터, رويترز
AP: Associated Press, The Associated Press, AP News, AP通信, 美联社, 美聯社
AFP: Agence France-Presse, Agence France Presse, AFP通信, 法新社, أ ف ب
dpa: Deutsche Presse-Agentur, dpa-infocom, dpa-tmn, dpa-afx, dpa Sport, Deutsche Presse-Agentur (dpa), 德新社
APA: Austria Presse Agentur
Keystone-SDA: sda, Keystone-ATS, ats, SDA-ATS, awp
SID: Sport-Informations-Dienst
epd: Evangelischer Pressedienst
KNA: Katholische Nachrichten-Agentur
Bloomberg: Bloomberg News, 彭博, 彭博社, ブルームバーグ
UPI: United Press International
PA: PA Media, Press Association, Press Association Sport, PA News Agency
AAP: Australian Associated Press
CP: The Canadian Press, Canadian Press, La Presse Canadienne
ANSA: Agenzia ANSA
Adnkronos:
Askanews:
AGI: Agenzia Italia
LaPresse:
EFE: Agencia EFE
Europa Press:
Lusa: Agência Lusa
ANP:
Belga: Agence Belga
TT: TT Nyhetsbyrån
NTB: NTB-AFP
Ritzau: Ritzaus Bureau
STT: STT-Lehtikuva
PAP: Polska Agencja Prasowa
ČTK: CTK, Česká tisková kancelář
TASR:
MTI:
Tanjug: Танјуг
Hina:
STA: Slovenska tiskovna agencija
BTA: БТА
Agerpres:
ANA-MPA: ΑΠΕ-ΜΠΕ, AMNA, ΑΜΠΕ
BNS: Baltic News Service
ELTA:
LETA:
TASS: ТАСС, ИТАР-ТАСС, 塔斯社
RIA Novosti: РИА Новости, РИА «Новости»
Interfax: Интерфакс, Інтерфакс-Україна, Интерфакс-Украина
Ukrinform: Укринформ, Укрінформ
UNIAN: УНИАН, УНІАН
BelTA: БелТА, БЕЛТА
Anadolu: Anadolu Ajansı, Anadolu Agency, AA, الأناضول
İHA: İhlas Haber Ajansı, IHA
DHA: Demirören Haber Ajansı
ANKA: ANKA Haber Ajansı
Xinhua: Xinhua News Agency, 新华社, 新華社, 新华网, 新華網, 新华社电
CNS: China News Service, 中新社, 中新网, 中国新闻社, 中国新闻网
CNA: Central News Agency, 中央社
Kyodo: Kyodo News, 共同, 共同通信, 共同通信社, 共同社
Jiji: Jiji Press, 時事, 時事通信, 時事通信社
Yonhap: Yonhap News Agency, 연합뉴스, 韩联社, 聯合ニュース
Newsis: 뉴시스
News1: 뉴스1
PTI: Press Trust of India
ANI: Asian News International
IANS: Indo-Asian News Service
APP: Associated Press of Pakistan
BSS: Bangladesh Sangbad Sangstha
UNB: United News of Bangladesh
Bernama:
Antara: ANTARA News
VNA: TTXVN, Vietnam News Agency
IRNA: ایرنا
ISNA: ایسنا
WAM: وام
SPA: Saudi Press Agency, واس
MENA: Middle East News Agency, أ ش أ
NAN: News Agency of Nigeria
GNA: Ghana News Agency
Inter Press Service: IPS
Agência Brasil:
Télam: Telam
Prensa Latina:
Notimex:
Dow Jones: Dow Jones Newswires
GlobeNewswire:
PR Newswire: PRNewswire
Business Wire: BusinessWire
"""


def _read_names() -> tuple[dict[str, str], dict[str, str]]:
    """Return the agencies by the key of each of their names, and those that are known by capitals only."""
    names: dict[str, str] = {}
    capitals: dict[str, str] = {}
    for line in _NAMES.strip().splitlines():
        agency, _, others = line.partition(":")
        for name in (agency, *others.split(",")):
            name = name.strip()
            if name.isascii() and name.isupper() and len(name) <= 4:
                capitals[name] = agency
            elif name:
                names[text_key(name)] = agency
    return names, capitals


_AGENCIES, _CAPITALS = _read_names()
_CREDIT_WORDS = re.compile(
    r"^(?:(?:source|sources|quelle|quellen|fuente|fonte|bron|kilde|källa|źródło|zdroj|источник|джерело|kaynak|πηγή|"
    r"来源|來源|出典|출처|copyright|via|agencies|mit\s+(?:material|informationen)\s+(?:von|der)|mit|with|avec|con|by|von|"
    r"od|di|par)\b[\s:：]*|[©\s:：(（\[/]+|(?:19|20)\d\d\s+)+",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*(?:[/,;&+・、]|\s(?:und|and|et|y|e|i|with|mit)\s)\s*")
_INITIALS = re.compile(r"[a-zäöü]{2,6}|\w{2,4}(?:-\w{2,6})?")
# "LONDON, March 5 (Reuters) - ", "Berlin (dpa) - ", "(ANSA) - ROMA, "
_BRACKETED = re.compile(
    r"^(?P<place>(?:[^\W\d_a-z][^()\n]{0,70}?)?)\s*[(（\[](?P<credit>[^()（）\[\]]{2,40})[)）\]]\s*(?P<after>--|[-–—―:,.]|)"
)
# "AFP - ", "ANKARA, AA — "
_BARE = re.compile(
    r"^(?:[^\W\d_a-z][\w.' -]{1,30},\s*)?(?P<credit>[^\W\d_][\w/]{1,15})\s*(?:--|[-–—―])\s+(?=[^\W\d_a-z]|\W)"
)
# "新华社北京1月3日电", "（中央社記者王大明台北3日電）", "【ワシントン共同】", "(서울=연합뉴스)"
_EASTERN = re.compile(
    r"^\s*[（(【\[]?(?P<first>[^，。,.\n）)】\]]{2,30}?)[电電訊讯](?!\w)|^\s*[（(【\[](?P<last>[^，。,.\n）)】\]]{2,30})[）)】\]]"
)
_EASTERN_NAMES = {key: agency for key, agency in _AGENCIES.items() if EASTERN.search(key)}
# "... said. (AFP)", "... sagte er. /dpa"
_ENDING = re.compile(
    r"(?:[(（\[]\s*(?P<bracketed>[^()（）\[\]]{2,40})[)）\]]|\s[/–—-]{1,2}\s?(?P<bare>[\w/ .-]{2,20}))\s*[.。]?$"
)
_LONGEST_CREDIT = 120
_ALL_RIGHTS = re.compile(
    r"[.,]?\s*(?:all rights reserved|alle rechte vorbehalten|tous droits réservés).*$", re.IGNORECASE
)


def find_agency(name: str) -> str:
    """Return the agency that a name is the name of, as it is stored; "" for any other."""
    name = name.strip(" .,:;*")
    return _CAPITALS.get(name) or _AGENCIES.get(text_key(name), "")


def find_agencies(credit: str) -> tuple[str, ...]:
    """Return the agencies that a credit names, such as "dpa/AFP", "Quelle: dpa" or "AFP, MANILA".

    Empty for a text that is more than a credit: next to agencies only initials, a place in capitals and the words of
    a credit may stand in it.
    """
    if len(credit) > _LONGEST_CREDIT:
        return ()
    bare = _ALL_RIGHTS.sub("", credit.strip(" ()（）[].。*\"'"))
    bare = _CREDIT_WORDS.sub("", bare)
    whole = find_agency(bare)
    if whole:
        return (whole,)
    found: list[str] = []
    for part in _PARTS.split(bare):
        agency = find_agency(part)
        if agency:
            found.append(agency)
        elif part and not _INITIALS.fullmatch(part) and not part.isupper():
            return ()
    return tuple(dict.fromkeys(found))


def find_dateline(paragraph: str) -> tuple[str, ...]:
    """Return the agencies in the dateline that opens a paragraph."""
    start = paragraph[:140]
    match = _BRACKETED.match(start)
    if match and (match["after"] or not match["place"].strip(" ,") or match["place"].isupper()):
        found = find_agencies(match["credit"]) if len(match["place"].split()) <= 8 else ()
        if found:
            return found
    match = _BARE.match(start)
    if match:
        return find_agencies(match["credit"])
    if EASTERN.search(start):
        match = _EASTERN.match(start)
        if match:
            key, is_first = text_key(match["first"] or match["last"]), bool(match["first"])
            ends = str.startswith if is_first else str.endswith
            return tuple(agency for name, agency in _EASTERN_NAMES.items() if ends(key, name))[:1]
    return ()


def find_ending(paragraph: str) -> tuple[str, ...]:
    """Return the agencies in the credit that closes a paragraph."""
    match = _ENDING.search(paragraph[-60:])
    return find_agencies(match["bracketed"] or match["bare"]) if match else ()


def join_agencies(names: Iterable[str]) -> str:
    """Return agencies as they are stored together: "dpa/AFP"."""
    return "/".join(dict.fromkeys(names))
