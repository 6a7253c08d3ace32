"""Front door one of the model: the bytes of records -> log lines with their time and event ID.

Training reads files with it and serving reads Kafka with it, so both see the same events.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from model.errors import RecordError
from model.events.recognition import Recogniser
from model.events.shapes import shapes, shapes_of_lines
from model.events.templates import Templates
from model.lines.epochs import NO_TIME
from model.lines.formats import LineFormat
from model.lines.readers import reader_of
from model.lines.records import MAX_LINE_BYTES, Lines

__all__ = ["LineParser", "NovelEvent", "ParsedLines"]

#: Shapes of lines kept in one of two generations.
CACHE_SIZE = 100_000

_SAMPLE_CHARACTERS = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(slots=True)
class NovelEvent:
    """An event that the model knows no template for.

    Attributes:
        text: Its masked text.
        sample: The first line that had it, at most 300 characters, control characters escaped.
        count: Its lines in this batch.
    """

    text: str
    sample: str
    count: int


@dataclass(slots=True)
class ParsedLines:
    """Log lines as parallel columns, one entry a line, in the order of the records.

    Attributes:
        record: Index of the line's record among the given values.
        line: Number of the line in its record, from 0; always below 65,536.
        time_ms: Event time, milliseconds since 1970 (UTC); -1 where the line states none that can be read.
        event_id: Eight bytes.
        novel: The event IDs of this batch that belong to no template.
        errors: Records that cannot be read, none of whose lines are here; their reason is ``empty``, ``too-long``,
            ``not-utf8``, ``bad-json``, ``bad-otlp``, ``bad-frame`` or ``no-message``.
    """

    record: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    time_ms: list[int] = field(default_factory=list)
    event_id: list[bytes] = field(default_factory=list)
    novel: dict[bytes, NovelEvent] = field(default_factory=dict)
    errors: list[tuple[int, RecordError]] = field(default_factory=list)


class LineParser:
    """Parses records of one format.

    Args:
        line_format: How their lines are written.
        templates: The templates of the model; none make every event novel.
        cache_size: Shapes of lines to remember, at least 1.
        max_line_bytes: A line longer than this makes its record an error.
    """

    def __init__(
        self,
        line_format: LineFormat,
        templates: Templates,
        *,
        cache_size: int = CACHE_SIZE,
        max_line_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        self.line_format = line_format
        self.templates = templates
        self._header = line_format.text_header
        self._clock = self._header.clock(line_format.time_zone)
        self._read = reader_of(line_format, max_line_bytes)
        self._recogniser = Recogniser(templates, self._header.message, cache_size)

    def parse(self, values: Sequence[bytes | None], record_times_ms: Sequence[int] | None = None) -> ParsedLines:
        """Parse record values. Never raises for what is in them.

        Args:
            values: Record values; each holds one line or several.
            record_times_ms: The timestamp of each record. Only formats whose times state no year (syslog) use it, to
                find the year; without it that is 2000.

        Returns:
            The lines of all records that can be read, and an error for each that cannot.
        """
        lines = self._read(values, record_times_ms)
        event_ids = self._recogniser.event_ids(self._shapes(lines))
        return ParsedLines(
            record=lines.record,
            line=lines.line,
            time_ms=self._times(lines, record_times_ms),
            event_id=event_ids,
            novel=self._novel(event_ids, lines.text),
            errors=lines.errors,
        )

    def message_shapes(self, values: Sequence[bytes | None]) -> list[bytes]:
        """Give the shapes of the messages, for a ``Miner``: exactly those that ``parse`` looks templates up with.

        Args:
            values: Record values; those that cannot be read are left out.
        """
        return list(map(self._header.message, self._shapes(self._read(values, None))))

    def text_of(self, event_id: bytes) -> str | None:
        """Give the text of a template, or of a novel event that was met lately; None for others."""
        return self._recogniser.text_of(event_id)

    def _shapes(self, lines: Lines) -> list[bytes]:
        return shapes(lines.text) if lines.joined is None else shapes_of_lines(lines.joined)

    def _times(self, lines: Lines, record_times_ms: Sequence[int] | None) -> list[int]:
        """The times that the reader found; where it found none, those of the text, or else of observation."""
        found = lines.time_ms
        if found is None or (self._clock is not None and NO_TIME in found):
            found = _filled(found, self._times_in_text(lines, record_times_ms))
        return found if lines.observed_ms is None else _filled(found, lines.observed_ms)

    def _times_in_text(self, lines: Lines, record_times_ms: Sequence[int] | None) -> list[int]:
        if self._clock is None:
            return [NO_TIME] * len(lines.text)
        references = None if record_times_ms is None else [record_times_ms[record] for record in lines.record]
        return self._clock.times(lines.text, references)

    def _novel(self, event_ids: Sequence[bytes], texts: Sequence[bytes]) -> dict[bytes, NovelEvent]:
        novel = self._recogniser.novel_among(event_ids)
        if not novel:
            return {}
        counts = Counter(each for each in event_ids if each in novel)
        events: dict[bytes, NovelEvent] = {}
        for event_id, text in _first_of_each(event_ids, texts, novel):
            events[event_id] = NovelEvent(self.text_of(event_id) or "", _sample(text), counts[event_id])
        return events


def _filled(times_ms: list[int] | None, others_ms: list[int]) -> list[int]:
    if times_ms is None:
        return others_ms
    if NO_TIME not in times_ms:
        return times_ms
    return [other if one == NO_TIME else one for one, other in zip(times_ms, others_ms, strict=True)]


def _first_of_each(
    event_ids: Sequence[bytes], texts: Sequence[bytes], wanted: set[bytes]
) -> Iterable[tuple[bytes, bytes]]:
    missing = set(wanted)
    for event_id, text in zip(event_ids, texts, strict=True):
        if event_id in missing:
            missing.discard(event_id)
            yield event_id, text


def _sample(text: bytes) -> str:
    # A character has at most four bytes; cutting first keeps a long line cheap.
    shown = text[: 4 * _SAMPLE_CHARACTERS].decode("utf-8", "replace")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", shown)[:_SAMPLE_CHARACTERS]
