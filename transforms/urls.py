"""Give every URL a key that is the same for different spellings of the same address.

The key is not the address to fetch, which is the spelling first seen. Keys are conservative: if two articles shared a
key, one would be lost, while one article under two keys is only fetched twice, and its content hash shows that. So URLs
keep different keys if they differ in the following, since some sites respond differently: http or https, `www.`, a
trailing slash, letter case in a path or a value, the order of parameters.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote

from ada_url import URL

from transforms.errors import InvalidUrl, NewsbeamError, UnsupportedScheme
from transforms.records import ArticleLink, FeedEntry

# Names on which the trackers' own documentation and the privacy filters agree: Firefox query-stripping, Brave
# query_filter, AdGuard TrackParamFilter, miniflux internal/reader/urlcleaner. Names are compared in lower case.
TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "piwik_", "matomo_", "itm_", "hmb_", "hsa_")
# fmt: off
TRACKING_PARAMETERS = frozenset({
    # Google
    "gclid", "dclid", "gbraid", "wbraid", "gclsrc", "srsltid", "_ga", "_gl",
    # Analytics
    "campaign_id", "campaign_medium", "campaign_name", "campaign_source", "campaign_term", "campaign_content",
    # Facebook, Instagram
    "fbclid", "fb_action_ids", "fb_action_types", "fb_ref", "fb_source", "fb_comment_id", "igshid", "igsh",
    # Twitter, TikTok, LinkedIn, Reddit, Pinterest
    "twclid", "ttclid", "li_fat_id", "rdt_cid", "epik",
    # Microsoft, Yandex, Openstat
    "msclkid", "yclid", "ysclid", "_openstat",
    # Mailchimp, Beehiiv, Drip, Klaviyo, Marketo, Adobe
    "mc_cid", "mc_eid", "mc_tc", "_bhlid", "__s", "_kx", "mkt_tok", "sc_cid", "s_cid",
    # HubSpot
    "_hsenc", "__hssc", "__hstc", "__hsfp", "_hsmi", "hsctatracking",
    # Vero, Olytics
    "vero_id", "vero_conv", "rb_clickid", "oly_anon_id", "oly_enc_id",
    # Wicked Reports, Branch, Readwise, Impact
    "wickedid", "_branch_match_id", "_branch_referrer", "__readwiselocation", "irclickid",
})
# fmt: on

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
DEFAULT_PORTS = {"http": 80, "https": 443}
# Registries that give out names under a second label, such as co.uk and com.br, use one of these;
# https://publicsuffix.org/list/ has them all.
_SECOND_LABELS = frozenset(
    [
        "ac",
        "asso",
        "co",
        "com",
        "edu",
        "go",
        "gob",
        "gouv",
        "gov",
        "in",
        "ltd",
        "me",
        "mil",
        "ne",
        "net",
        "nom",
        "or",
        "org",
        "plc",
    ]
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_STORED = re.compile("[\x00\ud800-\udfff]")
# what DNS allows, in bytes (RFC 1035, 2.3.4); the ASCII form of a name is no shorter than the name
_LONGEST_HOST = 253
_LONGEST_LABEL = 63
_AUTHORITY = re.compile(r"[/\\]*([^/\\?#]*)")
_DOT = re.compile("[.\u3002\uff0e\uff61]")
# browsers accept these characters but no real host has them: such a host is an unfilled template
_TEMPLATE = re.compile(r"[\"`{}]")
_USERINFO_SAFE = "%!$&'()*+,-.:;=[]^_|~"
_STRIPPED = "".join(map(chr, range(0x21)))
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https address in parts, read as a browser reads it (https://url.spec.whatwg.org).

    `host` is ASCII in lower case, an IPv6 address in brackets. `path` starts with a slash and holds no dot
    segments; it, `query` (without its question mark) and `userinfo` are escaped, with upper-case hexadecimal digits.
    """

    scheme: str
    userinfo: str
    host: str
    port: int
    path: str
    query: str


def parse_address(url: str) -> WebAddress:
    """Parse a web address; its fragment is dropped.

    Raises UnsupportedScheme for anything but http and https, InvalidUrl for what no browser accepts.
    """
    text = _clean_text(url)
    found = _SCHEME.match(text)
    if found is None:
        raise InvalidUrl(f"no scheme in {url[:200]!r}")
    scheme = found[1].lower()
    if scheme not in DEFAULT_PORTS:
        raise UnsupportedScheme(f"scheme {scheme} is not http or https: {url[:200]!r}")
    # before the parser, which takes seconds to convert a long name to ASCII
    authority = _AUTHORITY.match(text, found.end())
    if authority is not None and len(authority[1]) > _LONGEST_LABEL and not _is_short(_host_in(authority[1])):
        raise InvalidUrl(f"host longer than DNS allows in {url[:200]!r}")
    try:
        # a lone surrogate is not a character and cannot be encoded; keys have a question mark for it
        parts = URL(_SURROGATE.sub("%3F", text))
    except ValueError as exc:
        raise InvalidUrl(f"not a web address: {url[:200]!r}") from exc
    host = parts.hostname
    if not host.strip(".") or not _is_short(host) or _TEMPLATE.search(host):
        raise InvalidUrl(f"invalid host {host[:80]!r} in {url[:200]!r}")
    userinfo = ""
    if parts.username or parts.password:
        userinfo = _read_userinfo(text[found.end() :])
        userinfo = userinfo if parts.password else userinfo.removesuffix(":")
    path = _raise_escapes(parts.pathname)
    if "^" in text and "%5e" not in text.lower():
        # the standard added this escape after the first keys were stored
        path = path.replace("%5E", "^")
    query = _raise_escapes(parts.search.removeprefix("?"))
    port = int(parts.port) if parts.port else DEFAULT_PORTS[scheme]
    return WebAddress(scheme, userinfo, host, port, path, query)


def canonical_url(url: str) -> str:
    """Return the key of a web address.

    That is the address as a browser reads it, without fragment, default port and known tracking parameters, with
    escapes in upper case (RFC 3986, 6.2.2.1). Path, values and the order of the parameters are kept. The key of a key
    is the key itself.

    Raises UnsupportedScheme for anything but http and https, InvalidUrl for what no browser accepts.
    """
    parts = parse_address(url)
    userinfo = f"{parts.userinfo}@" if parts.userinfo else ""
    port = f":{parts.port}" if parts.port != DEFAULT_PORTS[parts.scheme] else ""
    query = _strip_tracking(parts.query, parts.host)
    return f"{parts.scheme}://{userinfo}{parts.host}{port}{parts.path}{'?' + query if query else ''}"


def url_key(url: str) -> str:
    """Return the key under which the ledger records any address from a feed; never raises.

    It is the canonical URL if there is one, else the address without surrounding space, with U+FFFD for characters that
    a database cannot store.
    """
    try:
        return canonical_url(url)
    except NewsbeamError:
        return _NOT_STORED.sub("\ufffd", _clean_text(url))


def article_id(canonical: str) -> str:
    """Return the id of an article: the first 32 hexadecimal digits of the SHA-256 of its key."""
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def host_of(url: str) -> str:
    """Return the host name of an address in lower case and ASCII, without port; "" if it has none; never raises.

    An IPv6 address comes without its brackets.
    """
    return _host_of_key(url_key(url))


def is_same_site(host: str, other: str) -> bool:
    """Say whether two hosts belong to one site: they are equal, or share a domain that one can register."""
    return host == other or (bool(domain_of(host)) and domain_of(host) == domain_of(other))


def domain_of(host: str) -> str:
    """Return the part of a host name that was registered, as far as its form shows it; "" for an IP address."""
    labels = host.rstrip(".").split(".")
    if ":" in host or labels[-1].isdigit():
        return ""
    has_second = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LABELS
    return ".".join(labels[-3 if has_second else -2 :])


def link_of(entry: FeedEntry, feed_url: str, now: datetime) -> ArticleLink:
    """Return the link to the article of an entry that was found at `now` in the feed at `feed_url`."""
    key = url_key(entry.url)
    return ArticleLink(
        url=entry.url,
        canonical_url=key,
        article_id=article_id(key),
        host=_host_of_key(key),
        feed_url=feed_url,
        discovered_at=now,
        title=entry.title,
        published_at=entry.published_at,
        authors=entry.authors,
        language=entry.language,
    )


def is_tracking(name: str) -> bool:
    """Say whether a query parameter only tracks where a visitor came from."""
    name = name.lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)


def _host_of_key(key: str) -> str:
    _, _, rest = key.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower()


def _clean_text(url: str) -> str:
    return re.sub(r"[\t\n\r]", "", url.strip(_STRIPPED))


def _host_in(authority: str) -> str:
    host = authority.rpartition("@")[2]
    return host if host.startswith("[") else unquote(host.partition(":")[0])


def _is_short(host: str) -> bool:
    if len(host) <= _LONGEST_LABEL:
        return True
    return len(host.rstrip(".")) <= _LONGEST_HOST and all(len(label) <= _LONGEST_LABEL for label in _DOT.split(host))


def _read_userinfo(rest: str) -> str:
    # the standard escapes more characters here than the keys of older versions do
    authority = re.split(r"[/?#]", rest.replace("\\", "/").lstrip("/"), maxsplit=1)[0]
    userinfo = authority.rpartition("@")[0].replace("@", "%40")
    return _raise_escapes(quote(userinfo, safe=_USERINFO_SAFE, errors="replace"))


def _raise_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda found: found[0].upper(), text)


def _strip_tracking(query: str, host: str) -> str:
    kept = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if not pair or is_tracking(unquote(name)):
            continue
        if unquote(name).lower() == "ref" and _names_host(unquote(value), host):
            continue
        kept.append(pair)
    return "&".join(kept)


def _names_host(value: str, host: str) -> bool:
    value = value.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    return value.removeprefix("www.") == host.removeprefix("www.")
