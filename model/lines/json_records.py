"""Reading records of JSON: an object, an array of objects, or an object a line."""

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from model.errors import RecordError
from model.lines.field_times import FieldClock
from model.lines.fields import field_path, value_at
from model.lines.formats import LineFormat
from model.lines.json_fields import WHITE_SPACE, JsonFields
from model.lines.records import MAX_LINES, Lines, checked

__all__ = ["JsonReader", "objects_in"]

_SHOWN_BYTES = 80
_LONGEST_PREFIX = 512
#: What container runtimes and syslog servers put before an object: a time or a priority, and more.
_PREFIX = re.compile(rb"(?:<\d{1,3}>|\d{4}-\d\d-\d\dT|[A-Z][a-z][a-z] [ \d]\d )[^{\n]*")


class JsonReader:
    """Reads records of JSON.

    Args:
        line_format: Which fields hold message and time.
        max_bytes: The longest record allowed.
    """

    def __init__(self, line_format: LineFormat, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._fields = JsonFields(line_format.message, line_format.time, line_format.level)
        self._clock = FieldClock(line_format.time_zone)
        self._message_of = _getter(line_format.message or "message")
        self._time_of = self._fields.time if line_format.time is None else _getter(line_format.time)

    def read(self, values: Sequence[bytes | None], record_times_ms: Sequence[int] | None = None) -> Lines:
        """Read records.

        Args:
            values: Record values.
            record_times_ms: The timestamp of each record, for times that state no year.

        Returns:
            Their messages (of several lines, the first that is not blank) and times.
        """
        lines = Lines()
        texts: list[str] = []
        stamps: list[object] = []
        for index, value in enumerate(values):
            try:
                found = self._plain(value) or self._lines_of(value)
            except RecordError as error:
                lines.errors.append((index, error))
                continue
            lines.record += [index] * len(found)
            lines.line += range(len(found))
            texts += [text for text, _ in found]
            stamps += [stamp for _, stamp in found]
        if texts:
            lines.joined = "\n".join(texts).encode("utf-8", "replace")
            lines.text = lines.joined.split(b"\n")
        references = None if record_times_ms is None else [record_times_ms[record] for record in lines.record]
        lines.time_ms = self._clock.times(stamps, references)
        return lines

    def _plain(self, value: bytes | None) -> list[tuple[str, object]] | None:
        """Read a record in which nothing is out of the ordinary; None for any other."""
        try:
            record = orjson.loads(value)  # type: ignore[arg-type]
            text, stamp = self._message_of(record), self._time_of(record)
        except (ValueError, TypeError, LookupError):
            return None
        if type(text) is not str or type(record) is not dict or len(value or b"") > self._max_bytes:
            return None
        text = text.strip(WHITE_SPACE)
        return None if not text or "\n" in text or text[0] == "{" else [(text, stamp)]

    def _lines_of(self, value: bytes | None) -> list[tuple[str, object]]:
        if value is not None and len(value) > self._max_bytes:
            raise RecordError("too-long", f"the record has {len(value)} bytes; allowed are {self._max_bytes}")
        unwrapped = map(self._fields.unwrapped, objects_in(value))
        return [(text, self._fields.time(record)) for record, text in unwrapped]


def objects_in(value: bytes | None) -> list[dict[str, Any]]:
    """Decode the objects of a record.

    Raises:
        RecordError: It holds something else, nothing, or too many.
    """
    decoded = _decoded(checked(value))
    objects = decoded if isinstance(decoded, list) else [decoded]
    if not objects or not all(isinstance(each, dict) for each in objects):
        raise RecordError("bad-json", f"the record is no JSON object; it begins with {(value or b'')[:_SHOWN_BYTES]!r}")
    if len(objects) > MAX_LINES:
        raise RecordError("too-long", f"the record has {len(objects)} objects; allowed are {MAX_LINES}")
    return objects


def _decoded(value: bytes) -> Any:  # noqa: ANN401  (any JSON value)
    try:
        return orjson.loads(_bare(value))
    except orjson.JSONDecodeError as error:
        lines = [line for line in value.split(b"\n") if line.strip()]
        if len(lines) > 1:
            return [_decoded(line) for line in lines]
        raise RecordError("bad-json", f"{error}; the record begins with {value[:_SHOWN_BYTES]!r}") from error


def _bare(value: bytes) -> bytes:
    """Take off what stands before an object: a byte order mark, a record separator, a container runtime's columns."""
    value = value.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x1e \t\r\n")
    prefix = _PREFIX.match(value, 0, _LONGEST_PREFIX)
    return value[prefix.end() :] if prefix else value


def _getter(field: str) -> Callable[[Any], Any]:
    path = field_path(field)
    if len(path) == 1 and "." not in path[0]:
        return operator.itemgetter(path[0])
    return lambda record: value_at(record, path)
