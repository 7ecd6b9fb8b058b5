"""Read one response as libcurl hands it over: judge its head, inflate its body, stop where enough has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from transforms.errors import NewsbeamError, ProtocolFailed, TooLarge
from transforms.inflate import Inflater

# bodies of redirects and error pages up to this size are read, which leaves the connection ready for the next request
DRAINED_BYTES = 16_384
_WITHOUT_BODY = frozenset({204, 304})

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of a body to read: past `limit` decoded bytes, cut it if `cut`, else raise TooLarge."""

    limit: int
    cut: bool = False


# decides from status and headers how much of the body to read (None: nothing); may raise Rejected
Judge = Callable[[int, Headers], Wanted | None]


@dataclass(frozen=True, slots=True)
class Response:
    """A response: header names in lower case, `body` decoded from its content encoding, empty if it was not read."""

    status: int
    headers: Headers
    body: bytes = b""
    cookies: tuple[str, ...] = ()


class Answer:
    """A response while it arrives; `add_line` and `add_body` return whether to go on reading."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._lines: list[bytes] = []
        self._in_body = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._cookies: tuple[str, ...] = ()
        self._wanted: Wanted | None = None
        self._inflater: Inflater | None = None
        self._drained = 0
        # whether a body comes that is read only for the sake of the connection
        self.is_drained = False
        # what `judge` or the body raised
        self.error: NewsbeamError | None = None
        # enough has been read, though the response goes on
        self.is_cut = False

    @property
    def size(self) -> int:
        """The decoded bytes of the body so far."""
        return self._inflater.size if self._inflater is not None else 0

    @property
    def ends_connection(self) -> bool:
        """Whether the server said that it closes the connection."""
        return "close" in self._headers.get("connection", "").lower()

    def add_line(self, line: bytes) -> bool:
        """Add a line of the head; those of interim responses and trailers do not count."""
        if self._in_body:
            return True
        if line not in (b"\r\n", b"\n"):
            self._lines.append(line)
            return True
        lines, self._lines = self._lines, []
        self._status = int(lines[0].split()[1])
        if self._status < 200:
            return True
        self._in_body = True
        try:
            return self._end_head(lines)
        except NewsbeamError as error:
            self.error = error
            return False

    def add_body(self, chunk: bytes) -> bool:
        """Add a chunk of the body."""
        if self._inflater is None:
            self._drained += len(chunk)
            self.is_cut = self._drained > DRAINED_BYTES
            return not self.is_cut
        try:
            self._inflater.feed(chunk)
        except TooLarge as error:
            self.is_cut = self._wanted is not None and self._wanted.cut
            self.error = None if self.is_cut else error
            return False
        except NewsbeamError as error:
            self.error = error
            return False
        return True

    def finish(self) -> Response:
        """Return the whole response; raises what is wrong with it."""
        if self.error is not None:
            raise self.error
        if not self._in_body:
            raise ProtocolFailed("the response ends in the middle of its head")
        body = b""
        if self._inflater is not None:
            body = self._inflater.take() if self.is_cut else self._inflater.finish()
        return Response(self._status, self._headers, body, self._cookies)

    def _end_head(self, lines: Sequence[bytes]) -> bool:
        rows = list(_split_lines(lines[1:]))
        self._headers = join_headers(rows)
        self._cookies = tuple(value for name, value in rows if name == "set-cookie")
        length = self._headers.get("content-length", "")
        if len(set(map(str.strip, length.split(",")))) > 1:
            # RFC 9112, 6.3: where the body ends is anybody's guess
            raise ProtocolFailed(f"content-length {length[:80]!r}")
        self._wanted = self._judge(self._status, self._headers)
        known = int(length) if length.isdecimal() and len(length) < 19 else None
        if self._wanted is None:
            if known == 0 or self._status in _WITHOUT_BODY:
                return True
            self.is_drained = True
            is_chunked = "chunked" in self._headers.get("transfer-encoding", "").lower()
            ends = known is not None or is_chunked or not lines[0].startswith(b"HTTP/1")
            self.is_cut = not ends or (known or 0) > DRAINED_BYTES
            return not self.is_cut
        if not self._wanted.cut and known is not None and known > self._wanted.limit:
            raise TooLarge(f"content-length {length} is more than {self._wanted.limit} bytes")
        self._inflater = Inflater(self._headers.get("content-encoding", ""), self._wanted.limit)
        return True


def _split_lines(lines: Iterable[bytes]) -> Iterable[tuple[str, str]]:
    """Yield names in lower case and values; a line that starts with space continues the one before (RFC 9112, 5.2)."""
    name, value = "", b""
    for line in lines:
        if line[:1] in b" \t" and name:
            value += b" " + line.strip()
            continue
        if name:
            yield name, _decode(value)
        raw_name, _, raw_value = line.partition(b":")
        name, value = raw_name.decode("latin-1").strip().lower(), raw_value.strip()
    if name:
        yield name, _decode(value)


def _decode(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def join_headers(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by name; repeated ones are joined by a comma (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in rows:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
