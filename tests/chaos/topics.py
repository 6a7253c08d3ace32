"""Writing the traffic while everything runs, and reading topics back with a plain consumer."""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.chaos.reference import Entry
from tests.chaos.traffic import PARTITIONS, Sent

__all__ = ["Production", "entries_of", "read_topic"]

_PAUSE_SECONDS = 0.02
_LEAST_RATE = 100.0
"""Records a second beyond the limit: a fault may wait for the service to go on, which it does not without records."""

_READ_SECONDS = 120.0


class Production:
    """Produces records at a pace, in a thread, for as long as a ``with`` block lasts.

    Args:
        address: The broker.
        topic: Where to.
        records: What, in this order.
        rate: Records a second.

    Attributes:
        sent: How many were handed to the producer.
    """

    def __init__(self, address: str, topic: str, records: Sequence[Sent], rate: float) -> None:
        self.sent = 0
        self._address = address
        self._topic = topic
        self._records = records
        self._rate = rate
        self._limit = 0
        self._stop = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="production", daemon=True)

    def allow(self, count: int) -> None:
        """Let it go on at its pace until ``count`` records are produced; behind that it only trickles on."""
        self._limit = min(count, len(self._records))

    def has_sent(self, count: int) -> bool:
        """Whether that many were handed to the producer."""
        return self.sent >= count

    def check(self) -> None:
        """Raise what ended it."""
        if self._error is not None:
            raise self._error

    @property
    def done(self) -> bool:
        """Whether every record is acknowledged."""
        self.check()
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop = True
        self._thread.join()

    def _run(self) -> None:
        producer = KafkaProducer(bootstrap_servers=self._address, linger_ms=5, metrics_enabled=False)
        try:
            acknowledged = self._send(producer)
            producer.flush()
            for future in acknowledged:
                future.get(timeout=0)
        except BaseException as error:  # noqa: BLE001 -- raised again by whoever looks
            self._error = error
        finally:
            producer.close(timeout=5)

    def _send(self, producer: "KafkaProducer") -> list[Any]:
        futures = []
        tokens, last = 0.0, time.monotonic()
        while self.sent < len(self._records) and not self._stop:
            time.sleep(_PAUSE_SECONDS)
            now = time.monotonic()
            room = self._limit - self.sent
            tokens, last = tokens + (now - last) * (self._rate if room > 0 else _LEAST_RATE), now
            count = min(int(tokens), room) if room > 0 else int(tokens)
            tokens = min(tokens - count, 1.0)  # what was not produced at a limit is not caught up
            futures += [
                producer.send(self._topic, record.value, record.key, partition=record.partition)
                for record in self._records[self.sent : self.sent + count]
            ]
            self.sent += count
        return futures


def read_topic(address: str, topic: str) -> list[Any]:
    """Every record that a topic holds now, partition after partition.

    Raises:
        TimeoutError: The broker does not give them.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=5000
    )
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        deadline = time.monotonic() + _READ_SECONDS
        while any(consumer.position(each) < end for each, end in ends.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"topic {topic} was not read to its end within {_READ_SECONDS:.0f} s")
            for part in consumer.poll(timeout_ms=200).values():
                records += part
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def entries_of(address: str, topic: str) -> dict[int, list[Entry]]:
    """The log of a topic, for the reference."""
    log: defaultdict[int, list[Entry]] = defaultdict(list, {number: [] for number in range(PARTITIONS)})
    for record in read_topic(address, topic):
        log[record.partition].append(Entry(record.offset, record.key, record.value))
    return dict(log)
