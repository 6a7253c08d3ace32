"""Raw lines of a window, read back from Kafka by offset: Redis holds no text."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from model.lines.raw import raw_line
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


class ReadBack:
    """Reads single records again.

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
        if self._clock() < self._away_until:
            return found
        try:
            for place, record in self._records(TopicPartition(*partition), sorted(places)):
                if record.offset == place >> 16 and record.key == key and record.value is not None:
                    found.append(RawLine(place, raw_line(record.value, place & 0xFFFF), record.timestamp))
        except KafkaError as exc:
            self._away_until = self._clock() + AWAY_SECONDS
            log.warning("lines_not_read_back", partition=partition.partition, error=repr(exc))
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close()

    def _records(self, source: TopicPartition, places: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """For each place the first record from its offset on."""
        if self._consumer is None:
            self._consumer = reading_consumer(self._settings)
        self._consumer.assign([source])
        for place in places:
            self._consumer.seek(source, place >> 16)
            polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=1)
            if not polled:
                raise KafkaTimeoutError(f"no record from offset {place >> 16} on within {POLL_MS} ms")
            [[record]] = polled.values()
            yield place, record
