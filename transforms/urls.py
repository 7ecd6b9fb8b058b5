"""The identity of a URL: the key that says whether two spellings name one article.

The key is kept apart from the address to fetch: what gets fetched is the spelling first seen, so the key may be
stricter than any server. It is still built conservatively. These are kept apart, because some sites answer
differently: http and https, with and without `www.`, with and without a trailing slash, every letter case in a path or
a value, every order of parameters. Two articles under one key would lose one of them; one article under two keys is
fetched twice, and the content hash shows it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from datetime import datetime
from urllib.parse import quote, unquote, unquote_to_bytes

import idna

from transforms.errors import InvalidUrl, NewsbeamError, UnsupportedScheme
from transforms.records import ArticleLink, FeedEntry

# The lists that the trackers' own documents and the privacy filters agree on: Firefox query-stripping, Brave
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
_DEFAULT_PORTS = {"http": "80", "https": "443"}
# https://url.spec.whatwg.org/#forbidden-domain-code-point, without the separators that cannot get this far
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}]")
_NOT_STORED = re.compile("[\x00\ud800-\udfff]")
# three escaped bytes a character, four times the 253 characters that DNS allows
_LONGEST_HOST = 3000
_STRIPPED = "".join(map(chr, range(0x21)))
_PATH_SAFE = "%!$&'()*+,-./:;=@[\\]^_|~"
_QUERY_SAFE = "%!$&()*+,-./:;=?@[\\]^_`{|}~"
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")


def canonical_url(url: str) -> str:
    """Return the key of a web address.

    Reads it as a browser does (https://url.spec.whatwg.org), then drops the fragment, the default port and known
    tracking parameters, lower-cases scheme and host, and writes the host in ASCII (UTS 46) and escapes in upper case
    (RFC 3986, 6.2.2.1). Path, values and the order of the parameters are kept. The key of a key is itself.

    Raises UnsupportedScheme for anything but http and https, InvalidUrl for what no browser would take.
    """
    text = _clean_text(url)
    found = _SCHEME.match(text)
    if found is None:
        raise InvalidUrl(f"no scheme: {url[:200]!r}")
    scheme = found[1].lower()
    if scheme not in _DEFAULT_PORTS:
        raise UnsupportedScheme(f"scheme {scheme}: {url[:200]!r}")
    text = text[found.end() :].partition("#")[0]
    rest, _, query = text.partition("?")
    authority, _, path = rest.replace("\\", "/").lstrip("/").partition("/")
    userinfo, _, host_port = authority.rpartition("@")
    host, port = _split_port(host_port, url)
    host = _ascii_host(host, url)
    netloc = host if port in ("", _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    userinfo = userinfo.removesuffix(":")
    if userinfo:
        netloc = f"{_escape(userinfo.replace('@', '%40'), _PATH_SAFE)}@{netloc}"
    query = _strip_tracking(_escape(query, _QUERY_SAFE), host)
    return f"{scheme}://{netloc}{_escape(_remove_dots('/' + path), _PATH_SAFE)}{'?' + query if query else ''}"


def url_key(url: str) -> str:
    """Return the key under which the ledger records any address that a feed names; never raises.

    It is the canonical URL where there is one, else the address itself without surrounding space and with U+FFFD for
    characters that a database cannot store.
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
    key = url_key(url)
    _, _, rest = key.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower()


def link_of(entry: FeedEntry, feed_url: str, now: datetime) -> ArticleLink:
    """Make the link that flows through the graph from an entry that the feed at `feed_url` named at `now`."""
    key = url_key(entry.url)
    return ArticleLink(
        url=entry.url,
        canonical_url=key,
        article_id=article_id(key),
        host=host_of(key),
        feed_url=feed_url,
        discovered_at=now,
        title=entry.title,
        published_at=entry.published_at,
        authors=entry.authors,
        language=entry.language,
    )


def is_tracking(name: str) -> bool:
    """Say whether a query parameter only tells where a visitor came from."""
    name = name.lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)


def _clean_text(url: str) -> str:
    return re.sub(r"[\t\n\r]", "", url.strip(_STRIPPED))


def _split_port(host_port: str, url: str) -> tuple[str, str]:
    host, colon, port = host_port.rpartition(":")
    if not colon or port.endswith("]"):
        return host_port, ""
    if not port:
        return host, ""
    digits = port.lstrip("0") or "0"
    if not re.fullmatch(r"[0-9]{1,5}", digits) or int(digits) > 65535:
        raise InvalidUrl(f"port {port[:20]!r}: {url[:200]!r}")
    return host, digits


def _ascii_host(host: str, url: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError as exc:
            raise InvalidUrl(f"address {host[:80]!r}: {url[:200]!r}") from exc
    if len(host) > _LONGEST_HOST:
        # punycode takes quadratic time
        raise InvalidUrl(f"host {host[:80]!r} has {len(host)} characters")
    if "%" in host:
        host = unquote_to_bytes(host.encode("utf-8", "replace")).decode("utf-8", "replace")
    if host.isascii():
        host = host.lower()
    else:
        # not idna.encode: it holds to IDNA 2008 registration rules, which live sites break and browsers do not ask for
        try:
            mapped = idna.uts46_remap(host, std3_rules=False)
            host = ".".join(
                label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in mapped.split(".")
            )
        except (idna.IDNAError, UnicodeError) as exc:
            raise InvalidUrl(f"host {host[:80]!r}: {url[:200]!r}") from exc
    if not host.strip(".") or _FORBIDDEN_IN_HOST.search(host):
        raise InvalidUrl(f"host {host[:80]!r}: {url[:200]!r}")
    return host


def _escape(text: str, safe: str) -> str:
    escaped = quote(text, safe=safe, encoding="utf-8", errors="replace")
    return _ESCAPE.sub(lambda found: found[0].upper(), escaped)


def _remove_dots(path: str) -> str:
    # https://url.spec.whatwg.org/#path-state: an escaped dot is a dot
    if "/." not in path and "/%2e" not in path.lower():
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        plain = segment.lower().replace("%2e", ".")
        last = place == len(segments) - 1
        if plain == "..":
            if kept:
                kept.pop()
            if last:
                kept.append("")
        elif plain == ".":
            if last:
                kept.append("")
        else:
            kept.append(segment)
    return "/" + "/".join(kept)


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
