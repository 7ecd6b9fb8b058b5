"""Split the text under a picture into caption and credit, without the words of the interface around them."""

from __future__ import annotations

import re

from transforms.page.read.agencies import find_agency
from transforms.page.read.bylines import is_person
from transforms.page.text import text_key

_LONGEST_CREDIT = 110
# the longest caption of 1,746 pages has 3,807
_LONGEST_TEXT = 10_000
# texts that are longer are searched at their end only
_SEARCHED = 400
_LABEL_WORDS = (
    r"photo(?:s|graphs?|graphy|graphed|graphie)?|pictures?|pic|images?|illustrations?|graphics?|cartoon|artwork|main\s+image|"
    r"foto(?:s|grafi[ae]|grafie|graf|grafía)?|bild(?:er|quelle|nachweis|rechte)?|titelbild|grafik|infografik|"
    r"fotoğraf|zdj(?:ęcie|\.)?|fot\.|ảnh|isithombe|kuva|fotó|φωτο(?:γραφία)?|фото|imagen|imágenes|imagem|immagine|"
    r"crédits?|credits?|courtesy|quelle|source|sources|fuente|fonte|bron|kilde|källa|źródło|источник|"
    r"写真|画像|撮影|提供|图|圖|图片|圖片|图源|摄|攝|사진|صورة|الصورة|صدر\s+الصورة"
)
_LABEL = re.compile(
    rf"^[\s(\[|/–—-]*(?:(?:{_LABEL_WORDS}|©|copyright)(?:\s+(?:credits?|source|copyright|quelle|by|via|von|de|courtesy(?:\s+of)?|of))*"
    r"\s*(?:[:：©/|,،＝=]|(?=\s|$)|(?<=©))\s*)+",
    re.IGNORECASE,
)
# a label that opens a credit at the end of a caption: "… Photo: Who", "…Bild: Who/dpa", "… © Who", "… Photo by Who"
_AT_LABEL = re.compile(
    rf"(?:^|(?<=[\s.!?\"”’)\]|/–—-])|(?<=[a-zäöüßé\d]))(?P<credit>\(?\s*(?:(?:{_LABEL_WORDS})(?:\s+credits?|\s+source|\s+copyright)?\s*"
    r"(?:[:：©]|\s+(?:by|via|courtesy(?:\s+of)?)\s)|©|\(c\)\s|(?:photo(?:graph)?s?|image|illustration)\s+(?:by|via)\s|"
    r"courtesy\s+(?:of\s+)?(?=[A-Z])|cedida\s+por\s|handout\s))",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"\s*(?P<credit>[(（\[][^()（）\[\]]{2,110}[)）\]])\s*[.。]?$")
_CREDITED = re.compile(
    r"\b(?:photos?|photograph|foto|image|images|bild|picture|credit|courtesy|via|copyright|handout|file|library|press|pool|"
    r"fotograf|zdjęcie|фото)\b|©|写真|撮影|提供|摄|攝|사진",
    re.IGNORECASE,
)
# stock agencies and archives, beside the news agencies of transforms.page.read.agencies
_STOCK_NAMES = """
Getty Images, Getty Image, Getty, GettyImages, Shutterstock, iStock, iStockphoto, Alamy, Alamy Stock Photo,
Imago, Imago Images, IMAGO, picture alliance, picture-alliance, Unsplash, Pexels, Pixabay, Flickr, Wikimedia,
Wikimedia Commons, Creative Commons, NASA, ESA, EPA, EPA-EFE, Adobe Stock, AdobeStock, Fotolia, Corbis,
Depositphotos, 123RF, Keystone, laif, ddp, ddp images, Sipa, SIPA USA, ZUMA, ZUMA Press, ZUMA Wire, Magnum,
Scanpix, NurPhoto, Redux, WireImage, AFP/Getty, Bettmann, Hulton Archive, Science Photo Library,
Reuters Connect, Action Images, PA Wire, PA Images, AP Photo, Rex, USA TODAY Sports, Invision, Screenshot,
Twitter, Facebook, Instagram, YouTube, Public Domain, Sputnik, Postmedia, Postmedia News, National Geographic,
The Canadian Press, Los Angeles Times, CQ Roll Call, Pool, Bloomberg, Netflix, Thinkstock, Dreamstime
"""
_STOCK = frozenset(text_key(name) for name in _STOCK_NAMES.replace("\n", " ").split(","))
# what a credit without label or brackets may end in: "Jaafar ASHTIYEH / AFP", "EFE/ J.J. Guillén"
_UNLABELLED = re.compile(
    r"(?:(?<=[.!?…。\"”’)])\s*|(?<=\s)[|/–—-]\s*|(?<=[a-zß])(?=[A-Z]))(?P<credit>(?:[^.!?…。|]|(?<=\b[A-Z])\.){2,70})$"
)
_NAME_AND_AGENCY = re.compile(r"^[^\W\d_a-z][\w.'’-]*(?:\s[^\W\d_a-z][\w.'’-]*){0,3}\s?/\s?[\w .'’/-]{2,50}$")
_AFTER_SLASH = re.compile(r"\s[/|]\s*(?P<credit>[^/|]{4,40})$")
_SAYS_CREDIT = re.compile(r"[:：©|/,]|\b(?:by|via|courtesy|copyright)\b|\w\s+(?:credits?|source)\b", re.IGNORECASE)
# words of galleries and players, at the start or at the end of a caption
_INTERFACE = (
    r"(?:caption\s+)?(?:close\s+)?image\s+\d+\s+of\s+\d+|(?:(?:photo|slide|bild|foto)\s+)?\d+\s*(?:/|of|von|de|av)\s*\d+|"
    r"view\s+(?:this\s+)?image\s*›?|view\s+gallery|open\s+image\s+in\s+gallery|click\s+to\s+enlarge|"
    r"enlarge(?:\s+this)?\s+image|(?:toggle|hide|show|view)\s+caption|(?:image|media)\s+caption(?:\b,?|(?=(?-i:[A-Z])))|legende\s*:|"
    r"up\s+next|play\s+video|link\s+copied|media\s+playback\s+is\s+unsupported\s+on\s+your\s+device|"
    r"bild\s+(?:vergrößern|in\s+großansicht\s+öffnen)|vis\s+mer|les\s+mer|show\s+more|read\s+more|"
    r"(?:\.\.\.|…)\s*more\b\s*>?|more\s*>|التعليق\s+على\s+الصورة،?"
)
_INTERFACE_START = re.compile(rf"^(?:(?:{_INTERFACE})(?:(?!\w)|(?=(?-i:[A-Z])))\s*[,:،]?\s*)+", re.IGNORECASE)
_INTERFACE_END = re.compile(rf"(?:(?:^|\s+|(?<=…))(?:{_INTERFACE})(?!\w))+\s*$", re.IGNORECASE)
_INTERFACE_ALONE = re.compile(
    r"^(?:caption|close|image|photo|play|advertisement|anzeige|großansicht|gallery|\s)+$", re.IGNORECASE
)
_CAPTION_LABEL = re.compile(
    r"\s*(?:Image\s+caption,?|Media\s+caption,?|Legende:|التعليق على الصورة،?)\s*", re.IGNORECASE
)
_EDGES = " |/–—•·-,;:،"
_PARTS = re.compile(r"\s*(?:[/|,;]|\svia\s|\sfor\s|\s(?:and|und|et)\s)\s*", re.IGNORECASE)


def split_credit(text: str) -> tuple[str, str]:
    """Split the text under a picture into caption and credit, both without labels and words of the interface.

    "The quay. Photo: Ann Lee / AFP" gives "The quay." and "Ann Lee / AFP".
    """
    if len(text) > _LONGEST_TEXT:
        return text, ""
    text = strip_interface(text)
    if is_credit(text):
        return "", clean_credit(text)
    labelled = _CAPTION_LABEL.search(text)
    if labelled and labelled.start() and _LABEL.match(text):
        # "Image source, Getty Images Image caption, The quay at low tide"
        return text[labelled.end() :].strip(), clean_credit(text[: labelled.start()])
    start = max(0, len(text) - _SEARCHED)
    match = _IN_BRACKETS.search(text, start)
    if match and _names_credit(match["credit"]):
        return _strip_caption(text[: match.start()]), clean_credit(match["credit"])
    for match in _AT_LABEL.finditer(text, start):
        credit = text[match.start("credit") :]
        if len(credit) <= _LONGEST_CREDIT and _begins_big(credit) and not _is_sentence(_LABEL.sub("", credit)):
            return _strip_caption(text[: match.start("credit")]), clean_credit(credit)
    if _NAME_AND_AGENCY.match(text) and _has_known(text):
        return "", text
    for pattern, is_said in ((_UNLABELLED, _has_known), (_AFTER_SLASH, is_person)):
        match = pattern.search(text, start)
        if match and is_said(match["credit"]) and _begins_big(match["credit"]) and not _is_sentence(match["credit"]):
            return _strip_caption(text[: match.start()]), clean_credit(match["credit"])
    labelled = _LABEL.match(text)
    # "Image: The quay at low tide, seen from the old lighthouse"
    return (text[labelled.end() :] if labelled and ":" in labelled[0] else text), ""


def clean_credit(text: str) -> str:
    """Return a credit without its label and brackets: "Ann Lee / AFP" for "(Photo: Ann Lee / AFP)"."""
    text = strip_interface(text)
    bare = _LABEL.sub("", text).strip(_EDGES)
    if bare.count("(") != bare.count(")"):
        bare = bare.strip("()")
    if bare[:1] in "([（" and bare[-1:] in ")]）":
        bare = _LABEL.sub("", bare[1:-1]).strip(_EDGES)
    return bare.rstrip("] ") if bare.count("[") != bare.count("]") else bare


def is_credit(text: str) -> bool:
    """Say whether a text is nothing but a credit: a label and a name, or names of agencies."""
    if len(text) > _LONGEST_CREDIT:
        return False
    match = _LABEL.match(text)
    if match and _SAYS_CREDIT.search(match[0]) and _begins_big(text):
        rest = text[match.end() :]
        return not _is_sentence(rest) and not _CAPTION_LABEL.search(rest)
    return _all_known(text.strip("()[] "))


def strip_interface(text: str) -> str:
    """Return a text without the words of galleries and players around it, such as "Caption Close Image 1 of 5"."""
    return _INTERFACE_ALONE.sub("", _INTERFACE_END.sub("", _INTERFACE_START.sub("", text))).strip()


def _begins_big(text: str) -> bool:
    """Say whether the first letter of a text is no small one: "Photo by", not "photo by"."""
    first = next(filter(str.isalpha, text), "")
    return not first.islower() or text.lstrip("( ")[:1] == "©"


def _strip_caption(text: str) -> str:
    return text.rstrip().rstrip(" |/–—•·-([").strip()


def _names_credit(bracketed: str) -> bool:
    """Say whether a text in brackets credits a picture."""
    inside = bracketed.strip("()[]（） ")
    if _is_sentence(inside):
        return False
    return bool(_CREDITED.search(inside)) or _has_known(inside) or bool(re.search(r"\w\s*/\s*[A-Z]", inside))


def _is_sentence(text: str) -> bool:
    """Say whether a text is too long or too much like prose for a credit."""
    words = text.split()
    small = sum(word[0].islower() for word in words if word[0].isalpha())
    return len(words) > 16 or (len(words) > 7 and small > len(words) / 2)


def _is_known(name: str) -> bool:
    return text_key(name) in _STOCK or bool(find_agency(name))


def _has_known(text: str) -> bool:
    return any(_is_known(part) for part in _PARTS.split(text.strip("()[] ")) if part)


def _all_known(text: str) -> bool:
    parts = [part for part in _PARTS.split(text) if part]
    return bool(parts) and all(map(_is_known, parts))
