"""No record value, whatever it is, makes the parser raise or lose count."""

import json
from collections import Counter
from contextlib import suppress

import pytest
import re2
from hypothesis import assume, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from model.errors import RecordError
from model.events.templates import Templates
from model.lines.detection import detect_format
from model.lines.formats import KINDS, LineFormat
from model.lines.headers import HEADERS
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from model.lines.raw import raw_line
from model.lines.records import most_lines

REASONS = {"empty", "too-long", "not-utf8", "bad-json", "bad-otlp", "bad-frame", "no-message"}

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
TREES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["msg", "message", "time", "ts", "event", "a.b", "x"])
OBJECTS = st.dictionaries(FIELDS, TREES, max_size=5).map(lambda each: json.dumps(each).encode())
HEADER_LIKE = st.sampled_from(
    [
        b"081109 203531 1 INFO a.B: done",
        b"991399 996199 1 INFO a.B: bad time",
        b"- 99999999999999999999 2005.06.03 n 2005-06-03-15.42.50.6 n RAS KERNEL INFO x",
        b"Feb 30 25:61:61 host app[1]: x",
        b"9999-12-31 23:59:59,999999999 ERROR x",
        b"1970-01-01T00:00:00Z INFO x",
        b"2099-01-01T00:00:00+99:99 INFO x",
        b"I0000 00:00:00.0 1 a.go:1] x",
        b"<1>1 - - - - - - x",
        b"5 <1>1 - - - - - - x",
        b"5 <1>1 7 <1>1 xy",
        b"19 <1>1 - - - - - - xa",
    ]
)
TEXTS = st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
PIECES = st.binary(max_size=40) | TEXTS | HEADER_LIKE | OBJECTS
DEEP = st.integers(1, 700).map(lambda depth: b"[" * depth + b"]" * depth)
TEXT_BODIES = st.text(max_size=9).map(lambda text: {"stringValue": text})
BODIES = TEXT_BODIES | st.dictionaries(
    st.sampled_from(["stringValue", "intValue", "bytesValue", "arrayValue", "kvlistValue"]), TREES, max_size=1
)
LOG_RECORDS = st.fixed_dictionaries(
    {}, optional={"body": BODIES | TREES, "timeUnixNano": SCALARS, "traceId": SCALARS, "attributes": TREES}
)
SCOPE_LOGS = st.fixed_dictionaries({"logRecords": st.lists(LOG_RECORDS, max_size=3) | TREES}, optional={"scope": TREES})
RESOURCE_LOGS = st.fixed_dictionaries(
    {"scopeLogs": st.lists(SCOPE_LOGS, max_size=2) | TREES}, optional={"resource": TREES}
)
OTLP_JSON = st.lists(RESOURCE_LOGS, max_size=2).map(lambda logs: json.dumps({"resourceLogs": logs}).encode())


@st.composite
def otlp_proto(draw: st.DrawFn) -> bytes:
    """OTLP in protobuf, whole or with a byte changed."""
    request = ExportLogsServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        scope = request.resource_logs.add().scope_logs.add()
        for body in draw(st.lists(st.text(max_size=9) | st.integers(-9, 9) | st.binary(max_size=9), max_size=3)):
            record = scope.log_records.add(time_unix_nano=draw(st.integers(0, (1 << 64) - 1)))
            name = {str: "string_value", int: "int_value", bytes: "bytes_value"}[type(body)]
            setattr(record.body, name, body)
    value = bytearray(request.SerializeToString())
    if value and draw(st.booleans()):
        value[draw(st.integers(0, len(value) - 1))] = draw(st.integers(0, 255))
    return bytes(value)


PREFIXED = st.builds(bytes.__add__, st.sampled_from([b" ", b"\n", b"\x1e", b"\xef\xbb\xbf", b"<1>a "]), OBJECTS)
ARRAYS = st.builds(lambda each: b" [" + b",".join(each) + b"]", st.lists(OBJECTS, max_size=3))
VALUES = st.none() | st.lists(PIECES, max_size=3).map(b"\n".join) | DEEP | OTLP_JSON | otlp_proto() | PREFIXED | ARRAYS
FORMATS = st.sampled_from(
    [LineFormat("text", header=name) for name in [*HEADERS, "cri+log4j", "syslog-5424+iso"]]
    + [LineFormat("json"), LineFormat("json", message="/a/0", time="x"), LineFormat("json", header="iso")]
    + [LineFormat("otlp-json"), LineFormat("otlp-proto")]
)


@given(FORMATS, st.lists(VALUES, max_size=8))
def test_every_record_gives_lines_or_an_error(line_format, values):
    """No exception leaves the parser; each record is in the lines or in the errors, never in both."""
    parser = LineParser(line_format, Templates(), max_line_bytes=200)
    parsed = parser.parse(values, list(range(len(values))))
    read, failed = set(parsed.record), [record for record, _ in parsed.errors]

    assert read.isdisjoint(failed)
    assert len(read) + len(failed) == len(values)
    assert {error.reason for _, error in parsed.errors} <= REASONS
    assert len(parsed.record) == len(parsed.line) == len(parsed.time_ms) == len(parsed.event_id)
    assert all(time == -1 or 0 <= time < 1 << 48 for time in parsed.time_ms)
    assert {len(each) for each in parsed.event_id} <= {8}
    assert sum(novel.count for novel in parsed.novel.values()) == len(parsed.event_id)
    assert all(count <= most_lines(values[record]) for record, count in Counter(parsed.record).items())
    assert all(raw_line(values[record], line) for record, line in zip(parsed.record, parsed.line, strict=True))


@given(FORMATS, st.lists(VALUES, max_size=8), st.integers(0, 8))
def test_batching_changes_no_event(line_format, values, cut):
    """A batch is read as its parts are."""
    whole = LineParser(line_format, Templates()).parse(values)
    parser = LineParser(line_format, Templates(), cache_size=1)
    parts = [parser.parse(values[:cut]), parser.parse(values[cut:])]

    assert whole.event_id == parts[0].event_id + parts[1].event_id
    assert whole.time_ms == parts[0].time_ms + parts[1].time_ms
    assert whole.line == parts[0].line + parts[1].line


RULES = st.sampled_from(
    [
        KeyRule(pattern="(a|\\xff)(b)?"),
        KeyRule(pattern="[0-9]+"),
        KeyRule(pattern=r"^\S+"),
        KeyRule(fields=("/a/0",)),
        KeyRule(fields=("msg", "time"), pattern="x", without="shared"),
        KeyRule(fields=("traceId", "service.name", "host")),
    ]
)


@given(st.none() | FORMATS, RULES, st.lists(VALUES, max_size=8))
def test_detection_and_keys_never_raise(line_format, rule, values):
    """Any sample has a format, and any value a key or none; a record can be parted, or is an error."""
    keys = KeyExtractor(rule, line_format)

    assert detect_format(values).kind in KINDS
    assert len(keys.extract(values)) == len(values)
    for value in values:
        with suppress(RecordError):
            parts = keys.split(value or b"", b"key", [("header", None)])
            assert all(key != b"" for key, _ in parts)


@given(FORMATS, RULES, VALUES)
def test_parting_a_record_changes_no_event(line_format, rule, value):
    """The parts, read one after the other, are the lines of the record with their keys."""
    parser = LineParser(line_format, Templates())
    whole = parser.parse([value])
    assume(not whole.errors)
    keys = KeyExtractor(rule, line_format)
    try:
        parts = keys.split(value)
    except RecordError:
        return
    parsed = parser.parse([part for _, part in parts])

    assert parsed.errors == []
    assert parsed.event_id == whole.event_id
    assert parsed.time_ms == whole.time_ms
    assert [parts[record][0] for record in parsed.record] == keys.of_lines([value], whole.record, whole.line)


ATOMS = st.sampled_from(["a", "b", "_", "-", " ", "é", ".", r"\d", r"\w", r"\.", "[ab]", "[0-9a-f]", "[^a]", r"\s"])
PARTS = st.builds(str.__add__, ATOMS, st.sampled_from(["", "", "?", "+", "*", "{2}", "{0}"]))
GROUPS = PARTS | st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "(" + "".join(parts) + ")")
PATTERNS = st.lists(GROUPS, min_size=1, max_size=4).map("".join)
BYTES = st.sampled_from([b"a", b"b", b"ab", b"_-", b"7", b"12", b" ", b"f0", b".", b"\xff", "é".encode()])
KEYED = st.lists(BYTES, max_size=12)


@given(PATTERNS, KEYED.map(b"".join))
def test_a_key_does_not_depend_on_the_engine(pattern, value):
    """An expression simple enough for the faster engine finds what RE2 finds in a line without the blanks around it."""
    compiled = re2.compile(pattern.encode())
    match = compiled.search(value.strip())
    groups = [] if match is None else [group or b"" for group in match.groups()] or [match.group()]
    expected = b"|".join(groups) if any(groups) else None

    assert KeyExtractor(KeyRule(pattern=pattern)).extract([value]) == [expected]


PUNCTUATION = [bytes([each]) for each in b'-[ ="\\({|:']
HOSTILE = [b"a", b"0", b"a.", b"a-", b"0.", b"/a", b"0x", b"a0", b"a:", b"<*>", b"f-0", b"@a", b"a@a.", b"0-", b"_0_"]
HEADS = (
    b"",
    b"081109 203531 1 INFO a: ",
    b"2024-01-02 03:04:05,678 ",
    b"Jun 14 15:16:01 ",
    b"<1>1 2024-01-02T03:04:05Z a b c d [",
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", HOSTILE + PUNCTUATION)
def test_no_line_takes_more_than_linear_time(piece):
    """A long line of whatever repeats is read by every format; anything quadratic would run into the time-out."""
    line = (piece * (1 << 16))[: 1 << 16]
    for name in HEADERS:
        parser = LineParser(LineFormat("text", header=name), Templates())
        parsed = parser.parse([head + line for head in HEADS])

        assert len(parsed.errors) + len(parsed.event_id) == len(HEADS)
