"""A line's own bytes, found again in its record: to show them."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import orjson

from model.errors import RecordError
from model.lines.epochs import NO_TIME
from model.lines.framing import frames_in
from model.lines.otlp import Encoding, Entry
from model.lines.otlp_json import OtlpJson
from model.lines.otlp_proto import OtlpProto
from model.lines.records import MAX_LINES

__all__ = ["RawLines", "raw_line"]

_ENCODINGS: tuple[Encoding, ...] = (OtlpJson(), OtlpProto())

#: Bytes of memory, for RawLines.weight: for each byte of a record, its text alone or parsed (``{},`` costs most) ...
_SPLIT = 2
_PARSED = 24
#: ... and more for each part and each log record.
_PART = 64
_ENTRY = 256


class RawLines:
    """A record taken apart once, for one line after the other.

    Args:
        value: The record's value.

    Attributes:
        weight: About how many bytes of memory this holds, estimated high.
    """

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._entries = list(_log_records(value))
        self._objects = _objects(value)
        self._parts = _parts(value)
        parsed = len(self._objects) + sum(len(entries) for _, entries in self._entries)
        self.weight = (_PARSED if parsed else _SPLIT) * len(value) + _PART * len(self._parts) + _ENTRY * parsed

    def line(self, number: int) -> bytes:
        """Find a line's own bytes; see `raw_line`."""
        for encoding, entries in self._entries:
            if number < len(entries):
                return _shown(encoding, entries[number]) or self._value
        if number < len(self._objects):
            with suppress(orjson.JSONEncodeError):  # then the line is looked for as if it were text
                return orjson.dumps(self._objects[number])
        if number >= len(self._parts) or self._parts[0].strip() == b"{":
            return self._value
        return self._parts[number].strip()


def raw_line(value: bytes, number: int) -> bytes:
    """Find a line's own bytes in its record.

    Args:
        value: The record's value.
        number: The number that reading gave the line.

    Returns:
        The line; of an array of JSON objects, its object; of OTLP, the log record as JSON with what it shares with its
        neighbours. The whole value where it is one JSON value over several lines, has no such line, or holds what JSON
        can say and cannot be written again, such as lists in very many lists.
    """
    return RawLines(value).line(number)


def _parts(value: bytes) -> list[bytes]:
    bare = value.strip()
    parts = _frames(value) or bare.split(b"\n", MAX_LINES)
    if bare.startswith(b"{"):  # blank lines between objects have no number
        parts = [part for part in parts if part.strip()]
    return parts


def _frames(value: bytes) -> list[bytes] | None:
    try:
        return frames_in(value)
    except RecordError:
        return None


def _objects(value: bytes) -> list[Any]:
    bare = value.strip()
    try:
        return list(orjson.loads(bare)) if bare.startswith(b"[") else []
    except orjson.JSONDecodeError:
        return []


def _log_records(value: bytes) -> Iterator[tuple[Encoding, Sequence[Entry]]]:
    for encoding in _ENCODINGS:
        with suppress(RecordError):  # it is not in this encoding
            if encoding.may_be(value):
                yield encoding, encoding.entries(value)


def _shown(encoding: Encoding, entry: Entry) -> bytes | None:
    """Give what a log record states, times in milliseconds since 1970; None where that cannot be written."""
    time_ms, observed_ms = encoding.times_ms(entry.record)
    times = {"time": time_ms, "observedTime": observed_ms}
    fields = {**encoding.fields(entry.record), **encoding.shared(entry)}
    stated = {name: value for name, value in fields.items() if value not in (None, "", {})}
    try:
        return orjson.dumps({**{name: each for name, each in times.items() if each != NO_TIME}, **stated})
    except orjson.JSONEncodeError:
        return None
