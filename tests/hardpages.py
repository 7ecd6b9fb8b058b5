"""Pages that are made to take long, each a way that a stranger found or could find; up to 10 MB, the fetcher's limit."""

# ruff: noqa: E501  lines of markup are data

from __future__ import annotations

from collections.abc import Callable

STORY = "The council met on Tuesday evening to vote on the new harbour plan, which has been debated for two years. "
_PARAGRAPHS = "".join(f"<p>{n} {STORY * 3}</p>" for n in range(8))
ARTICLE = f"<html><head><title>The harbour plan</title></head><body><article>{_PARAGRAPHS}</article>"


def _linked(json: str) -> str:
    return f'<script type="application/ld+json">{json}</script>'


def _nested(name: str, depth: int, before: str = '{"name":', after: str = "}") -> str:
    return _linked('{"@type":"NewsArticle","%s":' % name + before * depth + '"x"' + after * depth + "}")


def _one_tag(count: int, form: str = "a%d=x") -> str:
    return "<p " + " ".join(form % n for n in range(count)) + ">"


PAGES: dict[str, Callable[[], str]] = {
    "one tag of 500,000 attributes": lambda: _one_tag(500_000) + ARTICLE,
    "one tag of 35,000 attributes": lambda: _one_tag(35_000) + ARTICLE,
    "one tag of attributes that hold >": lambda: _one_tag(100_000, "a%d='>'") + ARTICLE,
    "one tag of attributes that hold <": lambda: _one_tag(100_000, 'a%d="<p>"') + ARTICLE,
    "one tag of attributes of one letter": lambda: "<p " + " ".join(map(chr, range(0x4E00, 0x9FFF))) + ">" + ARTICLE,
    "many tags of 900 attributes": lambda: _one_tag(900) * 900 + ARTICLE,
    "120,000 data attributes": lambda: "<div " + " ".join(f'data-a{n}-type="x"' for n in range(120_000)) + ">" + ARTICLE,
    "120,000 data attributes on many tags": lambda: "".join(f"<div {' '.join(f'data-a{n}-type=x{m}' for n in range(12))}>x</div>" for m in range(10_000)) + ARTICLE,
    "600,000 double breaks": lambda: "x<br><br>" * 600_000,
    "double breaks": lambda: "x<br><br>" * 19_000,
    "350,000 sup": lambda: "<sup>" * 350_000 + ARTICLE,
    "350,000 sup, closed": lambda: "<sup>x</sup>" * 350_000 + ARTICLE,
    "20,000 sup": lambda: "<sup>" * 20_000 + ARTICLE,
    "100,000 table rows": lambda: "<table>" + "<tr><td>x</td></tr>" * 100_000 + "</table>",
    "20,000 table rows": lambda: "<table>" + "<tr><td>x</td></tr>" * 20_000 + "</table>",
    "20,000 table rows beside an article": lambda: "<table>" + "<tr><td>x</td></tr>" * 20_000 + "</table>" + ARTICLE,
    "og:title of 400,000 separators": lambda: f"<meta property=og:title content='{'a - b ' * 400_000}'><h1>{'b - a ' * 400_000}</h1>" + ARTICLE,
    "og:title of colons": lambda: f"<meta property=og:title content='{'a: ' * 400_000} x'><h1>{'a: ' * 300_000} y</h1>" + ARTICLE,
    "titles of 5 MB": lambda: f"<title>{'harbour ' * 300_000}</title><meta property=og:title content='{'harbour ' * 300_000}'><h1>{'harbour ' * 300_000}</h1>" + ARTICLE,
    "a title of one word of 5 MB": lambda: f"<title>{'x' * 5_000_000}</title>" + ARTICLE,
    "a title of spaces and bars": lambda: f"<title>{'a |' + ' ' * 2_000_000}x</title>" + ARTICLE,
    "many h1": lambda: "<h1>The harbour plan</h1>" * 120_000 + ARTICLE,
    "nested h1": lambda: "<h1>The harbour plan <b>" * 2_000 + ARTICLE,
    "h1 in h1": lambda: "<h1><div>" * 20_000 + ARTICLE,
    "20,000 h1": lambda: "<h1>The harbour plan</h1>" * 20_000 + ARTICLE,
    "20,000 h1, all different": lambda: "".join(f"<h1>The harbour plan {n}</h1>" for n in range(20_000)) + ARTICLE,
    "400,000 nested a": lambda: "<a href=x>" * 400_000 + ARTICLE,
    "20,000 nested a": lambda: "<a href=x>" * 20_000 + ARTICLE,
    "250,000 empty divs": lambda: "<div></div>" * 250_000 + ARTICLE,
    "20,000 empty divs": lambda: "<div></div>" * 20_000 + ARTICLE,
    "50,000 figures": lambda: "<figure><img src=a.jpg><figcaption>A port</figcaption></figure>" * 50_000 + ARTICLE,
    "10,000 figures": lambda: "<figure><img src=a.jpg><figcaption>A port</figcaption></figure>" * 10_000 + ARTICLE,
    "10,000 figures in the article": lambda: ARTICLE.replace("</p>", "</p>" + "".join(f"<figure><img src=a{n}.jpg><figcaption>A port {n}</figcaption></figure>" for n in range(1_200))),
    "captions of one picture": lambda: ARTICLE + "<img src=a.jpg>" + "".join(f"<figcaption>A port of the coast {n} {STORY}</figcaption>" for n in range(4_000)) + f"<p>{STORY * 3}</p>",
    "15,000 author metas": lambda: "".join(f"<meta name=author content='Ann Lee{n}'>" for n in range(15_000)) + ARTICLE,
    "15,000 long author metas": lambda: f"<meta name=author content='{'Ann and Bo, ' * 20} {STORY}'>" * 15_000 + ARTICLE,
    "60,000 date spans": lambda: "<span class=date>4 of March</span>" * 60_000 + ARTICLE,
    "20,000 date spans": lambda: "<span class=date>4 of March 2 Mai</span>" * 20_000 + ARTICLE,
    "nested spans of dates": lambda: "<span class=date>4 of March" * 20_000 + ARTICLE,
    "nested bylines": lambda: "<span class=author>4 of March" * 20_000 + ARTICLE,
    "20,000 times": lambda: "<time datetime=x>4 of March</time>" * 20_000 + ARTICLE,
    "headline nested 900 deep": lambda: _nested("headline", 900) + ARTICLE,
    "author nested 700 deep": lambda: _nested("author", 700) + ARTICLE,
    "author lists nested 900 deep": lambda: _nested("author", 900, "[", "]") + ARTICLE,
    "publisher nested 900 deep": lambda: _nested("publisher", 900) + ARTICLE,
    "image nested 900 deep": lambda: _nested("image", 900, '{"url":') + ARTICLE,
    "headline nested 100,000 deep": lambda: _nested("headline", 100_000) + ARTICLE,
    "linked data of 9 MB": lambda: _linked('{"@type":"NewsArticle","headline":"' + "x " * 4_500_000 + '"}') + ARTICLE,
    "linked data of 1.4 MB, broken": lambda: _linked('{"@type":"NewsArticle","headline":"' + '\\", ' * 350_000 + "}") + ARTICLE,
    "many scripts of linked data": lambda: _linked("[" + "{}," * 400_000 + "{}]") * 6 + ARTICLE,
    "linked data of closing braces": lambda: _linked("{" + ",\t\t" * 300_000 + "}") * 4 + ARTICLE,
    "linked data of spaces": lambda: _linked("//" + " " * 1_400_000 + "x") * 6 + ARTICLE,
    "many articles in linked data": lambda: _linked("[" + ",".join('{"@type":"NewsArticle","headline":"The harbour plan &amp; %d"}' % n for n in range(15_000)) + "]") + ARTICLE,
    "long headlines in linked data": lambda: _linked("[" + ",".join('{"@type":"NewsArticle","headline":"%s"}' % ("&amp;" * 2_000) for n in range(140)) + "]") * 6 + ARTICLE,
    "article body of brackets": lambda: _linked('{"@type":"NewsArticle","articleBody":"' + "<" * 1_400_000 + '"}') + ARTICLE,
    "srcset without an address": lambda: "<img srcset='a.jpg 1x, '>" + ARTICLE,
    "srcset of commas": lambda: f"<img srcset='{',' * 9_000_000}'>" + ARTICLE,
    "20,000 nested divs": lambda: "<div>" * 20_000 + ARTICLE,
    "20,000 nested bold": lambda: "<b>" * 20_000 + ARTICLE,
    "nested blockquotes": lambda: f"<blockquote><p>{STORY}" * 4_000,
    "nested lists": lambda: f"<ul><li>{STORY}" * 4_000,
    "5 MB of text": lambda: f"<article>{f'<p>{STORY}</p>' * 45_000}</article>",
    "5 MB of text in one paragraph": lambda: f"<article><p>{STORY * 45_000}</p></article>",
    "5 MB of text, and breaks": lambda: f"<article><p>{f'{STORY}<br>' * 45_000}</p></article>",
    "one word of 5 MB": lambda: f"<article><p>{'x' * 5_000_000}</p></article>",
    "9 MB of hangul": lambda: f"<article><p>{'한' * 3_000_000}</p></article>",
    "9 MB of combining marks": lambda: f"<article><p>{'ﷺ̈' * 1_800_000}</p></article>",
    "5,000 different paragraphs": lambda: "<article>" + "".join(f"<p>{n} {STORY}</p>" for n in range(5_000)),
    "paragraphs that begin alike": lambda: "<article>" + "".join(f"<p>{'ab' * 200}{n} {STORY}</p>" for n in range(1_900)),
    "comments": lambda: "<!--x-->" * 1_000_000 + ARTICLE,
    "open comments": lambda: "<!--" * 2_000_000 + ARTICLE,
    "entities": lambda: "&amp;" * 1_900_000 + ARTICLE,
    "unknown entities": lambda: "&ampx" * 1_900_000 + ARTICLE,
    "angle brackets": lambda: "<" * 9_000_000,
    "open tags": lambda: "<a" * 4_500_000,
    "open tags and quotes": lambda: "<a b=\"<a b='" * 800_000,
    "closing tags": lambda: "</p>" * 2_400_000,
    "scripts": lambda: "<script>x</script>" * 500_000 + ARTICLE,
    "canonical links": lambda: "<link rel=canonical href=x>" * 300_000 + ARTICLE,
    "metas": lambda: "<meta name=a content=b>" * 400_000 + ARTICLE,
    "options": lambda: "<option>x" * 1_000_000 + ARTICLE,
    "spaces": lambda: " " * 9_900_000 + ARTICLE,
    "one class of 9 MB": lambda: f"<p class='{'related-article-body ' * 450_000}'>" + ARTICLE,
    "20,000 different classes": lambda: "".join(f"<p class='related{n}x story{n}'>x</p>" for n in range(20_000)) + ARTICLE,
    "20,000 long classes": lambda: "".join(f"<p class='{n}{'aB' * 200}'>x</p>" for n in range(20_000)) + ARTICLE,
    "tables in tables": lambda: "<table><tr><td>" * 8_000 + ARTICLE,
    "forms of inputs": lambda: "<form><input>" * 20_000 + ARTICLE,
    "description of 9 MB": lambda: f"<meta name=description content='{'harbour ' * 1_200_000}'>" + ARTICLE,
    "keywords of 9 MB": lambda: f"<meta name=keywords content='{'port,' * 1_800_000}'>" + ARTICLE,
    "site name of 9 MB": lambda: f"<meta property=og:site_name content='{'port ' * 1_800_000}'>" + ARTICLE,
    "author of 9 MB": lambda: f"<meta name=author content='{'Ann Lee, ' * 1_000_000}'>" + ARTICLE,
    "consent wall of 9 MB": lambda: f"<p>{'cookie consent ' * 600_000}</p>",
    "capitals": lambda: "".join(f"<p>{'Ab-Cd ' * 2_000}</p>" for _ in range(500)),
    "credits": lambda: ARTICLE + f"<figcaption>{'Photo: ' * 50_000}.</figcaption>",
    "credits of spaces": lambda: ARTICLE + "".join(f"<figcaption>Photo {'– ' * 400}x.</figcaption>" for _ in range(3_000)),
}  # fmt: skip
