"""Record batches unpacked within a bound: sixteen kilobytes of zstd can hold gigabytes, and Kafka takes them."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

import lz4.frame
import snappy
import zstandard
from kafka.errors import UnsupportedCodecError

__all__ = ["MAX_BATCH_BYTES", "unpacked"]

MAX_BATCH_BYTES = 128 << 20
"""The most bytes that a batch may hold: as much as 128 of the largest records that Kafka takes by default."""

_GZIP_WINDOW = 31  # zlib's number for gzip with its header

_XERIAL = b"\x82SNAPPY\x00"
"""How snappy blocks with their lengths begin, as Java's producers write them; others write one bare block."""
_XERIAL_HEADER_BYTES = 16


def unpacked(codec: int, data: bytes, most: int = MAX_BATCH_BYTES) -> bytes:
    """Decompress the records of a batch.

    Args:
        codec: The number of the codec, as in the batch's attributes.
        data: What comes behind the batch's header.
        most: The most bytes it may hold.

    Raises:
        ValueError: It holds more.
        UnsupportedCodecError: There is no such codec.
        Exception: It is damaged; each codec has errors of its own.
    """
    if codec not in _CODECS:
        raise UnsupportedCodecError(f"codec {codec} is unknown")
    found = _CODECS[codec](data, most + 1)
    if len(found) > most:
        raise ValueError(f"a batch of {len(data)} bytes holds more than {most} when it is decompressed")
    return found


def _gzip(data: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    found = stream.decompress(data, most)
    if not stream.eof and len(found) < most:
        raise EOFError("the gzip stream is cut off")
    return found


def _snappy(data: bytes, most: int) -> bytes:
    blocks = _xerial_blocks(data) if data.startswith(_XERIAL) else [data]
    found = bytearray()
    for block in blocks:
        if len(found) + _snappy_length(block) > most:
            return bytes(most)
        found += snappy.uncompress(block)
    return bytes(found)


def _xerial_blocks(data: bytes) -> Iterator[bytes]:
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        (length,) = struct.unpack_from(">i", data, at)
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def _snappy_length(block: bytes) -> int:
    """What a block says that it holds, at its beginning."""
    length = 0
    for position, byte in enumerate(block[:5]):
        length |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            return length
    raise ValueError("a snappy block does not say how much it holds")


def _lz4(data: bytes, most: int) -> bytes:
    stream = lz4.frame.LZ4FrameDecompressor()
    found: bytes = stream.decompress(data, most)
    if not stream.eof and len(found) < most:
        raise EOFError("the lz4 frame is cut off")
    return found


def _zstd(data: bytes, most: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True) as stream:
        found: bytes = stream.read(most)
    return found


_CODECS: Mapping[int, Callable[[bytes, int], bytes]] = {
    0: lambda data, _most: data,
    1: _gzip,
    2: _snappy,
    3: _lz4,
    4: _zstd,
}
