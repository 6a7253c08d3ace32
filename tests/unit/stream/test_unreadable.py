"""Batches that cannot be read: what takes their place, and that nothing beside them is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.record.memory_records import MemoryRecords

from stream.consumers.unreadable import UnreadableRecord, _Records
from tests.raw_batches import (
    CODECS,
    RECORDS,
    Raw,
    batch_of,
    with_attributes,
    with_bad_header_name,
    with_last_offset,
    with_payload,
)

PARTITION = TopicPartition("logs", 3)
TEXTS = [b"a line that is long enough to be worth compressing, number %d" % number * 9 for number in range(9)]
COMPRESSED = [name for name in CODECS if name != "none"]


def batches(codec: str = "none") -> list[bytes]:
    """Three batches of three records each, offsets 0 to 8."""
    return [batch_of([Raw(text) for text in TEXTS[n : n + 3]], codec, n) for n in (0, 3, 6)]


def read(log: list[bytes]) -> list[object]:
    """Fetch a log of batches to its end, as kafka-python does; values, and for what is unreadable its detail."""
    found: list[object] = []
    doubted: set[tuple[TopicPartition, int]] = set()
    offset = fetches = 0
    while offset < 3 * len(log):
        records = _Records(offset, PARTITION, MemoryRecords(b"".join(log[offset // 3 :])), doubted=doubted)
        while records:
            found += [r.error.detail if isinstance(r, UnreadableRecord) else r.value for r in records.take(2)]
        offset = records.next_fetch_offset
        fetches += 1
        assert fetches < 20
    return found


@pytest.mark.parametrize("codec", CODECS)
def test_batches_that_can_be_read_are(codec):
    """Each codec, as kafka-python alone would read it."""
    assert read(batches(codec)) == TEXTS


@pytest.mark.parametrize("codec", COMPRESSED)
@pytest.mark.parametrize("payload", [b"", b"\x00nothing that this codec knows", None], ids=["none", "garbage", "half"])
def test_a_batch_that_cannot_be_unpacked_is_one_unreadable_record(codec, payload):
    """Its checksum is right, so the producer wrote it so; the batches beside it are read."""
    log = batches(codec)
    log[1] = with_payload(log[1], log[1][RECORDS : (RECORDS + len(log[1])) // 2] if payload is None else payload)
    found = read(log)

    assert found[:3] + found[-3:] == TEXTS[:3] + TEXTS[-3:]
    [detail] = found[3:-3]
    assert "at offsets 3 to 5 cannot be unpacked" in str(detail)


@pytest.mark.parametrize("attributes", [5, 7])
def test_a_codec_that_there_is_not_is_unreadable(attributes):
    """Kafka may get codecs that this version does not know."""
    log = batches()
    log[1] = with_attributes(log[1], attributes)

    assert "UnsupportedCodecError" in str(read(log)[3])
    assert len(read(log)) == 7


@pytest.mark.parametrize("codec", CODECS)
def test_a_header_name_that_is_not_utf8_costs_no_record(codec):
    """Brokers and other clients take it, and nobody here needs headers."""
    raw = [Raw(text, headers=[("name", b"v"), ("other", None)], timestamp_ms=n) for n, text in enumerate(TEXTS[3:6])]
    bad = with_bad_header_name(batch_of(raw, first_offset=3), b"name")
    log = batches(codec)
    log[1] = bad

    assert read(log) == TEXTS


def test_records_with_bad_header_names_keep_key_time_and_place():
    """All that is read of them elsewhere."""
    raw = [Raw(None, None, [("name", b"")], 7), Raw(b"v", b"", [], 5), Raw(b"", b"k", [("x", None)], -1)]
    data = with_bad_header_name(batch_of(raw, first_offset=40), b"name")
    found = _Records(40, PARTITION, MemoryRecords(data), doubted=set()).take(9)

    assert [(r.partition, r.offset, r.timestamp, r.key, r.value) for r in found] == [
        (3, 40, 7, None, None),
        (3, 41, 5, b"", b"v"),
        (3, 42, -1, b"k", b""),
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_a_fetch_that_unpacks_to_much_is_read_in_parts(codec, monkeypatch):
    """One poll never holds more than the bound and a batch; what is left is fetched anew, and nothing is lost."""
    monkeypatch.setattr("stream.consumers.unreadable.MAX_FETCH_BYTES", 1000)
    log = batches(codec)
    first = _Records(0, PARTITION, MemoryRecords(b"".join(log)), doubted=set())

    assert [record.value for record in first.take(9)] == TEXTS[:3]
    assert (bool(first), first.next_fetch_offset) == (False, 3)
    assert read(log) == TEXTS


def test_a_compacted_batch_with_bad_header_names_is_passed():
    """Its last offsets have no records any more; reading goes on behind them."""
    raw = [Raw(TEXTS[3], headers=[("name", b"v")])]
    log = batches()
    log[1] = with_last_offset(with_bad_header_name(batch_of(raw, first_offset=3), b"name"), 2)

    assert read(log) == TEXTS[:4] + TEXTS[6:]


def test_a_batch_that_was_damaged_on_its_way_is_fetched_again():
    """One that comes whole the second time costs nothing."""
    good = batches()[0]
    doubted: set[tuple[TopicPartition, int]] = set()
    first = _Records(0, PARTITION, MemoryRecords(good[:-1] + b"?"), doubted=doubted)
    again = _Records(0, PARTITION, MemoryRecords(good), doubted=doubted)

    assert (first.take(9), bool(first), first.next_fetch_offset) == ([], False, 0)
    assert [record.value for record in again.take(9)] == TEXTS[:3]


@given(st.sampled_from(list(CODECS)), st.integers(0, 2), st.integers(12, 10_000), st.integers(1, 255))
def test_a_byte_that_changed_costs_at_most_its_batch(codec, number, at, change):
    """Anywhere behind its length, which no checksum covers: the others are whole, and reading comes to the end."""
    log = batches(codec)
    damaged = bytearray(log[number])
    damaged[at % (len(damaged) - 12) + 12] ^= change
    log[number] = bytes(damaged)
    found = read(log)

    others = TEXTS[: 3 * number] + TEXTS[3 * number + 3 :]
    assert [value for value in found if value in others] == others
    assert len(found) > len(others)
