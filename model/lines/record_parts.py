"""A record's lines one by one, to give each its key, and to part a record between keys.

The readers read many records quickly; this module looks at the lines of one. Both number them alike.
"""

from contextlib import suppress
from typing import Any, Protocol

import orjson

from model.errors import RecordError
from model.lines.fields import FieldPath, leaves_of, value_at
from model.lines.formats import LineFormat
from model.lines.framing import frames_in
from model.lines.json_fields import JsonFields
from model.lines.json_records import objects_in
from model.lines.otlp import Encoding, Entry, said_by
from model.lines.otlp_json import OtlpJson
from model.lines.otlp_proto import OtlpProto
from model.lines.records import bare_line

__all__ = ["RecordParts", "parts_of"]

_ENCODINGS: dict[str, Encoding] = {"otlp-json": OtlpJson(), "otlp-proto": OtlpProto()}


class RecordParts(Protocol):
    """The lines of a record."""

    def __len__(self) -> int:
        """How many lines the record has, blank ones included."""

    def goes_on(self, number: int) -> bool:
        """Whether a line without a key belongs to the line before it: in text, as the frames of a stack trace do."""

    def is_blank(self, number: int) -> bool:
        """Whether a line says nothing, so that readers pass it over: it belongs to the line before it in any case."""

    def text(self, number: int) -> bytes:
        """Give what an expression is searched in."""

    def field(self, number: int, path: FieldPath) -> object:
        """Give the value of a field of a line, None where it has none."""

    def fields(self, number: int) -> dict[str, object]:
        """Give everything that a line says by name, as ``field`` finds it: what is nested by its JSON pointer."""

    def value(self, start: int, stop: int) -> bytes:
        """Make a record value of some neighbouring lines, in the record's own format.

        Raises:
            RecordError: They cannot be written.
        """


def parts_of(value: bytes, line_format: LineFormat | None) -> RecordParts:
    """Take a record apart.

    Args:
        value: A record's value; anything.
        line_format: How lines are written; None decides by the content.

    Returns:
        Its lines. What cannot be read in its format is text.
    """
    kinds = ("otlp-json", "otlp-proto", "json") if line_format is None else (line_format.kind,)
    for kind in kinds:
        with suppress(RecordError):  # it is of another kind
            if kind in _ENCODINGS and (line_format is not None or _ENCODINGS[kind].may_be(value)):
                return _OtlpParts(_ENCODINGS[kind], value)
            if kind == "json" and b"{" in value:
                return _JsonParts(value, line_format)
    with suppress(RecordError):  # the counts do not fit: it is text
        if (line_format is None or line_format.may_be_counted) and (frames := frames_in(value)):
            return _FrameParts(frames, line_format)
    return _TextParts(value, line_format)


class _TextParts:
    def __init__(self, value: bytes, line_format: LineFormat | None) -> None:
        self._lines = value.strip().split(b"\n")
        self._header = None if line_format is None else line_format.text_header

    def __len__(self) -> int:
        return len(self._lines)

    def goes_on(self, number: int) -> bool:  # noqa: ARG002
        return True

    def is_blank(self, number: int) -> bool:
        return not self.text(number)

    def text(self, number: int) -> bytes:
        return bare_line(self._lines[number])

    def field(self, number: int, path: FieldPath) -> object:
        return None if self._header is None else value_at(self._header.fields(self.text(number)), path)

    def fields(self, number: int) -> dict[str, object]:
        return {} if self._header is None else {**self._header.fields(self.text(number))}

    def value(self, start: int, stop: int) -> bytes:
        return b"\n".join(self._lines[start:stop])


class _FrameParts(_TextParts):
    def __init__(self, frames: list[bytes], line_format: LineFormat | None) -> None:
        super().__init__(b"", line_format)
        self._lines = frames

    def goes_on(self, number: int) -> bool:  # noqa: ARG002
        return False

    def value(self, start: int, stop: int) -> bytes:
        return b"".join(b"%d %s" % (len(frame), frame) for frame in self._lines[start:stop])


class _JsonParts:
    def __init__(self, value: bytes, line_format: LineFormat | None) -> None:
        self._value = value
        self._objects = objects_in(value)
        self._message = JsonFields(None if line_format is None else line_format.message)

    def __len__(self) -> int:
        return len(self._objects)

    def goes_on(self, number: int) -> bool:  # noqa: ARG002
        return False

    def is_blank(self, number: int) -> bool:  # noqa: ARG002
        return False

    def text(self, number: int) -> bytes:
        if len(self) == 1:
            return bare_line(self._value)
        with suppress(RecordError):  # an object that cannot be written has no text to look for a key in
            return _dumped(self._objects[number])
        return b""

    def field(self, number: int, path: FieldPath) -> object:
        with suppress(RecordError):  # no message to unwrap: the fields are the object's own
            return value_at(self._message.unwrapped(self._objects[number])[0], path)
        return value_at(self._objects[number], path)

    def fields(self, number: int) -> dict[str, object]:
        with suppress(RecordError):
            return leaves_of(self._message.unwrapped(self._objects[number])[0])
        return leaves_of(self._objects[number])

    def value(self, start: int, stop: int) -> bytes:
        return b"\n".join(map(_dumped, self._objects[start:stop]))


class _OtlpParts:
    def __init__(self, encoding: Encoding, value: bytes) -> None:
        self._encoding = encoding
        self._entries = encoding.entries(value)
        self._neighbour: Entry | None = None
        self._shared: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def goes_on(self, number: int) -> bool:  # noqa: ARG002
        return False

    def is_blank(self, number: int) -> bool:
        return not said_by(self._encoding, self._entries[number].record)[0]

    def text(self, number: int) -> bytes:
        return self._encoding.text(self._entries[number].record).encode("utf-8", "replace")

    def field(self, number: int, path: FieldPath) -> object:
        """Look in the log record, in its attributes, and in those of its resource, which are read once for all."""
        for place in self._places(number):
            found = value_at(place, path)
            if found is not None:
                return found
        return None

    def fields(self, number: int) -> dict[str, object]:
        own, attributes, resource = self._places(number)
        top = {name: value for name, value in own.items() if not isinstance(value, dict)}
        return {**leaves_of(resource), **leaves_of(attributes), **leaves_of(top)}

    def _places(self, number: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        entry = self._entries[number]
        if self._neighbour is None or entry.scope is not self._neighbour.scope:
            self._shared, self._neighbour = self._encoding.shared(entry), entry
        own = self._encoding.fields(entry.record)
        snake = {"trace_id": own["traceId"], "span_id": own["spanId"], "severity_text": own["severityText"]}
        return {**own, **snake, **self._shared}, own["attributes"], self._shared["resource"]

    def value(self, start: int, stop: int) -> bytes:
        return self._encoding.written(self._entries[start:stop])


def _dumped(value: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise RecordError("bad-json", f"an object among several cannot be written again: {error}") from error
