"""The parser: records in, columns out."""

import pytest

from model.errors import RecordError
from model.events.identity import event_id
from model.events.mining import Miner
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.parser import LineParser, ParsedLines

HDFS = LineFormat("text", header="hdfs")
JSON = LineFormat("json", message="msg", time="time")


def parse(line_format: LineFormat, *values: bytes | None) -> ParsedLines:
    """Parse with no templates."""
    return LineParser(line_format, Templates()).parse(values)


def reasons(parsed: ParsedLines) -> list[tuple[int, str]]:
    """Give the records in error with their reasons."""
    return [(record, error.reason) for record, error in parsed.errors]


def test_a_line_has_time_and_event():
    """The header is cut off, the rest is masked and hashed."""
    parsed = parse(HDFS, b"081109 203531 145 INFO dfs.X: Receiving block blk_7")

    assert parsed.time_ms == [1226262931000]
    assert parsed.event_id == [event_id("Receiving block blk_<*>")]
    assert (parsed.record, parsed.line) == ([0], [0])


def test_a_known_event_is_not_novel():
    """Only what no template matches is reported."""
    values = [b"081109 203531 1 INFO a: started", b"081109 203531 1 INFO a: stopped"]
    miner = Miner()
    miner.add(LineParser(HDFS, Templates()).message_shapes(values[:1]))
    parsed = LineParser(HDFS, miner.finish()).parse(values)

    assert set(parsed.novel) == {parsed.event_id[1]}


def test_a_novel_event_has_text_sample_and_count():
    """The first line is the sample, control characters escaped, cut to 300 characters."""
    parsed = parse(LineFormat(), b"odd\x00 thing 1 " + b"x" * 500, b"odd\x00 thing 2 " + b"x" * 500)
    [novel] = parsed.novel.values()

    assert novel.text.startswith("odd\x00 thing <*>")
    assert novel.sample.startswith("odd\\x00 thing 1 x")
    assert (len(novel.sample), novel.count) == (300, 2)


def test_a_record_may_hold_several_lines():
    """Lines are numbered from the first that is not blank; blank ones between lines keep their number."""
    parsed = parse(LineFormat(), b"\none\r\n\r\ntwo\n", b"\nthree")

    assert (parsed.record, parsed.line) == ([0, 0, 1], [0, 2, 0])
    assert parsed.event_id == [event_id(text) for text in ("one", "two", "three")]


def test_a_byte_order_mark_is_no_part_of_a_line():
    """A file's first line has one, and in records of several lines each file's first."""
    mark = b"\xef\xbb\xbf"
    line = b"081109 203531 1 INFO a: b"
    parsed = parse(HDFS, mark + line, line + b"\n" + mark + b" " + line, b"a " + mark, mark)

    assert parsed.time_ms == [1226262931000] * 3 + [-1]
    assert len(set(parsed.event_id[:3])) == 1
    assert reasons(parsed) == [(3, "empty")]


def test_batching_changes_nothing():
    """A record gives the same columns alone and among others of any kind."""
    values = [
        b"081109 203531 1 INFO a: b",
        b"plain",
        b"x\ny",
        b"\xef\xbb\xbfx",
        None,
        b"\xff",
        "é".encode(),
        b" 081109 203531 1 INFO a: b\r",
    ]
    whole = parse(HDFS, *values)
    alone = [parse(HDFS, value) for value in values]

    assert whole.event_id == [each for one in alone for each in one.event_id]
    assert whole.time_ms == [each for one in alone for each in one.time_ms]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xe9t\xe9", "not-utf8"),
        (b"x" * (1 << 20) + b"y", "too-long"),
        (b"ok\n" + b"x" * (1 << 20) + b"y", "too-long"),
        (b"a\n" * 70_000, "too-long"),
    ],
)
def test_a_bad_text_record_is_an_error(value, reason):
    """The record is left out as a whole, and its neighbours stay."""
    parsed = parse(LineFormat(), b"good", value, b"fine")

    assert reasons(parsed) == [(1, reason)]
    assert parsed.record == [0, 2]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"  ", "empty"),
        (b"{", "bad-json"),
        (b"7", "bad-json"),
        (b"[]", "bad-json"),
        (b'[{"msg": "a"}, 7]', "bad-json"),
        (b'{"msg": "a"}\n{"msg"', "bad-json"),
        (b'{"msg": NaN}', "bad-json"),
        (b'{"msg": "\xe9t\xe9"}', "not-utf8"),
        (b"[" * 100_000, "bad-json"),
        (b'{"msg": ' + b"[" * 500 + b"]" * 500 + b"}", "no-message"),
        (b'{"level": "info"}', "no-message"),
        (b'{"msg": "  "}', "no-message"),
        (b'{"msg": "' + b"x" * (1 << 20) + b'"}', "too-long"),
    ],
)
def test_a_bad_json_record_is_an_error(value, reason):
    """The record is left out as a whole, and its neighbours stay."""
    parsed = parse(JSON, b'{"msg": "good"}', value, b'{"msg": "fine"}')

    assert reasons(parsed) == [(1, reason)]
    assert parsed.record == [0, 2]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (b'"2024-01-02T03:04:05.678Z"', 1704164645678),
        (b"1704164645", 1704164645000),
        (b"1704164645678", 1704164645678),
        (b'"1704164645678000000"', 1704164645678),
        (b"123456789012345678901234567890", -1),
        (b'"NaN"', -1),
        (b"null", -1),
        (b"true", -1),
        (b"{}", -1),
        (b"0", 0),
        (b'"2099-01-01T00:00:00Z"', 4070908800000),
    ],
)
def test_the_time_of_a_json_record(time, expected):
    """Numbers and texts are read; anything else is no time, and no error."""
    parsed = parse(JSON, b'{"msg": "done", "time": %s}' % time)

    assert parsed.time_ms == [expected]
    assert parsed.errors == []


def test_the_usual_fields_are_looked_for():
    """A format without fields, or a record without the format's, still finds them."""
    values = [b'{"message": "a", "ts": 1}', b'{"log": "b", "@timestamp": "1970-01-01T00:00:02Z"}']
    parsed = parse(JSON, *values)

    assert parsed.time_ms == [1000, 2000]
    assert parsed.event_id == [event_id("a"), event_id("b")]


def test_json_may_come_as_array_or_lines():
    """Several objects in a record are several lines; of a message of many lines the first counts."""
    parsed = parse(JSON, b'[{"msg": "a"}, {"msg": "b\\n  at c"}]', b'{"msg": "c"}\n{"msg": {"d": 1}}\n')

    assert (parsed.record, parsed.line) == ([0, 0, 1, 1], [0, 1, 0, 1])
    assert parsed.event_id[:3] == [event_id("a"), event_id("b"), event_id("c")]


def test_a_brace_in_a_text_stream_is_text():
    """Only the format decides, not the line."""
    parsed = parse(LineFormat(), b'{"msg": "a"}')

    assert parsed.event_id == [event_id('{"msg": "a"}')]


def test_a_syslog_line_takes_its_year_from_the_record():
    """With the record's timestamp the time is right; without it, right within a year."""
    parser = LineParser(LineFormat("text", header="syslog-3164"), Templates())
    value = b"Jun 14 15:16:01 combo sshd[1]: hello"

    assert parser.parse([value], [1718378165000]).time_ms == [1718378161000]
    assert parser.parse([value]).time_ms == [960995761000]


def test_an_error_shows_little_of_the_record():
    """A dead letter's reason never holds the record again."""
    [(_, error)] = parse(LineFormat(), b"\xff" * 100_000).errors

    assert isinstance(error, RecordError)
    assert len(error.detail) < 500
