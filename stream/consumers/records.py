"""Kafka records of one partition -> the events that its windows take, and the records that give none."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from model.errors import RecordError
from model.lines.parser import LineParser, ParsedLines
from model.lines.records import most_lines
from stream.consumers.unreadable import UnreadableRecord
from stream.windowing.batches import EventColumns
from stream.windowing.calls import Novel, events_at_once
from stream.windowing.windows import NO_TIME, WindowRule

__all__ = ["MAX_KEY_BYTES", "ReadRecords", "RecordReader", "bounded_batches"]

MAX_KEY_BYTES = 1024
"""Longer keys make their record a dead letter: a key stands in Redis and in every alert."""

FUTURE_MS = 60 * 60 * 1000
"""A line may be this far ahead of the moment of its record; one beyond takes the stream time instead."""

_LOG_APPEND_TIME = 1
"""The ``timestamp_type`` of a record that the broker stamped when it took it."""


@dataclass(slots=True)
class ReadRecords:
    """What a poll batch of one partition holds.

    Attributes:
        events: The events, in the order of the log.
        novel: The novel events among them.
        rejected: Records that give no event, with the reason.
        untimed: Events whose line states no time that can be read.
        future: Events whose own time was too far ahead.
    """

    events: EventColumns
    novel: list[Novel] = field(default_factory=list)
    rejected: list[tuple[Any, RecordError]] = field(default_factory=list)
    untimed: int = 0
    future: int = 0


class RecordReader:
    """Reads records with the model's line format and templates.

    Args:
        parser: The front door of the model: bytes to event IDs.
        now_ms: Wall clock, milliseconds since 1970: what lines are compared with whose record the broker did not stamp.
    """

    def __init__(self, parser: LineParser, now_ms: Callable[[], float] = lambda: time.time() * 1000) -> None:
        self._parser = parser
        self._now_ms = now_ms

    def read(self, records: Sequence[Any]) -> ReadRecords:
        """Read kafka-python ``ConsumerRecord``s of one partition, in offset order. Bad ones never raise."""
        keyed, rejected = _split_by_key(records)
        parsed = self._parser.parse([record.value for record in keyed], [record.timestamp for record in keyed])
        rejected += [(keyed[index], error) for index, error in parsed.errors]
        times_ms, untimed, ahead = self._times(parsed, keyed)
        events = EventColumns(
            [keyed[index].key for index in parsed.record], times_ms, parsed.event_id, _places(parsed, keyed)
        )
        return ReadRecords(events, self._novel(parsed), rejected, int(untimed.sum()), int((ahead & ~untimed).sum()))

    def _times(self, parsed: ParsedLines, records: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The times to use, and of which lines they are not their own: that have none, that are too far ahead."""
        times = np.array(parsed.time_ms, dtype=np.int64)  # (lines,)
        untimed = times < 0
        times[times == NO_TIME] = NO_TIME + 1  # a line may say 1970 itself: late, not without a time
        if untimed.any():
            # A stream that states times keeps to its own clock; one that states none has only Kafka's.
            states_times = self._parser.line_format.has_time
            fallback = [NO_TIME if states_times else max(0, records[i].timestamp) for i in parsed.record]
            times = np.where(untimed, np.array(fallback, dtype=np.int64), times)
        ahead: np.ndarray = times > (self._moments(records) + FUTURE_MS)[np.array(parsed.record, dtype=np.int64)]
        times[ahead] = NO_TIME
        return times, untimed, ahead

    def _moments(self, records: Sequence[Any]) -> np.ndarray:
        """When each record came, ``(records,)`` in milliseconds since 1970.

        The broker's stamp says the same whenever the record is read. A producer's does not serve: where its clock is
        ahead, both its lines and its stamps are. There only this machine's clock is left, and it moves on.
        """
        now_ms = int(self._now_ms())
        moments = (each.timestamp if each.timestamp_type == _LOG_APPEND_TIME else now_ms for each in records)
        return np.fromiter(moments, dtype=np.int64, count=len(records))

    def _novel(self, parsed: ParsedLines) -> list[Novel]:
        return [
            Novel(event_id, orjson.dumps({"text": event.text, "sample": event.sample}), event.count)
            for event_id, event in parsed.novel.items()
        ]


def bounded_batches(records: Sequence[Any], rule: WindowRule) -> Iterator[Sequence[Any]]:
    """Cut a poll batch between records so that no part makes one script call do too much.

    A call blocks Redis for everybody while it runs. A record of a megabyte can hold 65,536 lines; with large windows
    and a small hop, each line can cut a window of kilobytes.
    """
    most = events_at_once(rule)
    lines = [most_lines(record.value) for record in records]
    if sum(lines) <= most:
        yield records
        return
    start = held = 0
    for index, count in enumerate(lines):
        if held and held + count > most:
            yield records[start:index]
            start, held = index, 0
        held += count
    yield records[start:]


def _split_by_key(records: Sequence[Any]) -> tuple[Sequence[Any], list[tuple[Any, RecordError]]]:
    if all(record.key and len(record.key) <= MAX_KEY_BYTES for record in records):
        return records, []
    keyed, rejected = [], []
    for record in records:
        if isinstance(record, UnreadableRecord):
            rejected.append((record, record.error))
        elif not record.key:
            why = "the record has no key, so it is unknown whose line it is; logscry rekey gives lines their keys"
            rejected.append((record, RecordError("no-key", why)))
        elif len(record.key) > MAX_KEY_BYTES:
            why = f"the key has {len(record.key)} bytes; allowed are {MAX_KEY_BYTES}"
            rejected.append((record, RecordError("key-too-long", why)))
        else:
            keyed.append(record)
    return keyed, rejected


def _places(parsed: ParsedLines, records: Sequence[Any]) -> np.ndarray:
    offsets = np.fromiter((record.offset for record in records), dtype=np.int64, count=len(records))
    lines = np.array(parsed.line, dtype=np.int64)
    places: np.ndarray = (offsets[np.array(parsed.record, dtype=np.int64)] << 16) | lines
    return places
