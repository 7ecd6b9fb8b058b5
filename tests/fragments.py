"""Fragments of markup that are repeated, flat or nested, to find what takes more than linear time.

`{n}` in a fragment stands for the number of the repetition.
"""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

from collections.abc import Callable, Iterator

from hardpages import ARTICLE, STORY

_TAGS = [
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "li",
    "link",
    "main",
    "map",
    "marquee",
    "math",
    "menu",
    "meta",
    "nav",
    "nobr",
    "noscript",
    "object",
    "ol",
    "option",
    "p",
    "picture",
    "plaintext",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "script",
    "section",
    "select",
    "source",
    "span",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "u",
    "ul",
    "video",
    "wbr",
    "x-y",
]

_PIECES = {
    "text": STORY,
    "short paragraphs": "<p>x</p>",
    "paragraphs": f"<p>{STORY}</p>",
    "different paragraphs": f"<p>{{n}} {STORY}</p>",
    "classes": "<p class='story-body{n} related'>x {n}</p>",
    "ids": "<div id=a{n}>x</div>",
    "names of all kinds": "<div role=a{n} itemprop=b{n} data-type=c{n} aria-label='d{n} e' style='x:{n}'>x</div>",
    "hidden": "<div hidden style='display:none'>x</div>",
    "headings": "<h1>The harbour plan {n}</h1>",
    "subheads": f"<h2>Harbour {{n}}</h2><p>{STORY}",
    "links": "<a href=/a{n}>News of the coast</a> ",
    "linked paragraphs": "<p><a href=/a{n}>News of the coast today and tomorrow</a>",
    "author links": "<a href=/author/ann-lee{n}!>Ann Lee</a>",
    "bylines": "<span class=author>Ann Lee {n} 1</span>",
    "authors": "<span itemprop=author><i>Ann Lee {n} 1 and so on and on, which is too long for a byline of anyone who writes anywhere</i></span>",
    "dates": "<time datetime=x>4 of March {n}</time>",
    "dates by class": "<p class=date>4 of March {n}</p>",
    "figures": "<figure><img src=a{n}.jpg alt=b><figcaption>A port {n}. Photo: Ann Lee</figcaption></figure>",
    "captions": "<figcaption>A port {n}. Photo: Ann Lee</figcaption>",
    "images": "<img src=a{n}.jpg alt='a port'>",
    "srcsets": "<img srcset='a{n}.jpg 1x, b{n}.jpg 2x'>",
    "rows": "<tr><td>x{n}<td>y",
    "tables": "<table><tr><td>x{n}</table>",
    "lists": "<ul><li>harbour {n}</li></ul>",
    "items": f"<li>{STORY}",
    "quotes": f"<blockquote>{STORY}</blockquote>",
    "breaks": "x<br><br>",
    "posts": f"<div class=live-post>{{n}} {STORY}</div>",
    "names of people": "<p>Ann Lee, Bo Day</p>",
    "promos": "<p>Subscribe to our newsletter now {n}</p>",
    "bullets": "<p>• Sign up for our newsletter {n}</p>",
    "credits": "<p>The port. Photo: Ann Lee / AFP via Getty Images</p>",
    "metas": "<meta name=a{n} content=b>",
    "authors in metas": "<meta name=author content='Ann Lee{n}, Bo Day'>",
    "dates in metas": "<meta name=date content='{n} of March'>",
    "tags in metas": "<meta property=article:tag content=port{n}>",
    "titles in metas": "<meta property=og:title content='The harbour plan - {n}'>",
    "canonical": "<link rel=canonical href=/a{n}>",
    "titles": "<title>The harbour plan {n}</title>",
    "linked data": '<script type=application/ld+json>{"@type":"NewsArticle","headline":"The harbour plan {n}"}</script>',
    "broken linked data": '<script type=application/ld+json>{"@type":"NewsArticle",,"headline":"{n}"</script>',
    "comments": "<!-- x{n} -->",
    "open comments": "<!--",
    "instructions": "<?x {n}?>",
    "sections": "<![CDATA[x]]>",
    "entities": "&amp;&#{n};&eacute",
    "unknown entities": "&harbour{n};&",
    "ends": "</p>",
    "wrong ends": "<p><b></p></b>",
    "quotes in tags": "<p a='\"' b=\"'\">",
    "attributes": "<p a{n}=x b=y c d>",
    "open tags": "<p <a ",
    "angle": "< ",
    "marks": "!?# ",
    "hyphens": "a-b - ",
    "letters": "x",
    "spaces": "\t \n",
    "invisible": "\u200b\u00ad",
    "hangul": "한국 ",
    "emoji": "\U0001f600",
    "combining": "e\u0301\u0302",
}

# what stands around one value that is repeated inside
_VALUES = {
    "title": "<title>%s</title>" + ARTICLE,
    "og:title": "<meta property=og:title content='%s'><h1>The harbour plan</h1>" + ARTICLE,
    "h1": "<meta property=og:title content='The harbour plan'><h1>%s</h1>" + ARTICLE,
    "h1 and og:title": "<meta property=og:title content='a %s'><h1>%s</h1>" + ARTICLE,
    "author": "<meta name=author content='%s'>" + ARTICLE,
    "keywords": "<meta name=keywords content='%s'>" + ARTICLE,
    "description": "<meta name=description content='%s'>" + ARTICLE,
    "site": "<meta property=og:site_name content='%s'>" + ARTICLE,
    "section": "<meta property=article:section content='%s'>" + ARTICLE,
    "image": "<meta property=og:image content='/%s'>" + ARTICLE,
    "href": "<a href='/author/%s'>x</a>" + ARTICLE,
    "class": "<p class='%s'>x</p>" + ARTICLE,
    "style": "<p style='%s'>x</p>" + ARTICLE,
    "srcset": "<img srcset='%s'>" + ARTICLE,
    "time": "<time datetime='%s'>x</time>" + ARTICLE,
    "byline": "<p class=author>%s</p>" + ARTICLE,
    "caption": ARTICLE + "<img src=a.jpg><figcaption>%s</figcaption><p>" + STORY,
    "paragraph": "<article><p>%s",
    "headline in linked data": '<script type=application/ld+json>{"@type":"NewsArticle","headline":"%s"}</script>'
    + ARTICLE,
    "author in linked data": '<script type=application/ld+json>{"@type":"NewsArticle","author":["%s"]}</script>'
    + ARTICLE,
    "body in linked data": '<script type=application/ld+json>{"@type":"NewsArticle","articleBody":"%s"}</script><p>x',
    "broken linked data": "<script type=application/ld+json>{%s</script>" + ARTICLE,
}
_INSIDE = (
    "x",
    "a ",
    "a - ",
    "a: ",
    " | ",
    "/",
    "-- ",
    ", ",
    ",",
    "Ann Lee and ",
    "1/2 ",
    "Photo: ",
    "&amp;amp;",
    "<",
    "(",
    "…",
    "한",
    "ﷺ",
    "related-",
    "aB",
    "//  ",
    "]]>",
    "a@",
    "by ",
)


def make_markup(piece: str, count: int) -> str:
    """Repeat a fragment."""
    if "{n}" in piece:
        return "".join(piece.replace("{n}", str(number)) for number in range(count))
    return piece * count


def list_fragments() -> Iterator[tuple[str, Callable[[int], str]]]:
    """Yield a name, and a function that makes a page of about as many bytes as it is given."""

    def repeat(piece: str, form: str = "%s") -> Callable[[int], str]:
        return lambda size: form.replace("%s", make_markup(piece, max(1, size // len(piece.encode()))))

    for tag in _TAGS:
        yield f"<{tag}>", repeat(f"<{tag}>", "%s" + ARTICLE)
        yield f"<{tag}>x", repeat(f"<{tag}>x", "%s" + ARTICLE)
        yield f"<{tag}>x</{tag}>", repeat(f"<{tag}>x</{tag}>", "%s" + ARTICLE)
        yield f"<{tag} class=a>{{n}}", repeat(f"<{tag} class=a{{n}} href=/b{{n}}>x {{n}}</{tag}>", "%s" + ARTICLE)
    for name, piece in _PIECES.items():
        yield name, repeat(piece)
        yield f"{name} before an article", repeat(piece, "<body><div>%s</div>" + ARTICLE)
        yield f"{name} in an article", repeat(piece, ARTICLE.replace("</article>", "%s</article>"))
        yield f"{name}, 200 deep", repeat(piece, "<div>" * 200 + "%s")
    for name, form in _VALUES.items():
        for inside in _INSIDE:
            yield f"{name} of {inside!r}", repeat(inside, form)
