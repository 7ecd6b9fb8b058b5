"""Words in class names, ids and other names of elements that reveal what an element contains."""

from __future__ import annotations

import re
from functools import lru_cache

# category -> words in class names, ids, roles and itemprops. A word of up to four letters must be a whole token
# ("read-more" is two tokens); a longer one may also start or end a token ("relatedposts").
NAME_CUES: dict[str, str] = {
    "body": "body articlebody bodytext storybody content contents text articletext storytext maintext entrycontent"
    " postcontent paragraph paragraphs para prose richtext wysiwyg copy artikeltext texto cuerpo corpo contenu tekst"
    " testo brodtext brodtekst fulltext rte markdown inhalt",
    "article": "article story post entry artikel articolo articulo noticia nota newsarticle single hentry beitrag news",
    "lead": "lead lede intro introduction standfirst dek deck subtitle subtitulo subheadline summary abstract excerpt"
    " chapo chapeau vorspann ingress preamble entradilla bajada sottotitolo occhiello manchet perex sapo abstract"
    " description kicker strapline leadtext teasertext subline untertitel underrubrik undertittel",
    "title": "title headline titel titulo titre titolo heading h1 rubrik tittel otsikko",
    "subhead": "subhead subheading crosshead crossheading zwischentitel intertitre ladillo mellemrubrik mellomtittel"
    " subtitle zwischenueberschrift",
    "related": "related recommended recommend recommendations recommendation more also readmore readalso seealso most"
    " popular trending similar mehr weitere auch relacionadas relacionados relacionado correlati correlate powiazane"
    " lire leer outbrain taboola next upnext suggested suggestions recirc recirculation crosslink linkbox relatert"
    " liees lisez associated mostread mehrzum zumthema backlink internal linklist onward further inline",
    "promo": "newsletter subscribe subscription subscriptions signup promo promotion promobox cta abo offer marketing"
    " app download membership member donate donation support piano register registration suscribete suscripcion"
    " abbonati abonnement callout calltoaction appeal campaign banner optin mailchimp",
    "paywall": "paywall premium plus lock locked gate regwall barrier login signin meter truncated",
    "ad": "ad ads advert advertisement advertising sponsor sponsored anzeige werbung publicidad pub dfp gpt native"
    " commercial adslot adunit advertorial outstream affiliate shopping buy price product",
    "social": "share sharing social socials facebook twitter whatsapp follow icons teilen compartir sharebar sharetools"
    " addtoany sharedaddy addthis bookmark save tools toolbar actions",
    "comment": "comment comments kommentar kommentare comentarios commentaires commenti komentarze disqus discussion"
    " respond reply replies commentlist livefyre coral reactions",
    "caption": "caption figcaption legend legende bildunterschrift cutline pie didascalia bildtext bildetekst captions"
    " leyenda podpis imagecaption photocaption subline alt",
    "credit": "credit credits copyright source photographer quelle rights attribution fotograf fotografo provider"
    " agency",
    "image": "image img images photo photos picture figure gallery slideshow carousel slider media bild foto fotos"
    " galleria galerie galeria mediathek slick swiper thumbnail thumb",
    "video": "video player jwplayer brightcove audio podcast listen speech youtube vimeo",
    "byline": "byline author authors autor autoren autore auteur writer contributor contributors reporter journalist"
    " firma firmas skribent creator verfasser",
    "date": "date dateline datetime timestamp time published updated datum fecha data pubdate publication datepublished"
    " datemodified lastmod",
    "meta": "meta metadata info details byline postmeta articlemeta entrymeta infos header eyebrow",
    "bio": "bio biography about profile profil authorbox authorbio authorinfo vcard aboutauthor person tagline",
    "tags": "tag tags topic topics keyword keywords category categories schlagworte temas themen tagcloud etiquetas"
    " taglist sections breadcrumb breadcrumbs breadcrumblist",
    "nav": "nav navigation menu navbar navi masthead topbar skip search suche pagination pager pages toc sitenav"
    " dropdown submenu hamburger drawer",
    "edge": "footer header foot head bottom top masthead colophon contentinfo banner pagefooter",
    "side": "sidebar aside rail widget widgets right secondary complementary sidecol marginal",
    "box": "box infobox factbox fakten fact facts infokasten faktaboks faktaruta kasten module panel inset sidenote"
    " aside note highlight highlights keypoints glance summarybox",
    "list": "teaser teasers card cards list grid item items feed river stream tease headlines latest newslist ticker"
    " listing tile tiles collection archive loop teaserlist",
    "live": "live liveblog liveticker minute liveupdates timeline liveposts liveblogposting",
    "embed": "embed embedded tweet twittertweet instagram tiktok datawrapper infogram poll quiz map oembed widget"
    " interactive infographic chart graphic",
    "quote": "quote pullquote pull blockquote zitat cita citation citat",
    "legal": "legal disclaimer cookie cookies consent privacy gdpr terms impressum notice correction corrections"
    " policy agb onetrust",
    "hidden": "hidden hide invisible collapsed sr visuallyhidden screenreader modal overlay popup lightbox tooltip"
    " dialog offscreen alert alertdialog",
    "print": "print noprint printonly",
    "faq": "faq accordion question answer",
    "comp": "comp component fragment block element row col wrapper",
}
CUES = tuple(NAME_CUES)
CUE_COUNT = len(CUES)
CUE_INDEX = {name: number for number, name in enumerate(CUES)}
_WORDS: dict[str, tuple[int, ...]] = {}
for _name, _words in NAME_CUES.items():
    for _word in _words.split():
        _WORDS[_word] = tuple(dict.fromkeys((*_WORDS.get(_word, ()), CUE_INDEX[_name])))
# words that may start or end a token, by length, longest first; a number is a word's place in the table
_PLACES = {word: place for place, word in enumerate(_WORDS)}
_LENGTHS = sorted({len(word) for word in _WORDS if len(word) >= 5}, reverse=True)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN = re.compile(r"[a-zA-Z]+")


@lru_cache(maxsize=50_000)
def _token_cues(token: str) -> tuple[int, ...]:
    found = _WORDS.get(token)
    if found is not None:
        return found
    if token.endswith("s") and token[:-1] in _WORDS:
        return _WORDS[token[:-1]]
    if len(token) > 5:
        for length in _LENGTHS:
            words = [word for word in (token[:length], token[-length:]) if word in _PLACES and len(word) == length]
            if words:
                return _WORDS[min(words, key=_PLACES.__getitem__)]
    return ()


@lru_cache(maxsize=50_000)
def _name_cues(name: str) -> tuple[int, ...]:
    tokens = _TOKEN.findall(name if name.islower() else _CAMEL.sub(" ", name))
    found: dict[int, None] = {}
    for token in tokens:
        if len(token) > 1:
            for cue in _token_cues(token.lower()):
                found[cue] = None
    whole = "".join(tokens if name.isascii() else filter(str.isalpha, name))
    for cue in _WORDS.get(whole.lower(), ()):
        found[cue] = None
    return tuple(found)


def element_cues(css: str | None, id_: str | None) -> tuple[int, ...]:
    """Return the numbers of the categories whose words are in an element's class or id."""
    if not css and not id_:
        return ()
    names = f"{css or ''} {id_ or ''}"[:400].split()
    if len(names) == 1:
        return _name_cues(names[0])
    return tuple({cue: None for name in names for cue in _name_cues(name)})
