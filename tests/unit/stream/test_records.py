"""Records to events: keys, times, places, and what is left out."""

from typing import NamedTuple

import pytest

from model.errors import RecordError
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.parser import LineParser
from stream.consumers.records import MAX_KEY_BYTES, ReadRecords, RecordReader, bounded_batches
from stream.consumers.unreadable import UnreadableRecord
from stream.windowing.windows import NO_TIME, WindowRule

NOW_MS = 1_800_000_000_000


class Record(NamedTuple):
    """What the reader looks at of a kafka-python record."""

    value: bytes | None
    key: bytes | None = b"k"
    offset: int = 0
    timestamp: int = 1_700_000_000_000
    timestamp_type: int = 0


def read(
    *records: Record | UnreadableRecord, line_format: LineFormat | None = None, now_ms: int = NOW_MS
) -> ReadRecords:
    """Read with ISO-8601 lines and no templates, at a fixed time."""
    chosen = line_format or LineFormat("json", message="message", time="time")
    return RecordReader(LineParser(chosen, Templates()), now_ms=lambda: now_ms).read(records)


def as_json(message: str, time: str | None = None) -> bytes:
    """A JSON log line."""
    return (f'{{"message": "{message}"' + (f', "time": "{time}"' if time else "") + "}").encode()


def test_an_event_has_its_records_key_its_lines_time_and_its_place():
    """The place is offset and line in one number."""
    found = read(Record(as_json("hello", "2026-03-01T00:00:00Z"), key=b"abc", offset=7))

    assert list(found.events.keys) == [b"abc"]
    assert list(found.events.times_ms) == [1_772_323_200_000]
    assert list(found.events.places) == [7 << 16]
    assert (found.untimed, found.future, found.rejected) == (0, 0, [])


@pytest.mark.parametrize(
    ("key", "reason"), [(None, "no-key"), (b"", "no-key"), (b"k" * (MAX_KEY_BYTES + 1), "key-too-long")]
)
def test_a_record_without_a_usable_key_is_rejected_and_the_others_are_not(key: bytes | None, reason: str):
    """Rejected records keep their own record, for the dead letter's offset."""
    found = read(
        Record(as_json("a"), offset=1), Record(as_json("b"), key=key, offset=2), Record(as_json("c"), offset=3)
    )

    assert [(record.offset, error.reason) for record, error in found.rejected] == [(2, reason)]
    assert [place >> 16 for place in found.events.places] == [1, 3]


def test_what_cannot_be_unpacked_is_rejected_as_it_says():
    """It has neither key nor value, and the records beside it stay."""
    lost = UnreadableRecord("logs", 0, 2, RecordError("unreadable", "damaged"))
    found = read(Record(as_json("a"), offset=1), lost, Record(as_json("c"), offset=3))

    assert found.rejected == [(lost, lost.error)]
    assert [place >> 16 for place in found.events.places] == [1, 3]


def test_an_untimed_line_of_a_timed_stream_takes_the_stream_time():
    """Time 0 says that it has none: a replay of old lines is not torn to today."""
    found = read(Record(as_json("a", "2026-03-01T00:00:00Z")), Record(as_json("b")))

    assert list(found.events.times_ms) == [1_772_323_200_000, 0]
    assert found.untimed == 1


def test_a_stream_without_times_has_kafkas():
    """Its records' timestamps are the only clock there is."""
    found = read(Record(b"plain words", timestamp=1234), line_format=LineFormat())

    assert list(found.events.times_ms) == [1234]


def test_a_time_far_ahead_takes_the_stream_time():
    """One bad clock does not end every session."""
    found = read(Record(as_json("a", "2099-01-01T00:00:00Z")))

    assert list(found.events.times_ms) == [0]
    assert found.future == 1


HOUR_MS = 3_600_000
#: Lines written at NOW_MS: one in time, one two hours ahead, one half an hour ahead.
LINES = [
    as_json("a", "2027-01-15T08:00:00Z"),
    as_json("b", "2027-01-15T10:00:00Z"),
    as_json("c", "2027-01-15T08:30:00Z"),
]


def test_what_is_ahead_of_the_brokers_stamp_is_so_whenever_it_is_read():
    """A consumer that was away for three hours reads the times that one at work has read."""
    records = [Record(line, timestamp=NOW_MS, timestamp_type=1) for line in LINES]
    at_once, years_before, later = (read(*records, now_ms=NOW_MS + hours * HOUR_MS) for hours in (0, -20_000, 3))

    assert list(at_once.events.times_ms) == [NOW_MS, NO_TIME, NOW_MS + HOUR_MS // 2]
    assert list(years_before.events.times_ms) == list(later.events.times_ms) == list(at_once.events.times_ms)
    assert at_once.future == years_before.future == later.future == 1


def test_a_producers_stamp_does_not_say_what_is_ahead():
    """Its clock stamps its records two hours ahead as well, so there is only the reader's."""
    records = [Record(line, timestamp=NOW_MS + 2 * HOUR_MS) for line in LINES]

    assert read(*records).future == 1
    assert read(*records, now_ms=NOW_MS + 3 * HOUR_MS).future == 0


def test_stamps_of_both_kinds_in_one_batch_each_count_for_their_records_lines():
    """A topic's configuration may have been changed; a record may hold several lines."""
    stamped = Record(b"\n".join(LINES), timestamp=NOW_MS, timestamp_type=1)
    found = read(Record(LINES[1]), stamped, Record(LINES[1]), now_ms=NOW_MS + 3 * HOUR_MS)

    ahead_ms = NOW_MS + 2 * HOUR_MS
    assert list(found.events.times_ms) == [ahead_ms, NOW_MS, NO_TIME, NOW_MS + HOUR_MS // 2, ahead_ms]


def test_each_line_without_a_usable_time_is_counted_once():
    """A line without a time in a record from the future has one thing wrong; a line that says 1970 has a time."""
    plain = read(Record(b"plain words", timestamp=NOW_MS * 1000), line_format=LineFormat())
    stated = read(Record(as_json("a", "1970-01-01T00:00:00Z")))

    assert (list(plain.events.times_ms), list(stated.events.times_ms)) == ([NO_TIME], [NO_TIME + 1])
    assert (plain.untimed, plain.future) == (1, 0)
    assert (stated.untimed, stated.future) == (0, 0)


def test_novel_events_come_with_text_and_count():
    """What no template matches is kept for explanations."""
    found = read(Record(as_json("disk 1 is full")), Record(as_json("disk 2 is full")))

    [novel] = found.novel
    assert novel.times == 2
    assert b"is full" in novel.json


def test_a_poll_batch_is_cut_between_records_so_that_a_call_stays_short():
    """No record is split, none is lost, and only a record that is larger by itself exceeds the bound."""
    records = [Record(b"x\n" * lines, offset=n) for n, lines in enumerate([1, 30_000, 30_000, 60_000, 2, 3])]

    parts = list(bounded_batches(records, WindowRule()))

    assert [record for part in parts for record in part] == records
    assert [[record.offset for record in part] for part in parts] == [[0, 1], [2], [3], [4, 5]]


def test_an_ordinary_poll_batch_is_one_call():
    """The usual case costs one call."""
    records = [Record(b"one line", offset=n) for n in range(2000)]

    assert list(bounded_batches(records, WindowRule())) == [records]


def test_objects_of_a_json_array_count_as_lines():
    """An array holds many lines without a newline."""
    records = [Record(b"[" + b'{"m":1},' * 40_000 + b"{}]", offset=n) for n in range(2)]

    assert len(list(bounded_batches(records, WindowRule()))) == 2


def test_large_windows_at_a_small_hop_make_smaller_calls():
    """Each line cuts a window of 12 KB: a call cuts 16 MiB of them at most."""
    records = [Record(b"one line", offset=n) for n in range(2000)]

    assert [len(part) for part in bounded_batches(records, WindowRule(size=512, hop=1))] == [1365, 635]
