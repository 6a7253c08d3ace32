"""OTLP in both encodings: many log lines in one record, read alike."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from model.events.identity import event_id
from model.events.templates import Templates
from model.lines.detection import Detection, detect
from model.lines.formats import Kind, LineFormat
from model.lines.parser import LineParser, ParsedLines
from model.lines.records import MAX_RECORD_BYTES

NS = 1_714_979_289_123_456_789
MS = 1_714_979_289_123


def text(value: str) -> dict[str, Any]:
    """A text as AnyValue."""
    return {"stringValue": value}


def attributes(**values: str) -> list[dict[str, Any]]:
    """Attributes; of their names, ``_`` stands for a dot."""
    return [{"key": name.replace("_", "."), "value": text(value)} for name, value in values.items()]


def logs(*records: dict[str, Any], service: str = "cart") -> dict[str, Any]:
    """What the collector exports: one resource, one scope, some log records."""
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": attributes(service_name=service, host_name="web-1")},
                "scopeLogs": [{"scope": {"name": "shop.cart", "version": "1.2"}, "logRecords": list(records)}],
                "schemaUrl": "https://opentelemetry.io/schemas/1.26.0",
            }
        ]
    }


def record(body: str | None = "cart saved", /, **more: object) -> dict[str, Any]:
    """A log record as an application's SDK makes it."""
    stated = {"timeUnixNano": str(NS), "observedTimeUnixNano": str(NS + 5_000_000_000), "severityText": "INFO"}
    return {**stated, **({} if body is None else {"body": text(body)}), **more}


def as_json(value: dict[str, Any]) -> bytes:
    """The encoding ``otlp_json``."""
    return json.dumps(value).encode()


def as_proto(value: dict[str, Any]) -> bytes:
    """The encoding ``otlp_proto``, from what the JSON says."""
    request = ExportLogsServiceRequest()
    for group in value["resourceLogs"]:
        resource = request.resource_logs.add()
        _fill(resource.resource.attributes, group["resource"]["attributes"])
        for scoped in group["scopeLogs"]:
            scope = resource.scope_logs.add()
            scope.scope.name = scoped["scope"]["name"]
            for each in scoped["logRecords"]:
                _fill_record(scope.log_records.add(), each)
    return request.SerializeToString()


def _fill_record(made: Any, given: dict[str, Any]) -> None:
    made.time_unix_nano = int(given.get("timeUnixNano", 0))
    made.observed_time_unix_nano = int(given.get("observedTimeUnixNano", 0))
    made.severity_text, made.event_name = given.get("severityText", ""), given.get("eventName", "")
    made.trace_id, made.span_id = bytes.fromhex(given.get("traceId", "")), bytes.fromhex(given.get("spanId", ""))
    if "body" in given:
        made.body.CopyFrom(_any_value(given["body"]))
    _fill(made.attributes, given.get("attributes", []))


def _fill(pairs: Any, given: list[dict[str, Any]]) -> None:
    for each in given:
        pairs.add(key=each["key"], value=_any_value(each["value"]))


def _any_value(given: dict[str, Any]) -> AnyValue:
    [(kind, value)] = given.items()
    made = AnyValue()
    if kind == "kvlistValue":
        _fill(made.kvlist_value.values, value["values"])
    elif kind == "arrayValue":
        made.array_value.values.extend(map(_any_value, value["values"]))
    else:
        name = {"stringValue": "string_value", "intValue": "int_value", "boolValue": "bool_value"}[kind]
        setattr(made, name, int(value) if kind == "intValue" else value)
    return made


ENCODINGS = pytest.mark.parametrize(("kind", "encoded"), [("otlp-json", as_json), ("otlp-proto", as_proto)])
Encoded = Callable[[dict[str, Any]], bytes]


def parse(kind: Kind, *values: bytes | None, header: str = "plain") -> ParsedLines:
    """Parse with no templates."""
    return LineParser(LineFormat(kind, header), Templates()).parse(values)


@ENCODINGS
def test_each_log_record_is_a_line(kind: Kind, encoded: Encoded):
    """It has its body's first line as message, its own time, and a number in its Kafka record."""
    value = encoded(logs(record("cart saved"), record("cart lost\n at Cart.java:7", timeUnixNano=str(NS + 2_000_000))))
    parsed = parse(kind, value, value)

    assert parsed.errors == []
    assert parsed.event_id == [event_id("cart saved"), event_id("cart lost")] * 2
    assert parsed.time_ms == [MS, MS + 2] * 2
    assert (parsed.record, parsed.line) == ([0, 0, 1, 1], [0, 1, 0, 1])


@ENCODINGS
def test_it_is_detected_by_its_content(kind: Kind, encoded: Encoded):
    """And stated to have times."""
    found = detect([encoded(logs(record(), record()))] * 3)

    assert found == Detection(LineFormat(kind), 1.0, 6)
    assert found.line_format.has_time


@ENCODINGS
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"timeUnixNano": "0"}, MS + 5000),
        ({"timeUnixNano": "0", "observedTimeUnixNano": "0"}, -1),
        ({"timeUnixNano": str((1 << 64) - 1)}, 18446744073709),
    ],
)
def test_a_record_without_a_time_takes_that_of_its_observation(kind: Kind, encoded: Encoded, more, expected):
    """Zero means unknown."""
    assert parse(kind, encoded(logs(record(**more)))).time_ms == [expected]


@ENCODINGS
def test_a_time_in_the_body_goes_before_that_of_observation(kind: Kind, encoded: Encoded):
    """A collector that only tails a file knows no other: the header is found, cut off and read."""
    line = "2024-05-06 07:08:09,123 INFO [main] shop.Cart: cart saved"
    value = encoded(logs(record(line, timeUnixNano="0")))

    assert detect([value]).line_format == LineFormat(kind, "log4j-thread")
    parsed = parse(kind, value, header="log4j-thread")
    assert parsed.event_id == [event_id("cart saved")]
    assert parsed.time_ms == [MS]


@ENCODINGS
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"body": {"kvlistValue": {"values": attributes(msg="cart saved", user="u7")}}}, "cart saved"),
        ({"body": {"kvlistValue": {"values": attributes(user="anna")}}}, '{"user":"anna"}'),
        ({"body": text('{"msg": "cart saved", "level": "info"}')}, "cart saved"),
        ({"body": {"arrayValue": {"values": [text("a"), {"intValue": "7"}, {"boolValue": True}]}}}, '["a",7,true]'),
        ({"body": {"intValue": "7"}}, "7"),
        ({"eventName": "cart.saved"}, "cart.saved"),
        ({"attributes": attributes(event="cart saved", user="u7")}, "cart saved"),
        ({"attributes": attributes(user="anna")}, '{"user":"anna"}'),
    ],
)
def test_a_body_need_not_be_text(kind: Kind, encoded: Encoded, more, said):
    """A map's message, or the map; without a body the event's name, or the attributes."""
    parsed = parse(kind, encoded(logs(record(None, **more))))

    assert parsed.event_id == [LineParser(LineFormat(), Templates()).parse([said.encode()]).event_id[0]]


@ENCODINGS
def test_a_log_record_that_says_nothing_is_passed_over(kind: Kind, encoded: Encoded):
    """As a blank line is: its number stays free. A record of nothing else is an error."""
    parsed = parse(kind, encoded(logs(record(None), record("cart saved"), record("  "))), encoded(logs(record(None))))

    assert (parsed.record, parsed.line) == ([0], [1])
    assert [(index, error.reason) for index, error in parsed.errors] == [(1, "empty")]


@ENCODINGS
@pytest.mark.parametrize(
    "spoil", [lambda value: value[:-3], lambda value: b"x" + value, lambda _: b"\x0a\xff\xff", lambda _: b"[[[["]
)
def test_what_is_damaged_is_an_error(kind: Kind, encoded: Encoded, spoil):
    """Its neighbours stay."""
    good = encoded(logs(record()))
    parsed = parse(kind, good, spoil(good), good)

    assert [index for index, _ in parsed.errors] == [1]
    assert {error.reason for _, error in parsed.errors} <= {"bad-json", "bad-otlp", "not-utf8"}
    assert parsed.record == [0, 2]


@ENCODINGS
@pytest.mark.parametrize("value", [None, b""])
def test_nothing_is_an_error(kind: Kind, encoded: Encoded, value):  # noqa: ARG001
    """No value, or an empty one."""
    assert [error.reason for _, error in parse(kind, value).errors] == ["empty"]


@pytest.mark.parametrize(
    "value",
    [
        b'{"msg": "a"}',
        b'{"resourceLogs": 7}',
        b'{"resourceLogs": [7]}',
        b'{"resourceLogs": [{"scopeLogs": {}}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": ["x"]}]}]}',
    ],
)
def test_json_of_another_form_is_an_error(value: bytes):
    """The lists must be lists of objects."""
    assert [error.reason for _, error in parse("otlp-json", value).errors] == ["bad-otlp"]


@ENCODINGS
def test_a_long_body_and_too_many_log_records_are_errors(kind: Kind, encoded: Encoded):
    """What a line may be in text, a body may be here."""
    parser = LineParser(LineFormat(kind), Templates(), max_line_bytes=100)
    long, whole = encoded(logs(record("x" * 101))), encoded(logs(*[record("x" * 100)] * 5))
    many = encoded(logs(*[{"body": text("x")}] * 65_537))
    parsed = parser.parse([long, whole, many])

    assert [(index, error.reason) for index, error in parsed.errors] == [(0, "too-long"), (2, "too-long")]
    assert parsed.record == [1] * 5


@ENCODINGS
def test_a_record_of_very_many_bytes_is_an_error(kind: Kind, encoded: Encoded):
    """It is not decoded, whatever is in it."""
    value = encoded(logs(record("up")))

    assert [error.reason for _, error in parse(kind, value.ljust(MAX_RECORD_BYTES + 1)).errors] == ["too-long"]


@ENCODINGS
def test_values_nested_too_deeply_count_as_missing(kind: Kind, encoded: Encoded):
    """The rest of the record is read."""
    body: dict[str, Any] = text("deep")
    for _ in range(40):
        body = {"arrayValue": {"values": [body]}}
    parsed = parse(kind, encoded(logs(record(None, body=body))))

    assert parsed.errors == []
    assert len(parsed.event_id) == 1


def test_protobuf_that_nests_without_end_is_an_error():
    """The decoder's own bound holds: nothing of ours walks down there."""
    body = b""
    for _ in range(1000):
        body = field(b"\x2a", field(b"\x0a", body))  # a list of one value
    value = field(b"\x0a", field(b"\x12", field(b"\x12", field(b"\x2a", body))))

    assert [error.reason for _, error in parse("otlp-proto", value).errors] == ["bad-otlp"]


def field(tag: bytes, content: bytes) -> bytes:
    """A message inside a message, as protobuf writes it."""
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return tag + bytes([*length, size]) + content
