"""A line's own bytes, found again in its record: to show them."""

from contextlib import suppress

import orjson

from model.errors import RecordError
from model.lines.epochs import NO_TIME
from model.lines.framing import frames_in
from model.lines.otlp import Encoding, Entry
from model.lines.otlp_json import OtlpJson
from model.lines.otlp_proto import OtlpProto
from model.lines.records import MAX_LINES

__all__ = ["raw_line"]

_ENCODINGS: tuple[Encoding, ...] = (OtlpJson(), OtlpProto())


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
    bare = value.strip()
    element = _log_record(value, number) or (_element(bare, number) if bare.startswith(b"[") else None)
    if element is not None:
        return element
    parts = _frames(value) or bare.split(b"\n", MAX_LINES)
    if bare.startswith(b"{"):  # blank lines between objects have no number
        parts = [part for part in parts if part.strip()]
    if number >= len(parts) or parts[0].strip() == b"{":
        return value
    return parts[number].strip()


def _frames(value: bytes) -> list[bytes] | None:
    try:
        return frames_in(value)
    except RecordError:
        return None


def _element(array: bytes, number: int) -> bytes | None:
    try:
        objects = orjson.loads(array)
        return orjson.dumps(objects[number]) if number < len(objects) else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _log_record(value: bytes, number: int) -> bytes | None:
    for encoding in _ENCODINGS:
        with suppress(RecordError):  # it is not in this encoding
            entries = encoding.entries(value) if encoding.may_be(value) else []
            if number < len(entries):
                return _shown(encoding, entries[number]) or value
    return None


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
