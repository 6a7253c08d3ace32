"""Raw lines of a window, read back from Kafka by offset: Redis holds no text."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from model.lines.raw import RawLines
from stream.alert_making import RawLine
from stream.consumers.clients import reading_consumer
from stream.settings import KafkaSettings
from stream.windowing.store import PartitionId

__all__ = ["ReadBack"]

log = structlog.get_logger()

POLL_MS = 2_000
"""How long Kafka may take to give a record."""

AWAY_SECONDS = 5.0
"""How long Kafka is not asked after it gave none: no batch of alerts may wait as often as it has lines."""

KEEP_BYTES = 32 << 20
"""Memory for records that were read: the windows of one record come one behind the other."""

KEEP_SECONDS = 60.0
"""How long a record is kept: what stands at an offset changes where its topic is made anew, and then alone."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A record of the log.

    Attributes:
        key: Whose lines it holds.
        lines: Its lines.
        appended_ms: When it was appended, by Kafka's timestamp; ms since 1970.
        read_at: When it was read, by the clock of `ReadBack`.
    """

    key: bytes | None
    lines: RawLines
    appended_ms: int
    read_at: float


class _Kept:
    """The records that were read last, by partition and offset, up to ``KEEP_BYTES`` of them."""

    def __init__(self) -> None:
        self._records: OrderedDict[tuple[PartitionId, int], _Record] = OrderedDict()
        self._bytes = 0

    def get(self, place: tuple[PartitionId, int], now: float) -> _Record | None:
        record = self._records.get(place)
        if record is None or now - record.read_at > KEEP_SECONDS:
            return None
        self._records.move_to_end(place)
        return record

    def put(self, place: tuple[PartitionId, int], record: _Record) -> None:
        replaced = self._records.pop(place, None)
        self._bytes += record.lines.weight - (replaced.lines.weight if replaced else 0)
        self._records[place] = record
        while self._bytes > KEEP_BYTES:
            _, oldest = self._records.popitem(last=False)
            self._bytes -= oldest.lines.weight


class ReadBack:
    """Reads single records again, and keeps the last of them: a record may have as many windows as lines.

    A line that Kafka no longer holds, or does not give soon, is left out: an alert is never held back for its text.
    So is a record of another key, as where the topic was made anew: it is none of the window's.

    Args:
        settings: How to connect.
        clock: Seconds that never go back.
    """

    def __init__(self, settings: KafkaSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._consumer: KafkaConsumer | None = None
        self._kept = _Kept()
        self._away_until = -math.inf

    def lines(self, partition: PartitionId, key: bytes, places: Sequence[int]) -> list[RawLine]:
        """Read the records of some places.

        Args:
            partition: Where they are.
            key: Whose lines they are.
            places: ``offset << 16 | line``, any order.

        Returns:
            The lines that Kafka gave, in the order of the log.
        """
        found: list[RawLine] = []
        try:
            for offset, of_record in groupby(sorted(places), lambda place: place >> 16):
                record = self._record(partition, offset)
                if record is not None and record.key == key:
                    found += [RawLine(at, record.lines.line(at & 0xFFFF), record.appended_ms) for at in of_record]
        except KafkaError as exc:
            self._away_until = self._clock() + AWAY_SECONDS
            log.warning("lines_not_read_back", partition=partition.partition, error=repr(exc))
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close()

    def _record(self, partition: PartitionId, offset: int) -> _Record | None:
        """The record at an offset; None where there is none, or Kafka is not asked.

        Raises:
            KafkaError: Kafka did not give it.
        """
        now = self._clock()
        record = self._kept.get((partition, offset), now)
        if record is None and now >= self._away_until:
            record = self._fetched(TopicPartition(*partition), offset, now)
            if record is not None:
                self._kept.put((partition, offset), record)
        return record

    def _fetched(self, source: TopicPartition, offset: int, now: float) -> _Record | None:
        if self._consumer is None:
            self._consumer = reading_consumer(self._settings)
        self._consumer.assign([source])
        self._consumer.seek(source, offset)
        polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=1)
        if not polled:
            raise KafkaTimeoutError(f"no record from offset {offset} on within {POLL_MS} ms")
        [[found]] = polled.values()
        if found.offset != offset or found.value is None:
            return None
        return _Record(found.key, RawLines(found.value), found.timestamp, now)
