"""Which format a sample of records has."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from model.errors import RecordError
from model.events.shapes import shapes
from model.lines.epochs import NO_TIME
from model.lines.field_times import FieldClock
from model.lines.fields import field_path, value_at
from model.lines.formats import LineFormat
from model.lines.headers import HEADERS, PLAIN, Header
from model.lines.json_records import objects_in
from model.lines.names import LEVEL_FIELDS, MESSAGE_FIELDS, TIME_FIELDS

__all__ = ["Detection", "detect", "detect_format"]

_SAMPLE_LINES = 2000
_SAMPLE_BYTES = 8192
_MOST_BYTES = 16 << 20
#: A header is believed if this share of the lines has it, and this share of those that have the commonest one.
_LEAST_SHARE = 0.3
_LEAST_OF_BEST = 0.9
#: Of messages in JSON fields more is asked: most have no header at all.
_LEAST_SHARE_OF_MESSAGES = 0.5


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
        JSON where most lines are objects; else the most particular header that (nearly) as many lines have as any;
        plain text where no header is common.
    """
    objects: list[dict[str, Any]] = []
    lines: list[bytes] = []
    for value in _bounded(sample):
        found = _objects(value)
        objects += found
        lines += [] if found else [line[:_SAMPLE_BYTES] for line in value.split(b"\n") if line.strip()]
        if len(objects) + len(lines) >= _SAMPLE_LINES:
            break
    objects, lines = objects[:_SAMPLE_LINES], lines[:_SAMPLE_LINES]
    count = len(objects) + len(lines)
    if len(objects) > len(lines):
        return Detection(_json_format(objects), len(objects) / count, count)
    header, having = _common_header(lines, HEADERS.values(), _LEAST_SHARE)
    return Detection(LineFormat("text", header.name), having / max(count, 1), count)


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
    time = _usual(objects, TIME_FIELDS, lambda value: clock.time(value) != NO_TIME)
    texts = [
        value.encode() for each in objects if isinstance(value := value_at(each, field_path(message or "message")), str)
    ]
    timed = [header for header in HEADERS.values() if header.style is not None]
    header, _ = _common_header(texts, timed, _LEAST_SHARE_OF_MESSAGES)
    return LineFormat("json", header.name, message, time, _usual(objects, LEVEL_FIELDS, _is_level))


def _is_level(value: object) -> bool:
    return isinstance(value, str | int)


def _usual(objects: Sequence[dict[str, Any]], names: Sequence[str], fits: Callable[[object], bool]) -> str | None:
    """Give the usual name that most objects have; of equals the first."""
    counts = Counter(name for each in objects for name in names if fits(value_at(each, field_path(name))))
    return max(counts, key=lambda name: (counts[name], -names.index(name))) if counts else None


def _common_header(lines: Sequence[bytes], headers: Iterable[Header], least_share: float) -> tuple[Header, int]:
    """Give the header that most lines have, and how many have it; where too few have any, that of plain text."""
    found = shapes(lines)
    counts = {header: sum(1 for shape in found if header.pattern.match(shape)) for header in headers}
    counts.pop(PLAIN, None)
    best = max(counts.values())
    if best < least_share * len(lines) or not best:
        return PLAIN, len(lines)
    return next((header, count) for header, count in counts.items() if count >= _LEAST_OF_BEST * best)
