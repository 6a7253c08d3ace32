"""Reading record values: which log lines are in a record, and what is wrong with one that has none.

A record is read whole or not at all: one line that cannot be read makes the record an error, so that a dead letter and
the windows never both hold a part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from model.errors import RecordError
from model.lines.fields import bytes_of, field_path, value_at
from model.lines.formats import MESSAGE_FIELDS, TIME_FIELDS, LineFormat
from model.lines.times import NO_TIME, time_of_number, time_of_text

__all__ = ["MAX_LINES", "MAX_LINE_BYTES", "Lines", "raw_line", "read_json", "read_text"]

#: Longer lines are errors, in bytes.
MAX_LINE_BYTES = 1 << 20
#: A place is ``offset << 16 | line``: the number of a line has 16 bits.
MAX_LINES = 1 << 16

_SHOWN_BYTES = 80


@dataclass(slots=True)
class Lines:
    """The lines of a batch of records, as parallel columns.

    Attributes:
        record: Index of the record.
        line: Number of the line in its record.
        text: The line; of JSON, its message. Without a newline, white space at its ends taken off, never empty.
        time_ms: Event times, if reading found them already (JSON).
        joined: All texts with a newline between two, if reading has joined them already.
        errors: Records that cannot be read.
    """

    record: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    text: list[bytes] = field(default_factory=list)
    time_ms: list[int] | None = None
    joined: bytes | None = None
    errors: list[tuple[int, RecordError]] = field(default_factory=list)


def read_text(values: Sequence[bytes | None], max_line_bytes: int) -> Lines:
    """Read records of text, one line or several in a record.

    Args:
        values: Record values.
        max_line_bytes: The longest line allowed.

    Returns:
        Their lines, blank ones left out.
    """
    plain = _all_plain(values, max_line_bytes)
    if plain is not None:
        return plain
    lines = Lines()
    for index, value in enumerate(values):
        try:
            found = _lines_of(value, max_line_bytes)
        except RecordError as error:
            lines.errors.append((index, error))
            continue
        lines.record += [index] * len(found)
        lines.line += [number for number, _ in found]
        lines.text += [text for _, text in found]
    return lines


def read_json(values: Sequence[bytes | None], line_format: LineFormat, max_line_bytes: int) -> Lines:
    """Read records of JSON: an object, an array of objects, or an object a line.

    Args:
        values: Record values.
        line_format: Which fields hold message and time.
        max_line_bytes: The longest record allowed.

    Returns:
        Their messages (of several lines, the first that is not blank) and times.
    """
    times: list[int] = []
    lines = Lines(time_ms=times)
    fields = _Fields(line_format)
    for index, value in enumerate(values):
        try:
            found = [(fields.message(each), fields.time_ms(each)) for each in _objects_of(value, max_line_bytes)]
        except RecordError as error:
            lines.errors.append((index, error))
            continue
        lines.record += [index] * len(found)
        lines.line += range(len(found))
        lines.text += [message for message, _ in found]
        times += [time_ms for _, time_ms in found]
    return lines


def raw_line(value: bytes, number: int) -> bytes:
    """Find a line's own bytes in its record again, to show them.

    Args:
        value: The record's value.
        number: The number that reading gave the line.

    Returns:
        The line; the whole value where it is one JSON value over several lines, or has no such line.
    """
    parts = value.strip().split(b"\n", MAX_LINES)
    if number >= len(parts) or (parts[0].strip() in {b"{", b"["}):
        return value
    return parts[number].strip()


def _all_plain(values: Sequence[bytes | None], max_line_bytes: int) -> Lines | None:
    """Read a batch in which nothing is out of the ordinary, in a few passes over the whole; None for any other."""
    if not values or None in values:
        return None
    texts = list(map(bytes.strip, values))  # type: ignore[arg-type]
    joined = b"\n".join(texts)
    if joined.count(b"\n") != len(texts) - 1 or not all(texts) or len(max(texts, key=len)) > max_line_bytes:
        return None
    if not (joined.isascii() or _is_utf8(joined)):
        return None
    count = len(texts)
    return Lines(record=list(range(count)), line=[0] * count, text=texts, joined=joined)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines_of(value: bytes | None, max_line_bytes: int) -> list[tuple[int, bytes]]:
    # White space around a record is none of its lines: lines are numbered from the first that says something.
    value = _checked(value).strip()
    parts = value.split(b"\n", MAX_LINES)
    found = [(number, text) for number, part in enumerate(parts) if (text := part.strip())]
    if len(parts) > MAX_LINES:
        raise RecordError("too-long", f"the record has more than {MAX_LINES} lines")
    for number, text in found:
        if len(text) > max_line_bytes:
            raise RecordError("too-long", f"line {number} has {len(text)} bytes; allowed are {max_line_bytes}")
    return found


def _checked(value: bytes | None) -> bytes:
    if value is None or not value.strip():
        raise RecordError("empty", "the record has no value" if value is None else "the record holds white space only")
    if not (value.isascii() or _is_utf8(value)):
        raise RecordError("not-utf8", f"the record is not UTF-8; it begins with {value[:_SHOWN_BYTES]!r}")
    return value


def _objects_of(value: bytes | None, max_bytes: int) -> list[dict[str, Any]]:
    if value is not None and len(value) > max_bytes:
        raise RecordError("too-long", f"the record has {len(value)} bytes; allowed are {max_bytes}")
    if value is None or not value.strip():
        _checked(value)
    decoded = _decoded(value or b"")
    objects = decoded if isinstance(decoded, list) else [decoded]
    if not objects or not all(isinstance(each, dict) for each in objects):
        raise RecordError("bad-json", f"the record is no JSON object; it begins with {(value or b'')[:_SHOWN_BYTES]!r}")
    if len(objects) > MAX_LINES:
        raise RecordError("too-long", f"the record has {len(objects)} objects; allowed are {MAX_LINES}")
    return objects


def _decoded(value: bytes) -> Any:  # noqa: ANN401  (any JSON value)
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        lines = [line for line in value.split(b"\n") if line.strip()]
        if len(lines) > 1:
            return [_decoded(line) for line in lines]
        _checked(value)
        raise RecordError("bad-json", f"{error}; the record begins with {value[:_SHOWN_BYTES]!r}") from error


class _Fields:
    """Looks for message and time in objects: first where the format says, then under the usual names."""

    def __init__(self, line_format: LineFormat) -> None:
        self._message = _paths(line_format.message, MESSAGE_FIELDS)
        self._time = _paths(line_format.time, TIME_FIELDS)

    def message(self, record: dict[str, Any]) -> bytes:
        """The first line of an object's message.

        Raises:
            RecordError: It has none.
        """
        found = [value for path in self._message if (value := value_at(record, path)) is not None]
        # Text goes first: where "event" is an object and "msg" a text, the text is the message.
        for value in sorted(found, key=lambda value: not isinstance(value, str)):
            if line := _first_line(bytes_of(value)):
                return line
        names = ", ".join(list(record)[:10])[:_SHOWN_BYTES]
        raise RecordError("no-message", f"no field holds a message; the object has the fields: {names}")

    def time_ms(self, record: dict[str, Any]) -> int:
        """An object's time, ``NO_TIME`` where it states none."""
        for path in self._time:
            value = value_at(record, path)
            if value is not None:
                return _time_of(value)
        return NO_TIME


def _paths(field: str | None, usual: Sequence[str]) -> list[tuple[str, ...]]:
    paths = [] if field is None else [field_path(field)]
    return paths + [(name,) for name in usual if name != field]


def _first_line(text: bytes) -> bytes:
    return text.strip().partition(b"\n")[0].rstrip()


def _time_of(value: object) -> int:
    if isinstance(value, str):
        return time_of_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return time_of_number(value)
    return NO_TIME
