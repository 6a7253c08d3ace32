"""Syslog as RFC 3164 and RFC 5424 have it, in lines or octet-counted."""

import pytest

from model.events.identity import event_id
from model.events.templates import Templates
from model.lines.detection import detect_format
from model.lines.formats import LineFormat
from model.lines.parser import LineParser, ParsedLines
from model.lines.raw import raw_line

MOMENT_MS = 1_065_910_455_003  # 2003-10-11T22:14:15.003Z
NEW = LineFormat("text", "syslog-5424")


def parse(*values: bytes, line_format: LineFormat = NEW) -> ParsedLines:
    """Parse with no templates."""
    return LineParser(line_format, Templates()).parse(values)


@pytest.mark.parametrize(
    ("line", "message", "time_ms"),
    [
        ("<165>1 2003-10-11T22:14:15.003Z host evntslog 7 ID47 - An entry", "An entry", MOMENT_MS),
        ('<165>1 2003-10-11T22:14:15.003Z host app - ID47 [a@1 b="c"] An entry', "An entry", MOMENT_MS),
        ('<165>1 2003-10-11T22:14:15.003Z host app 7 - [a@1 b="c\\]\\"]"][d@2 e="f"] An entry', "An entry", MOMENT_MS),
        ('<165>1 2003-10-11T22:14:15.003Z host app 7 - [a@1 b="]] x"] An entry', "An entry", MOMENT_MS),
        ("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - \ufeffAn entry", "An entry", MOMENT_MS),
        ("<34>1 2003-10-12T00:14:15.003+02:00 host su - ID47 - An entry", "An entry", MOMENT_MS),
        ("<34>1 - host su - - - An entry", "An entry", -1),
        ("<0>1 - - - - - - An entry", "An entry", -1),
    ],
)
def test_rfc_5424_is_taken_apart(line, message, time_ms):
    """Structured data and the byte order mark are no part of the message; a dash is no time."""
    value = line.encode()
    parsed = parse(value)

    assert detect_format([value] * 3) == NEW
    assert parsed.event_id == [event_id(message)]
    assert parsed.time_ms == [time_ms]


def counted(*messages: bytes) -> bytes:
    """Octet-counted, as over TCP."""
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


FIRST = b"<34>1 2003-10-11T22:14:15.003Z host su - ID47 - first\n  of two lines"
SECOND = b"<34>1 2003-10-11T22:14:15.003Z host su - ID47 - second\n"


@pytest.mark.parametrize("between", [b"", b"\n"])
def test_octet_counted_messages_are_parted_by_their_counts(between):
    """A line end inside a message parts nothing; of each message the first line counts."""
    value = counted(FIRST) + between + counted(SECOND) + between
    parsed = parse(value, b"<34>1 - h a - - - third\n<34>1 - h a - - - fourth")

    assert detect_format([value]) == NEW
    assert parsed.event_id == [event_id(text) for text in ("first", "second", "third", "fourth")]
    assert (parsed.record, parsed.line) == ([0, 0, 1, 1], [0, 1, 0, 1])
    assert raw_line(value, 1) == SECOND.strip()


def test_octet_counted_messages_of_the_older_kind_are_read_too():
    """A count may stand before RFC 3164."""
    value = counted(b"<34>Oct 11 22:14:15 host su: one", b"<34>Oct 11 22:14:16 host su: two")

    assert detect_format([value]) == LineFormat("text", "syslog-3164-priority")
    assert parse(value, line_format=detect_format([value])).event_id == [event_id("one"), event_id("two")]


@pytest.mark.parametrize(
    "value",
    [
        counted(FIRST)[:-1],
        counted(FIRST, SECOND)[:-5],
        counted(FIRST) + b"rest",
        b"9999999 <34>1 - - - - - - x",
        b"5 <34>1 - - - - - - x",
    ],
)
def test_a_count_that_leads_nowhere_is_an_error(value):
    """The record is damaged; its neighbours stay."""
    parsed = parse(FIRST, value, SECOND)

    assert [(record, error.reason) for record, error in parsed.errors] == [(1, "bad-frame")]
    assert set(parsed.record) == {0, 2}


def test_too_many_and_too_long_messages_are_errors():
    """As lines are."""
    parser = LineParser(NEW, Templates(), max_line_bytes=30)
    parsed = parser.parse([counted(b"<1>1" + b"x" * 30), counted(b"<1>") * 65_537, counted(b"<1>1 - - - - - - fine")])

    assert [(record, error.reason) for record, error in parsed.errors] == [(0, "too-long"), (1, "too-long")]
    assert parsed.record == [2]


def test_a_number_in_front_of_a_text_line_is_no_count():
    """In other formats nothing is parted."""
    parsed = parse(b"7 <b>bold</b>", b"12 <3> x", line_format=LineFormat())

    assert parsed.errors == []
    assert len(parsed.event_id) == 2
