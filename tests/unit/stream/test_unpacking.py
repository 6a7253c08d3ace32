"""Decompressing batches within a bound."""

import random
import struct
import tracemalloc

import pytest
import snappy
from kafka import codec
from kafka.errors import UnsupportedCodecError

from stream.consumers.unpacking import unpacked
from tests.raw_batches import CODECS

ENCODERS = {
    "gzip": codec.gzip_encode,
    "snappy": codec.snappy_encode,
    "lz4": codec.lz4_encode,
    "zstd": codec.zstd_encode,
}
CONTENTS = [b"", b"x", b"a line of log " * 10_000, random.Random(0).randbytes(100_000)]


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_what_was_compressed_comes_out(name: str, content: bytes):
    """Up to the bound, and not a byte beyond."""
    data = ENCODERS[name](content)

    assert unpacked(CODECS[name], data) == unpacked(CODECS[name], data, len(content)) == content
    with pytest.raises(ValueError, match="holds more than"):
        unpacked(CODECS[name], data, len(content) - 1)


def test_bare_snappy_is_read_too():
    """Not every producer cuts it into Java's blocks."""
    assert unpacked(CODECS["snappy"], snappy.compress(CONTENTS[2])) == CONTENTS[2]


@pytest.mark.parametrize("name", ENCODERS)
def test_little_that_holds_much_takes_little_memory(name: str):
    """A producer can put gigabytes into kilobytes; what does not fit is never unpacked."""
    data = ENCODERS[name](bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="holds more than"):
            unpacked(CODECS[name], data, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8 << 20


def test_a_snappy_block_that_lies_about_its_length_is_an_error():
    """What it says it holds is checked before it is unpacked, and what it holds after."""
    block = snappy.compress(CONTENTS[2])
    lying = b"\x05" + block[3:]
    framed = b"\x82SNAPPY\x00" + struct.pack(">iii", 1, 1, len(lying)) + lying

    for data in (lying, framed, b"\xff" * 9):
        with pytest.raises((snappy.UncompressError, ValueError)):
            unpacked(CODECS["snappy"], data)


@pytest.mark.parametrize("number", [5, 7])
def test_an_unknown_codec_is_an_error(number: int):
    """Of three bits, Kafka uses five values."""
    with pytest.raises(UnsupportedCodecError):
        unpacked(number, b"data")
