"""What must be true of every decoder, whatever it is given; each check raises where it is not."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import Any, NamedTuple

from model.errors import ConfigurationError, RecordError
from model.events.templates import Templates
from model.lines.detection import detect
from model.lines.epochs import LATEST_MS, NO_TIME
from model.lines.expressions import Expression
from model.lines.field_times import FieldClock
from model.lines.format_line import CONTENT
from model.lines.formats import KINDS, LineFormat
from model.lines.key_rule import SHARED_KEY, KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser, ParsedLines
from model.lines.raw import raw_line
from model.lines.readers import reader_of
from model.lines.records import MAX_LINE_BYTES, most_lines
from model.lines.times import STYLES, Clock

__all__ = ["Keyed", "Read", "Timed", "Written", "check_format_line", "check_keys", "check_reading", "check_times"]

REASONS = {"empty", "too-long", "not-utf8", "bad-json", "bad-otlp", "bad-frame", "no-message"}
#: A record gives at most so many bytes of text for each of its own, and so many more. A control character in bytes of
#: OTLP becomes six characters of JSON; a number that is written as ``1e15`` becomes eighteen.
TEXT_FOR_A_BYTE = 6
TEXT_MORE = 128
_LONGEST_DETAIL = 1000


class Read(NamedTuple):
    """A batch of record values, and how their lines are said to be written."""

    line_format: LineFormat
    values: Sequence[bytes | None]
    times_ms: Sequence[int]


class Timed(NamedTuple):
    """Lines of a time style, or values of a field, with the time of each one's record."""

    style: str | None
    zone: tzinfo
    values: Sequence[Any]
    references_ms: Sequence[int]


class Written(NamedTuple):
    """A format line as an operator might write it, and lines."""

    written: str
    values: Sequence[bytes | None]


class Keyed(NamedTuple):
    """Where keys are, and a batch of record values; a format of None is to be told by content."""

    rule: KeyRule | None
    line_format: LineFormat | None
    values: Sequence[bytes | None]


def check_reading(case: Read) -> None:
    """Each record gives lines or an error with a reason; again and alone it gives the same, and never much."""
    line_format, values, times_ms = case
    parser = LineParser(line_format, Templates())
    found = _of_each(parser.parse(values, times_ms), len(values))

    assert found == _of_each(parser.parse(values, times_ms), len(values))
    alone = LineParser(line_format, Templates())
    assert found == [_of_each(alone.parse([value], [time]), 1)[0] for value, time in zip(values, times_ms, strict=True)]
    assert detect(values) == detect(values)
    assert detect(values).line_format.kind in KINDS
    _check_sizes(case)


def _of_each(parsed: ParsedLines, count: int) -> list[Any]:
    """What each record came to: its error, or the numbers, times and event IDs of its lines."""
    found: list[Any] = [[] for _ in range(count)]
    for record, line, time_ms, event_id in zip(
        parsed.record, parsed.line, parsed.time_ms, parsed.event_id, strict=True
    ):
        found[record].append((line, time_ms, event_id))
        assert time_ms == NO_TIME or 0 <= time_ms <= LATEST_MS
    for record, error in parsed.errors:
        assert found[record] == []
        assert error.reason in REASONS
        assert 0 < len(error.detail) <= _LONGEST_DETAIL
        found[record] = (error.reason, error.detail)
    assert all(found)
    return found


def _check_sizes(case: Read) -> None:
    lines = reader_of(case.line_format, MAX_LINE_BYTES)(case.values, case.times_ms)
    sizes: Counter[int] = Counter()
    for record, line, text in zip(lines.record, lines.line, lines.text, strict=True):
        value = case.values[record] or b""
        sizes[record] += len(text)
        assert text
        assert b"\n" not in text
        assert 0 < len(raw_line(value, line)) <= TEXT_FOR_A_BYTE * len(value) + TEXT_MORE
    for record, size in sizes.items():
        assert size <= TEXT_FOR_A_BYTE * len(case.values[record] or b"") + TEXT_MORE
    assert all(count <= most_lines(case.values[record]) for record, count in Counter(lines.record).items())


def check_times(case: Timed) -> None:
    """A value states a time of the calendar or none; again and alone it states the same."""

    def times(values: Sequence[Any], references_ms: Sequence[int]) -> list[int]:
        if case.style is None:
            return FieldClock(case.zone).times(values, references_ms)
        return Clock(STYLES[case.style], case.zone).times(values, references_ms)

    found = times(case.values, case.references_ms)
    used = FieldClock(case.zone) if case.style is None else Clock(STYLES[case.style], case.zone)
    used.times(case.values[::-1])

    assert found == times(case.values, case.references_ms)
    assert found == used.times(case.values, case.references_ms)
    each = zip(case.values, case.references_ms, strict=True)
    assert found == [times([value], [reference])[0] for value, reference in each]
    assert all(time == NO_TIME or 0 <= time <= LATEST_MS for time in found)


def check_format_line(case: Written) -> None:
    """A format line is refused, or reads every line."""
    try:
        line_format = LineFormat("text", case.written)
    except ConfigurationError:
        return
    check_reading(Read(line_format, case.values, [0] * len(case.values)))
    if CONTENT in case.written:
        header = line_format.text_header
        assert all(header.fields(value or b"") == header.fields(value or b"") for value in case.values)
        assert all(header.message(value) for value in case.values if value and value.strip())


def check_keys(case: Keyed) -> None:
    """Keys are found alone as in a batch; a record's parts hold its lines, each with its key."""
    if case.rule is None:
        return
    keys = KeyExtractor(case.rule, case.line_format)
    found = keys.extract(case.values)

    assert found == keys.extract(case.values)
    assert found == [keys.extract([value])[0] for value in case.values]
    for value, key in zip(case.values, found, strict=True):
        assert key != b""
        parts = len(case.rule.fields) + (case.rule.pattern or "").count("(") + 1
        assert len(key or b"") <= parts * (TEXT_FOR_A_BYTE * len(value or b"") + TEXT_MORE)
        with suppress(RecordError):
            _check_parts(keys, case.line_format, value or b"")
        if case.line_format is not None and case.line_format.kind == "text":
            _check_key_of_line(keys, case.line_format, value or b"")


def _check_parts(keys: KeyExtractor, line_format: LineFormat | None, value: bytes) -> None:
    parts = keys.split(value, b"key", [("header", None)])
    assert parts == keys.split(value, b"key", [("header", None)])
    parser = LineParser(line_format or LineFormat(), Templates())
    whole = parser.parse([value])
    if line_format is None or whole.errors:
        return
    parsed = parser.parse([part for _, part in parts])
    assert parsed.errors == []
    assert (parsed.event_id, parsed.time_ms) == (whole.event_id, whole.time_ms)
    assert [parts[record][0] for record in parsed.record] == keys.of_lines([value], whole.record, whole.line)


def _check_key_of_line(keys: KeyExtractor, line_format: LineFormat, value: bytes) -> None:
    """Where a record is one line of text, an expression sees what the reader reads, and nothing else of the record."""
    lines = reader_of(line_format, MAX_LINE_BYTES)([value], None).text
    if keys.rule.pattern is None or keys.rule.fields or b"\n" in value or len(lines) != 1:
        return
    groups = Expression(keys.rule.pattern).groups_in(lines[0])
    keyless = SHARED_KEY if keys.rule.without == "shared" else None
    assert keys.of_lines([value], [0], [0]) == [b"|".join(groups) if any(groups) else keyless]
