"""Record batches by hand, and a producer that sends them as they are: what no client library would do."""

import socket
import struct
import time
from collections.abc import Sequence
from typing import NamedTuple

from kafka.errors import NotLeaderForPartitionError, UnknownTopicOrPartitionError, for_code
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c

__all__ = [
    "CODECS",
    "Raw",
    "batch_of",
    "produce_batch",
    "with_attributes",
    "with_bad_header_name",
    "with_last_offset",
    "with_payload",
]

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

# Where the parts of a batch stand: https://kafka.apache.org/documentation/#recordbatch
LENGTH, CHECKSUM, ATTRIBUTES, COUNT, RECORDS = 8, 17, 21, 57, 61

PRODUCE, VERSION = 0, 7
"""The request, and the first version of it that knows zstd."""


class Raw(NamedTuple):
    """A record of a batch."""

    value: bytes | None
    key: bytes | None = b"k"
    headers: Sequence[tuple[str, bytes | None]] = ()
    timestamp_ms: int = 1_772_323_200_000


def batch_of(records: Sequence[Raw], codec: str = "none", first_offset: int = 0) -> bytes:
    """A batch such as a client library would send."""
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], 0, -1, -1, -1, 1 << 24)
    for number, record in enumerate(records):
        builder.append(number, record.timestamp_ms, record.key, record.value, list(record.headers))
    return struct.pack(">q", first_offset) + bytes(builder.build())[8:]


def with_bad_header_name(batch: bytes, name: bytes) -> bytes:
    """The first header of that name is called by a byte that is no UTF-8, as a program in C may write it."""
    head, found, rest = batch.partition(bytes([2 * len(name)]) + name)
    assert found
    return _sealed(head + found[:1] + b"\xff" * len(name) + rest)


def with_payload(batch: bytes, payload: bytes) -> bytes:
    """Other bytes where the records were, compressed ones if they were, with a right checksum."""
    return _sealed(batch[:RECORDS] + payload)


def with_attributes(batch: bytes, attributes: int) -> bytes:
    """Another codec than the records have, or none that there is."""
    return _sealed(batch[:ATTRIBUTES] + struct.pack(">h", attributes) + batch[ATTRIBUTES + 2 :])


def with_last_offset(batch: bytes, delta: int) -> bytes:
    """The batch has more offsets than records, as compaction leaves it."""
    return _sealed(batch[: ATTRIBUTES + 2] + struct.pack(">i", delta) + batch[ATTRIBUTES + 6 :])


def produce_batch(address: str, topic: str, batch: bytes, partition: int = 0) -> str:
    """Send a batch, and again while the topic is too new.

    Returns:
        The name of the broker's error, ``NoError`` where it took the batch.
    """
    deadline = time.monotonic() + 30
    while True:
        error: type[Exception] = for_code(_produce(address, topic, batch, partition))
        too_new = error in {NotLeaderForPartitionError, UnknownTopicOrPartitionError}
        if not too_new or time.monotonic() > deadline:
            return error.__name__
        time.sleep(0.05)


def _sealed(batch: bytes) -> bytes:
    length = struct.pack(">i", len(batch) - LENGTH - 4)
    checksum = struct.pack(">I", calc_crc32c(batch[ATTRIBUTES:]))
    return batch[:LENGTH] + length + batch[LENGTH + 4 : CHECKSUM] + checksum + batch[ATTRIBUTES:]


def _produce(address: str, topic: str, batch: bytes, partition: int) -> int:
    host, _, port = address.rpartition(":")
    name = _text(topic)
    body = struct.pack(">hhii", -1, -1, 15_000, 1) + name + struct.pack(">iii", 1, partition, len(batch)) + batch
    request = struct.pack(">hhi", PRODUCE, VERSION, 1) + _text("by-hand") + body
    with socket.create_connection((host, int(port)), timeout=30) as connection, connection.makefile("rb") as answers:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", answers.read(4))
        answer = answers.read(length)
    # correlation, topics; name; partitions, partition, error
    error: int = struct.unpack_from(">h", answer, 8 + len(name) + 8)[0]
    return error


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()
