import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.errors import ContentTypeRejected, ProtocolFailed, TooLarge
from transforms.inflate import Inflater


def inflate(encoding: str, data: bytes, limit: int = 1_000_000, step: int = 0) -> bytes:
    inflater = Inflater(encoding, limit)
    for start in range(0, len(data), step or len(data) or 1):
        inflater.feed(data[start : start + (step or len(data))])
    return inflater.finish()


def deflate_raw(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(data) + squeezer.flush()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=5_000), st.integers(1, 700))
def test_a_body_is_decoded_whatever_its_encoding_and_chunks(body: bytes, step: int) -> None:
    assert inflate("gzip", gzip.compress(body), step=step) == body
    assert inflate("X-GZIP", gzip.compress(body), step=step) == body
    assert inflate("deflate", zlib.compress(body), step=step) == body
    assert inflate("", body, step=step) == body
    assert inflate("identity", body, step=step) == body


def test_a_bare_deflate_stream_is_read() -> None:
    assert inflate("deflate", deflate_raw(b"harbour " * 100), step=7) == b"harbour " * 100


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 100))
def test_gzip_members_follow_each_other(parts: list[bytes], step: int) -> None:
    assert inflate("gzip", b"".join(map(gzip.compress, parts)), step=step) == b"".join(parts)


def test_padding_after_gzip_is_not_part_of_the_body() -> None:
    assert inflate("gzip", gzip.compress(b"news") + b"\0" * 40, step=3) == b"news"


def test_a_body_that_is_wrongly_labelled_gzip_is_kept_unchanged() -> None:
    assert inflate("gzip", b"<html>", step=1) == b"<html>"
    assert inflate("gzip", b"<") == b"<"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip;q=1"])
def test_an_encoding_that_was_not_asked_for_is_rejected(encoding: str) -> None:
    with pytest.raises(ContentTypeRejected):
        Inflater(encoding, 10)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_damaged_body_is_a_protocol_error(encoding: str) -> None:
    data = gzip.compress(b"news" * 99) if encoding == "gzip" else zlib.compress(b"news" * 99)
    with pytest.raises(ProtocolFailed):
        inflate(encoding, data[:-6])
    with pytest.raises(ProtocolFailed):
        inflate(encoding, data[:12] + b"\xff\xff\xff\xff" + data[16:])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 400), st.integers(0, 400))
def test_the_limit_is_exact(size: int, limit: int) -> None:
    for encoding, data in (("", b"x" * size), ("gzip", gzip.compress(b"x" * size))):
        inflater = Inflater(encoding, limit)
        if size <= limit:
            inflater.feed(data)
            assert inflater.finish() == b"x" * size
        else:
            with pytest.raises(TooLarge):
                inflater.feed(data)
            assert inflater.take() == b"x" * limit


def test_a_bomb_is_never_inflated_beyond_the_limit() -> None:
    bomb = gzip.compress(b"0" * 100_000_000, 1)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate("gzip", bomb, limit=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_thousands_of_empty_members_are_too_many() -> None:
    with pytest.raises(TooLarge):
        inflate("gzip", gzip.compress(b"") * 5_000)


def empty_blocks(size: int) -> bytes:
    """Return stored deflate blocks without a byte in them."""
    return b"\x00\x00\x00\xff\xff" * (size // 5)


@pytest.mark.parametrize(
    ("encoding", "start", "waste", "body"),
    [
        ("gzip", gzip.compress(b"news"), b"\0" * 5_000, b"news"),
        ("gzip", gzip.compress(b"")[:10], empty_blocks(5_000), b""),
        ("deflate", zlib.compress(b"")[:2], empty_blocks(5_000), b""),
    ],
    # the bytes hold the time, which differs between processes
    ids=["padding", "gzip", "deflate"],
)
def test_bytes_that_hold_nothing_are_not_read_for_ever(encoding: str, start: bytes, waste: bytes, body: bytes) -> None:
    inflater = Inflater(encoding, 100_000)
    inflater.feed(start)
    with pytest.raises(TooLarge):
        for _ in range(100):
            inflater.feed(waste)
    assert inflater.take() == body
