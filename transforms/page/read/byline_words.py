"""The words of bylines, by which names are told from everything else in them, in the languages of many publishers.

Lists of words are joined by spaces; a hyphen or an underscore in them stands for white space.
"""

from __future__ import annotations

import re


def _any(*words: str) -> str:
    """Return a pattern for any of the words."""
    return "|".join(word.replace("_", r"\s+") for words_ in words for word in words_.split())


# before the name of an author
_BY_WORDS = _any(
    "by von vom par por di door av af od przez a_cura_di от yazan автор текст",
    "文 記者 记者 责编 責編 责任编辑 責任編輯 编辑 作者 작성자",
    r"autor(?:in|es|a)? autorin/autor autor[/:*]in author(?:s|\(s\))?(?:_of_the_article)? auteurs? autore autori",
)
# before such a word: "Story by", "Ein Kommentar von", "View all posts by"
_KINDS = _any(
    "written posted published story reported reporting words text texte texto testo analysis opinion review",
    "guide comment column essay feature report interview news article artikel beitrag kommentar ein_kommentar",
    "ein_gastbeitrag (?:view_)?(?:all_)?posts the_author:?",
)
BY = re.compile(
    rf"^(?:(?:{_KINDS})\s+)?(?:{_BY_WORDS})(?=[\s:：])\s*[:：]?\s*|^(?:text|texte|texto|testo|words|story)\s*[:：]\s*",
    re.IGNORECASE,
)
# what can only be a byline, wherever it stands
LABELLED = re.compile(
    r"(?:autor(?:in|es|a)?|autorin/autor|autor[/:*]in|author(?:s|\(s\))?|auteurs?|autore|autori|written\s+by|posted\s+by|"
    r"автор|текст|記者|记者|责编|責編|编辑|作者|작성자)(?=[\s:：])",
    re.IGNORECASE,
)

# the work of others than the author: "Photos by Bob Day", "Foto: Eva Klein", "Editing by Cy Roe", "Quelle: dpa"
_OTHERS = _any(
    "photos? photographs? photography pictures? images? illustrations? illustrated graphics? video videos",
    "camera edited editing editor produced production compiled translated translation reviewed",
    r"(?:fact|peer)[\s-]checked sponsored additional_reporting presented powered designed fotos?",
    "fotograf(?:ie|en|in|ia|ía)? bilder bild illustration(?:en)? grafik(?:en)? kamera redaktion redigiert",
    "bearbeitet bearbeitung übersetzt übersetzung übertragung photographies? crédits? traduction traduit édité",
    "adapté fotografías? imágenes traducción edición traduzione fotografi redazione fotó zdjęcia zdj oprac",
    "opracował opracowała opracowanie tłumaczenie фото редактор перевод fotoğraf editör sources? quellen?",
    "fuentes? fonti? fonte bron kilde källa źródło zdroj источник джерело kaynak",
)
_OTHERS_EASTERN = _any("写真 撮影 摄影 攝影 图片 圖片 图 圖 来源 來源 出典 翻译 翻譯 사진 출처")
NOT_BY = re.compile(
    rf"(?:\b(?:{_OTHERS})(?:\s+(?:by|von|vom|par|por|di|de|door|av|af)\b\s*[:：]?|\s*\.?\s*[:：/])"
    rf"|(?:{_OTHERS_EASTERN})\s*[:：/＝=])\s*",
    re.IGNORECASE,
)
# the same in brackets after a name: "Bob Day (Fotos)"
_PICTURES = _any(
    "photos? photography pictures? fotos? bild(?:er)? fotografie illustration(?:en)? video grafik kamera",
    "zdjęcia фото 写真 摄影",
)
NOT_AUTHOR = re.compile(
    rf"\((?:(?:[^()]*\b)?(?:{_PICTURES})\b[^()]*|editor|editing|redaktion|translation|übersetzung)\)", re.IGNORECASE
)
# the author after the others: "Fotos: Bob Day, Text: Ann Lee"
LATER = re.compile(r"[,/.]\s*(?:text|texte|texto|testo|words|story|by|von|par)\b\s*[:：]?\s", re.IGNORECASE)

_STATES = _any(
    "(?:last_)?updated (?:last_)?modified published posted stand aktualisiert veröffentlicht erschienen publié",
    "mis_à_jour publicado actualizado atualizado pubblicato aggiornato gepubliceerd bijgewerkt opublikowano",
    "aktualizacja publisert oppdatert publicerad uppdaterad опубликовано обновлено güncelleme giriş",
)
STATED = re.compile(rf"^(?:{_STATES})\b", re.IGNORECASE)
_MONTHS = _any(
    "jan feb mar mär apr may mai jun jul aug sep oct okt nov dec dez ene fév fev avr abr mag giu lug aoû ago",
    "set ott out dic déc янв фев мар апр ма[йя] июн июл авг сен окт ноя дек oca şub nis haz tem ağu eyl eki kas",
    "ara sty lut kwi maj cze lip sie wrz paź lis gru",
)
_MONTH = rf"(?:{_MONTHS})[^\W\d_]*"
_SPANS = _any("sekunden minuten stunden? std tagen? seconds? minutes? mins? hours? hrs? days?")
# dates, times and spans of time, with the words before them
WHEN = re.compile(
    rf"(?:\b(?:{_STATES})\b(?:\s+(?:on|at|am|le|il|el|den|op))?\s*[:：]?\s*)?"
    r"(?:\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b|\b\d{1,2}[./]\s?\d{1,2}[./]\s?(?:\d{4}|\d{2})\b"
    rf"|\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+(?=\d|{_MONTH}\b)"
    rf"|\b{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?(?:\s+\d{{4}}\b)?"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\.?,?\s+(?:de\s+)?{_MONTH}\.?,?(?:\s+(?:de\s+)?\d{{4}}\b)?"
    r"|\b\d{1,2}[:.h]\d{2}(?::\d{2})?\s*(?:uhr|h|[ap]\.?m\.?|gmt|utc|[ecmp][sd]?t|cest|cet|ist)?\b"
    rf"|\b(?:vor\s+)?\d+\s*(?:{_SPANS})\b\.?(?:\s+(?:ago|read|lesezeit))?"
    r"|\b(?:lesedauer|lesezeit|reading\s+time)\b\s*[:：]?)",
    re.IGNORECASE,
)

SEGMENT = re.compile(r"\s*(?:[|｜•·⋅∙;●▪]|\s[-–—]\s)\s*")
SPLIT = re.compile(
    r"\s*(?:、|，|\s/\s|,\s*(?:and|und|et|y|e|en|og|och|a|i|и|ve|&)\s"
    r"|\s(?:and|und|et|og|och|oraz|и|та|ve|&|with|mit)\s)\s*",
    re.IGNORECASE,
)

_TITLE_WORDS = _any(
    "senior staff chief deputy political politics special associate assistant managing contributing national",
    "foreign former executive general consumer legal business sports? science health technology tech news world",
    "us uk europe city crime education features? digital freelance media economics? culture environment",
    "defen[cs]e security investigations? diplomatic home royal leitende[rn]? stellvertretende[rn]? freie[rn]?",
    "politische[rn]?",
)
_ROLES = _any(
    "editor reporter correspondent writer journalist columnist contributor producer redakteur(?:in)? redacteur",
    r"journaliste [^\W\d_]*korrespondent(?:in)? redactora? periodista corresponsal giornalista bureau_chief",
    "author opinion critic analyst commentator chefredakteur(?:in)? dziennikarz редактор корреспондент",
)
# "Ann Lee, Political Editor" and, without a comma, "Ann Lee Staff Writer"
ROLE = re.compile(
    rf"(?:,|\s[-–—]|\s\()\s*(?:(?:{_TITLE_WORDS})\s+)*(?:{_ROLES})\b.*$"
    rf"|(?P<name>^[^\W\d_][^\s,]+(?:\s+[^\W\d_][^\s,]*){{1,2}}?)\s+(?:(?:{_TITLE_WORDS})\s+)*(?:{_ROLES})\b.*$",
    re.IGNORECASE,
)

# "Staff Writer" alone is nobody, and neither is "AP Political"
TITLE_WORD = re.compile(rf"(?:{_TITLE_WORDS}|{_ROLES})", re.IGNORECASE)
ONLY_ROLE = re.compile(
    rf"(?:^|\s)(?:{_ROLES}|reviewer|consultant|specialist|manager|director|officer|team|staff|desk|department)$",
    re.IGNORECASE,
)

_NOBODIES = _any(
    "admin(?:istrator)? editors? webmaster root user guest authors? writer unknown anonymous undefined null",
    r"none n/?a wp[-\s]?admin test super\s*user web\s*desk site\s*admin redacci[oó]n redazione redakcja",
    r"redaktion r[eé]daction редакция red\.? by von um at on am le il kl the for staff name your_name share",
    "follow subscribe comments? read_more view_profile",
)
NOBODY = re.compile(rf"^(?:{_NOBODIES})$", re.IGNORECASE)
# names of sections and of boxes of links are nobody's either
_SECTIONS = _any(
    "news nachrichten politics? politik política politique politica polityka sports? deportes? business",
    "wirtschaft economy economía économie economia culture kultur cultura world welt mundo monde mondo opinion",
    "meinung opinión kommentar panorama vermischtes lifestyle leben health gesundheit technology technik",
    "science wissen(?:schaft)? regional lokales local national international ausland inland home startseite",
    "podcasts? videos? photos? newsletter facebook twitter instagram bluesky linkedin whatsapp threads mastodon",
    "youtube telegram tiktok reddit pinterest flipboard email e-mail",
)
_BOXES = _any(
    r"(?:related|more|popular|recent|latest|featured|recommended|weitere|mehr|most)\b.* about(?:_.*)? über_.*",
    r"you.ll_.* up_next next_up\b.* guide_to\b.* search\b.* sign_(?:in|up) log\s*in contact(?:_us)?",
    "support(?:_us)?",
)
LABEL = re.compile(rf"^(?:{_SECTIONS}|{_BOXES})$", re.IGNORECASE)

JUNK = re.compile(r"https?://|www\.|@|\d|[{}<>_=]|\.(?:com|org|net|html?)/", re.IGNORECASE)
CONTACT = re.compile(r"\s*(?:\S+@\S+\.\S+|(?<!\w)@\w+)\s*")
# initials, an agency or a place in brackets after a name; and initials alone in them, which tell no reader who it is
BRACKETS = re.compile(r"\s*(?:\([^()]{1,40}\)|\[[^\[\]]{1,40}\])\s*$")
INITIALS = re.compile(r"^(?:\(\w{1,5}\.?\)|\[\w{1,5}\.?\])$")
OF_SITE = re.compile(r"\(\s*(?:https?://|www\.)")
TRAILING = re.compile(r"\s+(?:on|at|in|am|um|for|le|il|el)$")
HONORIFIC = re.compile(r"^(?:dr|prof|mr|mrs|ms|sir|dame|dipl|ing|phd|md)\.?$", re.IGNORECASE)
_PARTICLES = "de del della di da dos das do du la le van von vom der den ten ter zu zur bin ibn al el ben af av y e i"
PARTICLES = frozenset(_PARTICLES.split())
