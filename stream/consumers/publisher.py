"""Writing to Kafka so that it is known to have arrived."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from model.errors import LogscryError
from stream.consumers.clients import abandon, new_producer, translated
from stream.consumers.sizes import Sizes
from stream.settings import KafkaSettings

__all__ = ["Publisher", "await_acknowledged"]

ACKNOWLEDGE_SECONDS = 15.0
"""How long Kafka may take to acknowledge before the work that needs it is tried again."""

STOPPING_SECONDS = 1.0
"""The same once the process is to stop: enough for a Kafka that answers."""

SLICE_SECONDS = 0.2
"""How soon a stop is noticed."""


def await_acknowledged(producer: "KafkaProducer", sent: Sequence[Any], stop: threading.Event) -> None:
    """Return once every record is acknowledged.

    Args:
        producer: What they were sent with.
        sent: What its ``send`` returned for each.
        stop: Set when the process is to end; the wait is short then.

    Raises:
        KafkaError: One was not.
    """
    begin = time.monotonic()
    while not all(future.is_done for future in sent):
        if time.monotonic() - begin > (STOPPING_SECONDS if stop.is_set() else ACKNOWLEDGE_SECONDS):
            break
        with suppress(KafkaTimeoutError):  # a slice is over: the loop says how long it may take in all
            producer.flush(timeout=SLICE_SECONDS)
    for future in sent:
        future.get(timeout=0)


class Publisher:
    """Sends records and waits until Kafka has acknowledged them.

    It connects when it is first used, so that a consumer without dead letters opens no second connection; and anew
    after a failure, so that what failed is not sent beside what is sent again.

    Args:
        settings: How to connect.
        topics: Which topics it may write to.
        stop: Set when the process is to end; waits are short then.
    """

    def __init__(self, settings: KafkaSettings, topics: Sequence[str], stop: threading.Event) -> None:
        self._settings = settings
        self._sizes = Sizes(settings, topics)
        self._stop = stop
        self._producer: KafkaProducer | None = None
        self._sent: list[Any] = []

    def send(
        self, topic: str, value: bytes, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Hand a record over; it has arrived once `wait` returns.

        Raises:
            KafkaAwayError, ConfigurationError: Kafka does not take it, such as a record that is too large for its
                topic; nothing that was handed over is waited for.
        """
        with self._anew_after_failure(), translated(f"writing to topic {topic}"):
            self._sizes.require(topic, value, key, headers)
            if self._producer is None:
                self._producer = new_producer(self._settings, self._sizes.smallest())
            self._sent.append(self._producer.send(topic, value=value, key=key, headers=list(headers)))

    def wait(self) -> None:
        """Return once every record that was handed over is acknowledged.

        Raises:
            KafkaAwayError, ConfigurationError: One was not, or the process is to stop; whoever sent them has to send
                all of them again.
        """
        sent, self._sent = self._sent, []
        if self._producer is not None and sent:
            with self._anew_after_failure(), translated("waiting for Kafka to acknowledge"):
                await_acknowledged(self._producer, sent, self._stop)

    def close(self) -> None:
        """Give up the connection, and what is not acknowledged."""
        self._sent.clear()
        self._sizes.forget()
        producer, self._producer = self._producer, None
        if producer is not None:
            abandon(producer)

    @contextmanager
    def _anew_after_failure(self) -> Iterator[None]:
        try:
            yield
        except LogscryError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
