"""Which format a sample of records has."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from model.errors import RecordError
from model.events.shapes import shapes
from model.lines.epochs import NO_TIME
from model.lines.field_times import FieldClock
from model.lines.fields import field_path, value_at
from model.lines.formats import KINDS, Kind, LineFormat
from model.lines.framing import frames_in
from model.lines.headers import HEADERS, PLAIN, Header
from model.lines.json_fields import JsonFields
from model.lines.json_records import objects_in
from model.lines.names import LEVEL_FIELDS, MESSAGE_FIELDS, TIME_FIELDS
from model.lines.otlp import Encoding, Entry
from model.lines.otlp_json import OtlpJson
from model.lines.otlp_proto import OtlpProto

__all__ = ["Detection", "detect", "detect_format"]

_SAMPLE_LINES = 2000
_SAMPLE_BYTES = 8192
_MOST_BYTES = 16 << 20
_ENCODINGS: dict[Kind, Encoding] = {"otlp-json": OtlpJson(), "otlp-proto": OtlpProto()}
#: A header is believed if this share of the lines has it, and this share of those that have the commonest one.
_LEAST_SHARE = 0.3
_LEAST_OF_BEST = 0.9
#: Of messages in JSON fields more is asked: most have no header at all.
_LEAST_SHARE_OF_MESSAGES = 0.5
_TIMED = [header for header in HEADERS.values() if header.has_time]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a sample was found to be.

    Attributes:
        line_format: The one format of the stream.
        confidence: The share of the sample's lines that are written so, 0 to 1; 0 where there was no line.
        lines: How many lines were looked at.
    """

    line_format: LineFormat
    confidence: float
    lines: int


def detect_format(sample: Iterable[bytes | None]) -> LineFormat:
    """Find the format that most lines of a sample have; as ``detect``."""
    return detect(sample).line_format


def detect(sample: Iterable[bytes | None]) -> Detection:
    """Find the format that most lines of a sample have.

    Args:
        sample: Record values or lines; the first 2,000 lines are looked at, blank ones left out.

    Returns:
        OTLP or JSON where most lines are such; else the most particular header that (nearly) as many lines have as any;
        plain text where no header is common.
    """
    found: dict[Kind, list[Any]] = {kind: [] for kind in KINDS}
    for value in _bounded(sample):
        kind, lines = _lines_of(value)
        found[kind] += lines[:_SAMPLE_LINES]
        if sum(map(len, found.values())) >= _SAMPLE_LINES:
            break
    kind = max(KINDS, key=lambda each: len(found[each]))
    lines, count = found[kind], sum(map(len, found.values()))
    share = len(lines) / max(1, count)
    if kind == "json":
        return Detection(_json_format(lines), share, count)
    if kind != "text":
        return Detection(LineFormat(kind, _header_of_messages(lines)), share, count)
    header, having = _header_of(shapes(lines), HEADERS.values(), _LEAST_SHARE)
    return Detection(LineFormat("text", header), having / max(1, count), count)


def _lines_of(value: bytes) -> tuple[Kind, list[Any]]:
    """Give the kind of a record by its content, and its lines: objects of JSON, texts of all others."""
    for kind, encoding in _ENCODINGS.items():
        if entries := _entries(encoding, value):
            return kind, [encoding.text(entry.record) for entry in entries]
    if objects := _objects(value):
        return "json", objects
    return "text", [line.strip()[:_SAMPLE_BYTES] for line in _text_lines(value) if line.strip()]


def _text_lines(value: bytes) -> list[bytes]:
    try:
        return frames_in(value) or value.split(b"\n")
    except RecordError:
        return []


def _entries(encoding: Encoding, value: bytes) -> list[Entry]:
    try:
        return encoding.entries(value) if encoding.may_be(value) else []
    except RecordError:
        return []


def _bounded(sample: Iterable[bytes | None]) -> Iterator[bytes]:
    held = 0
    for value in sample:
        if value:
            yield value
            held += len(value)
        if held > _MOST_BYTES:
            return


def _objects(value: bytes) -> list[dict[str, Any]]:
    try:
        return objects_in(value) if b"{" in value else []
    except RecordError:
        return []


def _json_format(objects: Sequence[dict[str, Any]]) -> LineFormat:
    clock = FieldClock()
    message = _usual(objects, MESSAGE_FIELDS, lambda value: isinstance(value, str))
    unwrapped = list(_unwrapped(objects, message))
    inner = [record for record, _ in unwrapped]
    time = _usual(inner, TIME_FIELDS, lambda value: clock.time(value) != NO_TIME)
    header = _header_of_messages([text for _, text in unwrapped])
    return LineFormat("json", header, message, time, _usual(inner, LEVEL_FIELDS, _is_level))


def _unwrapped(objects: Sequence[dict[str, Any]], message: str | None) -> Iterator[tuple[dict[str, Any], str]]:
    fields = JsonFields(message)
    for each in objects:
        with suppress(RecordError):  # a format is found by the objects that have a message
            yield fields.unwrapped(each)


def _header_of_messages(messages: Sequence[str]) -> str:
    """Name the header that most messages have: only one with a time is believed, for most messages have none."""
    lines = [text.strip()[:_SAMPLE_BYTES].encode("utf-8", "replace") for text in messages]
    return _header_of(shapes(lines), _TIMED, _LEAST_SHARE_OF_MESSAGES)[0]


def _is_level(value: object) -> bool:
    return isinstance(value, str | int)


def _usual(objects: Sequence[dict[str, Any]], names: Sequence[str], fits: Callable[[object], bool]) -> str | None:
    """Give the usual name that most objects have; of equals the first."""
    counts = Counter(name for each in objects for name in names if fits(value_at(each, field_path(name))))
    return max(counts, key=lambda name: (counts[name], -names.index(name))) if counts else None


def _header_of(found: Sequence[bytes], headers: Iterable[Header], least_share: float) -> tuple[str, int]:
    """Name the header that most shapes have, and one behind it where there may be one; count those that have it."""
    outer, having = _common_header(found, headers, least_share)
    if not outer.is_envelope:
        return outer.name, having
    behind = [outer.message(shape) for shape in found if outer.pattern.match(shape)]
    inner, _ = _common_header(behind, _TIMED, _LEAST_SHARE_OF_MESSAGES)
    return (outer.name if inner is PLAIN else f"{outer.name}+{inner.name}"), having


def _common_header(found: Sequence[bytes], headers: Iterable[Header], least_share: float) -> tuple[Header, int]:
    """Give the header that most shapes have, and how many have it; where too few have any, that of plain text."""
    often = Counter(found)
    counts = {header: sum(count for shape, count in often.items() if header.pattern.match(shape)) for header in headers}
    counts.pop(PLAIN, None)
    best = max(counts.values())
    if best < least_share * len(found) or not best:
        return PLAIN, len(found)
    return next((header, count) for header, count in counts.items() if count >= _LEAST_OF_BEST * best)
