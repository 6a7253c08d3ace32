"""OTLP: many log lines in one record, as the OpenTelemetry Collector's Kafka exporter writes them.

``resourceLogs > scopeLogs > logRecords``, in JSON or protobuf; the two encodings are in modules of their own. Source of
the data model: opentelemetry-specification, "Logs Data Model".
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from model.errors import RecordError
from model.lines.epochs import NO_TIME
from model.lines.field_times import FieldClock
from model.lines.fields import text_of
from model.lines.formats import LineFormat
from model.lines.json_fields import WHITE_SPACE, JsonFields, inner_object, usual_message
from model.lines.records import MAX_LINES, MAX_RECORD_BYTES, Lines

__all__ = ["MAX_DEPTH", "Encoding", "Entry", "OtlpReader", "said_by"]

#: Values nested more deeply count as missing.
MAX_DEPTH = 32


class Entry(NamedTuple):
    """A log record with what it shares with its neighbours, as the encoding has them."""

    resource: Any
    scope: Any
    record: Any


class Encoding(Protocol):
    """One of the two ways in which OTLP is written."""

    def may_be(self, value: bytes) -> bool:
        """Tell at a glance whether a Kafka record is worth decoding."""

    def entries(self, value: bytes) -> list[Entry]:
        """Decode the log records of a Kafka record.

        Raises:
            RecordError: It is no OTLP.
        """

    def text(self, record: Any) -> str:  # noqa: ANN401
        """Give the body of a log record, empty where it is no text."""

    def times_ms(self, record: Any) -> tuple[int, int]:  # noqa: ANN401
        """Give when a log record happened and when it was observed; ``NO_TIME`` for what is not stated."""

    def fields(self, record: Any) -> dict[str, Any]:  # noqa: ANN401
        """Give a log record as plain values.

        Returns:
            ``body``, ``severityText``, ``eventName``, ``traceId``, ``spanId`` and ``attributes``.
        """

    def shared(self, entry: Entry) -> dict[str, Any]:
        """Give what a log record shares with its neighbours as plain values: it may be far larger than the record.

        Returns:
            ``scope`` (its name and version) and ``resource`` (its attributes).
        """

    def written(self, entries: Sequence[Entry]) -> bytes:
        """Write some log records, neighbours in one Kafka record, as a Kafka record of their own.

        Raises:
            RecordError: They cannot be written.
        """


class _Line(NamedTuple):
    number: int
    text: str
    time_ms: int
    observed_ms: int


class OtlpReader:
    """Reads records of OTLP.

    Args:
        encoding: How they are encoded.
        line_format: Where inner JSON objects have their time.
        max_line_bytes: The longest body allowed.
    """

    def __init__(self, encoding: Encoding, line_format: LineFormat, max_line_bytes: int) -> None:
        self._encoding = encoding
        self._max_line_bytes = max_line_bytes
        self._fields = JsonFields()
        self._clock = FieldClock(line_format.time_zone)

    def read(self, values: Sequence[bytes | None]) -> Lines:
        """Read records.

        Returns:
            The first line of each body. A log record that says nothing is passed over, as blank lines are.
        """
        lines = Lines()
        found: list[_Line] = []
        for index, value in enumerate(values):
            try:
                of_record = self._lines_of(value)
            except RecordError as error:
                lines.errors.append((index, error))
                continue
            lines.record += [index] * len(of_record)
            found += of_record
        lines.line = [line.number for line in found]
        lines.time_ms = [line.time_ms for line in found]
        lines.observed_ms = [line.observed_ms for line in found]
        if found:
            lines.joined = "\n".join([line.text for line in found]).encode("utf-8", "replace")
            lines.text = lines.joined.split(b"\n")
        return lines

    def _lines_of(self, value: bytes | None) -> list[_Line]:
        if not value:
            raise RecordError("empty", "the record has no value")
        if len(value) > MAX_RECORD_BYTES:
            raise RecordError("too-long", f"the record has {len(value)} bytes; allowed are {MAX_RECORD_BYTES}")
        entries = self._encoding.entries(value)
        if len(entries) > MAX_LINES:
            raise RecordError("too-long", f"the record has {len(entries)} log records; allowed are {MAX_LINES}")
        found = [line for number, entry in enumerate(entries) if (line := self._line(number, entry)) is not None]
        if not found:
            raise RecordError("empty", "the record holds no log record with a body, an event name or attributes")
        return found

    def _line(self, number: int, entry: Entry) -> _Line | None:
        time_ms, observed_ms = self._encoding.times_ms(entry.record)
        text = self._encoding.text(entry.record).strip(WHITE_SPACE)
        if not text or text[0] == "{":
            text, inner = said_by(self._encoding, entry.record)
            time_ms = self._clock.time(self._fields.time(inner)) if time_ms == NO_TIME and inner else time_ms
        if "\n" in text:
            text = text.partition("\n")[0].rstrip(WHITE_SPACE)
        if not text:
            return None
        # A character has at most four bytes: most lines need no counting.
        if 4 * len(text) > self._max_line_bytes and len(text.encode("utf-8", "replace")) > self._max_line_bytes:
            raise RecordError(
                "too-long", f"log record {number} has {len(text)} characters; allowed are {self._max_line_bytes} bytes"
            )
        return _Line(number, text, time_ms, observed_ms)


def said_by(encoding: Encoding, record: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401
    """Find what a log record says: its body, or else the event's name, or its attributes.

    Returns:
        The text, empty where the record says nothing; the object that has it as its message, empty where there is none.
    """
    text = encoding.text(record).strip(WHITE_SPACE)
    if text:
        inner = inner_object(text)
        return (usual_message(inner) or text), inner
    fields = encoding.fields(record)
    for candidate in (fields["body"], fields["eventName"], fields["attributes"]):
        inner = candidate if isinstance(candidate, dict) else {}
        if said := usual_message(inner) or (text_of(candidate).strip(WHITE_SPACE) if candidate else ""):
            return said, inner
    return "", {}
