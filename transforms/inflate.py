"""Decode HTTP content encodings and .gz files, up to a size limit."""

from __future__ import annotations

import zlib

from transforms.errors import ContentTypeRejected, ProtocolFailed, TooLarge

ACCEPT_ENCODING = "gzip, deflate"
_GZIP_MAGIC = b"\x1f\x8b"
_ENCODINGS = {"": "", "identity": "", "none": "", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
# the largest body in block-wise gzip has a few hundred members; more members, or empty ones, only cost time
_MAX_MEMBERS = 1_000
# how much longer a compressed body may be than what it holds: headers and padding; more is waste
_SLACK_BYTES = 65_536


class Inflater:
    """Decodes a body chunk by chunk without holding much more than `limit` bytes, whatever its inflated size.

    A body labelled gzip that is not gzip is kept unchanged: some servers label bodies that they do not compress.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        """Raise ContentTypeRejected for an encoding that is not in ACCEPT_ENCODING."""
        name = encoding.strip().lower()
        if name not in _ENCODINGS:
            raise ContentTypeRejected(f"content encoding {encoding[:80]!r}")
        self._encoding = _ENCODINGS[name]
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._received = 0
        self._members = 0
        self._held = b""
        self._inflate: zlib._Decompress | None = None

    @property
    def size(self) -> int:
        """The decoded bytes so far."""
        return self._size

    def feed(self, chunk: bytes) -> None:
        """Add a chunk as it was received.

        Raises TooLarge when the body exceeds the limit, decoded or as received (`take` still returns its first part),
        ProtocolFailed when it is damaged.
        """
        if not self._encoding:
            self._add(chunk)
            return
        self._decode(chunk)
        self._received += len(chunk)
        if self._received > self._limit + _SLACK_BYTES:
            raise TooLarge(f"{self._received} bytes of {self._encoding or 'text'} for {self._size} bytes of body")

    def finish(self) -> bytes:
        """Return the whole body; raises ProtocolFailed if it is truncated."""
        if self._inflate is not None:
            raise ProtocolFailed(f"{self._encoding} is truncated after {self._size} bytes")
        if self._held and not self._members:
            self._add(self._held)
        return b"".join(self._parts)

    def take(self) -> bytes:
        """Return the body so far, at most `limit` bytes."""
        return b"".join(self._parts)[: self._limit]

    def _decode(self, chunk: bytes) -> None:
        data = self._held + chunk
        self._held = b""
        while data:
            if self._inflate is None:
                if len(data) < 2:
                    self._held = data
                    return
                if not self._start_member(data):
                    return
                if not self._encoding:
                    self._add(data)
                    return
            assert self._inflate is not None
            try:
                out = self._inflate.decompress(data, self._limit + 1 - self._size)
            except zlib.error as exc:
                raise ProtocolFailed(f"damaged {self._encoding}: {exc}") from exc
            self._add(out)
            if self._inflate.eof:
                data, self._inflate = self._inflate.unused_data, None
            else:
                data = self._inflate.unconsumed_tail

    def _start_member(self, data: bytes) -> bool:
        """Prepare for the next compressed member; return False if only padding follows the last one."""
        if self._encoding == "gzip":
            if data.startswith(_GZIP_MAGIC):
                self._inflate = zlib.decompressobj(wbits=31)
            elif self._members:
                return False
            else:
                self._encoding = ""
                return True
        elif self._members:
            return False
        else:
            # RFC 9110, 8.4.1.2 asks for the zlib format; some servers send a bare deflate stream
            has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._inflate = zlib.decompressobj(wbits=15 if has_header else -15)
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise TooLarge(f"more than {_MAX_MEMBERS} gzip members")
        return True

    def _add(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes")
