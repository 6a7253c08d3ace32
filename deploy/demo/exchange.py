"""The demo's own end of Kafka: lines go in on one topic, alerts come out on another."""

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from deploy.demo.shop import Line
from model.errors import TransientError
from stream.alerts import Alert, decode_alert

__all__ = ["ALERTS_TOPIC", "LOGS_TOPIC", "Exchange"]

LOGS_TOPIC, ALERTS_TOPIC = "logs", "alerts"

#: How long a read of the alerts waits at most: the stream is paced in steps of this length.
_TICK_MS = 20

_FLUSH_SECONDS = 15


class Exchange:
    """Sends lines and reads alerts, for as long as a ``with`` block lasts.

    Attributes:
        sent: How many lines were sent.
    """

    def __init__(self, kafka_address: str) -> None:
        """Connect.

        Args:
            kafka_address: ``host:port``; both topics are there.

        Raises:
            TransientError: The broker does not answer.
        """
        self.sent = 0
        self._failures: list[BaseException] = []
        try:
            self._producer = KafkaProducer(bootstrap_servers=kafka_address, linger_ms=5)
            self._consumer = KafkaConsumer(bootstrap_servers=kafka_address, auto_offset_reset="earliest")
            partitions = self._consumer.partitions_for_topic(ALERTS_TOPIC) or set()
            self._consumer.assign([TopicPartition(ALERTS_TOPIC, each) for each in sorted(partitions)])
        except KafkaError as error:
            raise TransientError(f"the broker on {kafka_address} does not answer: {error}") from error

    def send(self, line: Line) -> None:
        """Send a line with its trace id as the record's key."""
        future = self._producer.send(LOGS_TOPIC, line.text.encode(), key=line.key.encode(), timestamp_ms=line.time_ms)
        future.add_errback(self._failures.append)
        self.sent += 1

    def alerts(self) -> Iterator[Alert]:
        """The alerts that have come since the last call; waits for a moment where there is none.

        Raises:
            RecordError: Something on the topic is no alert.
        """
        for records in self._consumer.poll(timeout_ms=_TICK_MS).values():
            for record in records:
                yield decode_alert(record.value or b"")

    def stream(self, lines: Iterable[Line], on_alert: Callable[[Alert], None], on_tick: Callable[[], None]) -> None:
        """Send each line when it is due, and hand over each alert when it comes.

        Args:
            lines: Oldest first; each is due at its own time.
            on_alert: Called with each alert.
            on_tick: Called after each step of about 20 ms.

        Raises:
            TransientError: A line did not get to the broker.
        """
        for line in lines:
            while line.time_ms > now_ms():
                self._step(on_alert, on_tick)
            self.send(line)
        self.flush()

    def read_until(self, done: Callable[[], bool], seconds: float, on_alert: Callable[[Alert], None]) -> None:
        """Hand over alerts until ``done`` says so, or ``seconds`` have passed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            finished = done()
            self._step(on_alert, lambda: None)
            if finished:
                return

    def flush(self) -> None:
        """Wait until every line is acknowledged.

        Raises:
            TransientError: One is not.
        """
        try:
            self._producer.flush(timeout=_FLUSH_SECONDS)
        except KafkaError as error:
            self._failures.append(error)
        if self._failures:
            raise TransientError(
                f"{len(self._failures)} of {self.sent} lines did not get to the broker: {self._failures[0]}"
            ) from self._failures[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
        # What is still on its way when the block fails is of no use to anybody.
        self._producer.close(timeout=1)

    def _step(self, on_alert: Callable[[Alert], None], on_tick: Callable[[], None]) -> None:
        for alert in self.alerts():
            on_alert(alert)
        on_tick()


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
