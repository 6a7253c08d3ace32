"""What the fuzzer feeds to decoders: bytes of no form, and valid records that were changed."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.unit.model.lines.test_format_line import LINES as FORMAT_LINES
from tests.unit.model.lines.test_headers import LINES as HEADER_LINES
from tests.unit.model.lines.test_json_records import SHIPPERS
from tests.unit.model.lines.test_otlp import as_json, as_proto, attributes, logs, record

__all__ = ["FORMATS_OF_LINES", "JSON", "JSON_VALUES", "OTLP_JSON", "OTLP_PROTO", "SYSLOG", "TEXT", "batches", "mutated"]

#: What decoders look for, so that a change is likelier to lead somewhere than a byte drawn at random.
_TOKENS = (
    *(bytes([each]) for each in b'\x00\x09\x0a\x0b\x0d\x12\x1e\x85\xa0\xc3\xff {}[]<>()"\\:,.-+|0179'),
    *(b"\r\n", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\\u0000", b"\\ud800", b"\\n", b"null", b"NaN"),
    *(b"1e400", b"1e15", b"-1", b"99999999999999999999", b"253402300799999", b"1969", b"9999-12-31", b"+99:99"),
    *(b"<34>1 ", b"7 <1>", b"Feb 29 ", b"24:00:00", b"\\", b"<Content>", b")?", b"(", b'{"msg": "x"}', b"AM"),
)


def _changed(draw: DrawFn, value: bytes) -> bytes:
    at = draw(st.integers(0, max(0, len(value) - 1)))
    return value[:at] + draw(st.binary(min_size=1, max_size=1)) + value[at + 1 :]


def _cut(draw: DrawFn, value: bytes) -> bytes:
    start, stop = sorted((draw(st.integers(0, len(value))), draw(st.integers(0, len(value)))))
    return value[:start] + value[stop:]


def _inserted(draw: DrawFn, value: bytes) -> bytes:
    at = draw(st.integers(0, len(value)))
    return value[:at] + draw(st.sampled_from(_TOKENS) | st.binary(max_size=4)) + value[at:]


def _repeated(draw: DrawFn, value: bytes) -> bytes:
    start, stop = sorted((draw(st.integers(0, len(value))), draw(st.integers(0, len(value)))))
    return value[:start] + value[start:stop] * draw(st.integers(2, 40)) + value[stop:]


_CHANGES: tuple[Callable[[DrawFn, bytes], bytes], ...] = (_changed, _cut, _inserted, _repeated)


@st.composite
def mutated(draw: DrawFn, valid: SearchStrategy[bytes]) -> bytes:
    """A valid value with up to four changes; with none it stays valid."""
    value = draw(valid)
    for _ in range(draw(st.integers(0, 4))):
        value = draw(st.sampled_from(_CHANGES))(draw, value)[:100_000]
    return value


def batches(valid: SearchStrategy[bytes]) -> SearchStrategy[Sequence[bytes | None]]:
    """Record values of one batch: changed ones mostly, some of no form, some missing."""
    return st.lists(mutated(valid) | mutated(valid) | st.binary(max_size=60) | st.none(), max_size=5)


def _counted(messages: Sequence[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


# Named: hypothesis parses the module of a lambda to describe it, which CPython 3.11 may fail to within a deep call.
def _containers(below: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3)


def _text_body(text: str) -> dict[str, Any]:
    return {"stringValue": text}


def _number_body(number: int) -> dict[str, Any]:
    return {"intValue": str(number)}


def _truth_body(truth: bool) -> dict[str, Any]:  # noqa: FBT001 -- a value
    return {"boolValue": truth}


def _array_body(values: list[Any]) -> dict[str, Any]:
    return {"arrayValue": {"values": values}}


def _pairs_body(pairs: dict[str, Any]) -> dict[str, Any]:
    return {"kvlistValue": {"values": [{"key": key, "value": value} for key, value in pairs.items()]}}


def _bodies(below: SearchStrategy[Any]) -> SearchStrategy[Any]:
    pairs = st.dictionaries(st.text(max_size=5), below, max_size=3)
    return st.lists(below, max_size=3).map(_array_body) | pairs.map(_pairs_body)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), _containers, max_leaves=8
)
#: Lists in lists: more than this project follows, more than JSON's writer writes, more than its reader reads.
_DEEP = st.sampled_from([40, 300, 1200]).map(lambda depth: json.loads("[" * depth + "]" * depth))
_SHIPPED = [json.dumps(shipped[0]).encode() for shipped in SHIPPERS.values()]
_NAMES = st.sampled_from(["msg", "message", "log", "time", "ts", "event", "level", "a.b", "x"])
_OBJECTS = st.dictionaries(_NAMES, JSON_VALUES | JSON_VALUES | _DEEP, max_size=5).map(
    lambda each: json.dumps(each).encode()
)
_LINES_OF_OBJECTS = st.lists(st.sampled_from(_SHIPPED) | _OBJECTS, min_size=1, max_size=3)
JSON = _LINES_OF_OBJECTS.map(b"\n".join) | _LINES_OF_OBJECTS.map(lambda each: b"[" + b",".join(each) + b"]")

_BODIES = st.recursive(
    st.text(max_size=20).map(_text_body)
    | st.integers(-(1 << 63), (1 << 63) - 1).map(_number_body)
    | st.booleans().map(_truth_body),
    _bodies,
    max_leaves=6,
)
_RECORDS = st.builds(
    lambda body, time, trace: record(
        None, body=body, timeUnixNano=str(time), traceId=trace, attributes=attributes(a=trace)
    ),
    _BODIES,
    st.integers(0, (1 << 64) - 1),
    st.sampled_from(["", "01" * 16, "ff" * 16]),
)
_LOGS = st.lists(_RECORDS, max_size=3).map(lambda records: logs(*records))
#: What only JSON can say: values of another form than their name, and numbers of any size.
_KINDS = st.sampled_from(
    ["stringValue", "intValue", "boolValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue"]
)
_ANYTHING = JSON_VALUES | _DEEP | st.integers(-(10**19), 10**20 - 1).map(str)
_ODD = st.builds(lambda kind, value: {kind: value}, _KINDS, _ANYTHING)
_ODD_LOGS = st.builds(
    lambda body, value: logs(record("said", attributes=[{"key": "k", "value": value}]), record(None, body=body)),
    _ODD,
    _ODD,
)
OTLP_JSON = (_LOGS | _ODD_LOGS).map(as_json)
OTLP_PROTO = _LOGS.map(as_proto)

_TEXT_LINES = [line.encode() for _, line, _, _ in HEADER_LINES]
TEXT = st.lists(st.sampled_from(_TEXT_LINES), min_size=1, max_size=3).map(b"\n".join)
_SYSLOG_LINES = [line.encode() for header, line, _, _ in HEADER_LINES if header.startswith("syslog")]
_MESSAGES = [
    *(line if line.startswith(b"<") else b"<34>" + line for line in _SYSLOG_LINES),
    b'<165>1 2003-10-11T22:14:15.003Z host app 7 ID47 [a@1 b="c\\"]"] \xef\xbb\xbfup',
    b"<34>1 - - - - - - said\n  at a second line\n",
]
SYSLOG = st.lists(st.sampled_from(_MESSAGES), min_size=1, max_size=3).map(_counted) | st.sampled_from(_SYSLOG_LINES)
#: Format lines with a line of each.
FORMATS_OF_LINES = [(written, line.encode()) for written, line, _ in FORMAT_LINES]
