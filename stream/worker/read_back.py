"""Raw lines of a window, read back from Kafka by offset: Redis holds no text."""

from collections.abc import Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from model.lines.raw import raw_line
from stream.alert_making import RawLine
from stream.consumers.clients import reading_consumer
from stream.settings import KafkaSettings
from stream.windowing.store import PartitionId

__all__ = ["ReadBack"]

log = structlog.get_logger()

POLL_MS = 500


class ReadBack:
    """Reads single records again.

    A line that Kafka no longer holds, or does not give at once, is left out: an alert is never held back for its text.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._consumer: KafkaConsumer | None = None

    def lines(self, partition: PartitionId, places: Sequence[int]) -> list[RawLine]:
        """Read the records of some places.

        Args:
            partition: Where they are.
            places: ``offset << 16 | line``, any order.

        Returns:
            The lines that Kafka gave, in the order of the log.
        """
        source = TopicPartition(*partition)
        found = []
        try:
            if self._consumer is None:
                self._consumer = reading_consumer(self._settings)
            self._consumer.assign([source])
            for place in sorted(places):
                record = self._record(source, place >> 16)
                if record is not None and record.value is not None:
                    found.append(RawLine(place, raw_line(record.value, place & 0xFFFF), record.timestamp))
        except KafkaError as exc:
            log.warning("lines_not_read_back", partition=partition.partition, error=repr(exc))
        return found

    def close(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            self._consumer.close()

    def _record(self, source: TopicPartition, offset: int) -> Any:  # noqa: ANN401 -- kafka-python ships no types
        assert self._consumer is not None  # noqa: S101 -- set by the only caller
        self._consumer.seek(source, offset)
        for records in self._consumer.poll(timeout_ms=POLL_MS, max_records=1).values():
            return records[0] if records[0].offset == offset else None
        return None
