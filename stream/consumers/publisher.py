"""Writing to Kafka so that it is known to have arrived."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer

from stream.consumers.clients import new_producer, translated
from stream.settings import KafkaSettings

__all__ = ["Publisher"]

ACKNOWLEDGE_SECONDS = 30
"""How long Kafka may take to acknowledge before the work that needs it is tried again."""


class Publisher:
    """Sends records and waits until Kafka has acknowledged them.

    It connects when it is first used, so that a consumer without dead letters opens no second connection.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: KafkaProducer | None = None
        self._sent: list[Any] = []

    def send(
        self, topic: str, value: bytes, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Hand a record over; it has arrived once `wait` returns.

        Raises:
            TransientError, ConfigurationError: Kafka does not take it.
        """
        with translated(f"writing to topic {topic}"):
            if self._producer is None:
                self._producer = new_producer(self._settings)
            self._sent.append(self._producer.send(topic, value=value, key=key, headers=list(headers)))

    def wait(self) -> None:
        """Return once every record that was handed over is acknowledged.

        Raises:
            TransientError, ConfigurationError: One was not; whoever sent them has to send all of them again.
        """
        sent, self._sent = self._sent, []
        if self._producer is None or not sent:
            return
        with translated("waiting for Kafka to acknowledge"):
            self._producer.flush(timeout=ACKNOWLEDGE_SECONDS)
            for future in sent:
                future.get(timeout=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer is not None:
            self._producer.close(timeout=2)
