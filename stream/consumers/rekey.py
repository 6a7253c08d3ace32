"""Rekey: an unkeyed topic into the keyed one, by an expression or a JSON field, exactly once.

The records that a batch gives, its dead letters and its committed offsets are one Kafka transaction: all of them are
seen, or none. (On the embedded broker an aborted transaction's records stay visible; real Kafka hides them.)
"""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError

from model.errors import RecordError, TransientError
from model.lines.keys import KeyExtractor
from stream.consumers.clients import abandon, new_consumer, new_producer, poll, translated
from stream.consumers.offsets import partitions_of
from stream.consumers.publisher import await_acknowledged
from stream.consumers.unreadable import UnreadableRecord
from stream.dead_letters import dead_letter_of, encode_dead_letter
from stream.loop import Loop
from stream.settings import Settings
from stream.telemetry import Heartbeat, RekeyMetrics

__all__ = ["Rekey", "RekeyParts"]

log = structlog.get_logger()

UNWELL_SECONDS = 60.0


@dataclass(frozen=True)
class RekeyParts:
    """What the stage works with.

    Attributes:
        settings: The static settings.
        keys: Finds a line's key.
        metrics: Where it counts.
        stop: Set when the process is to end.
    """

    settings: Settings
    keys: KeyExtractor
    metrics: RekeyMetrics
    stop: threading.Event = field(default_factory=threading.Event)


class Rekey:
    """One member of the group that rekeys the raw topic."""

    def __init__(self, parts: RekeyParts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._settings = parts.settings
        # One name for all producers of this process, so that a new one learns how the last one's transaction ended.
        # Whose offsets may be committed is decided by the consumer's membership, which goes with them (KIP-447).
        self._transactional_id = f"{self._settings.namespace}-rekey-{uuid.uuid4().hex}"
        self._producer: KafkaProducer | None = None
        self._uncertain = False
        self._consumer = new_consumer(
            self._settings.kafka,
            f"{self._settings.namespace}-rekey",
            self._settings.consumer.poll_records,
            without_commit="earliest",
        )
        partitions_of(self._consumer, self._settings.kafka.raw_topic)  # as in the consumer: known before it joins
        self.health = Heartbeat("the rekey stage", UNWELL_SECONDS, clock)
        self._loop = Loop(self.turn, self._set_aside, parts.metrics, self.health, clock)

    def run(self) -> None:
        """Rekey until it is stopped.

        Raises:
            ConfigurationError: A topic does not exist, or Kafka refuses the user.
        """
        kafka = self._settings.kafka
        self._consumer.subscribe([kafka.raw_topic])
        log.info("rekey_started", source=kafka.raw_topic, target=kafka.logs_topic)
        try:
            self._loop.run(self._parts.stop)
        finally:
            self._drop_producer()
            self._consumer.close(autocommit=False, timeout_ms=2000)
            log.info("rekey_stopped")

    def turn(self) -> bool:
        """Pass one poll batch on.

        Returns:
            True: a turn that does not fail has asked Kafka how the last transaction ended.

        Raises:
            TransientError: Kafka is away; nothing of the batch is seen, or all of it.
        """
        if self._uncertain:
            self._recover()
        with translated(f"reading topic {self._settings.kafka.raw_topic}"):
            batches = poll(self._consumer, self._settings.consumer.poll_timeout_ms)
        if batches:
            self._pass_on(batches)
            self._count_lag(batches)
        return True

    def _set_aside(self) -> None:
        """Have Kafka asked whether the last transaction was committed before anything is read again."""
        self._drop_producer()
        self._uncertain = True

    def _pass_on(self, batches: dict[TopicPartition, Sequence[Any]]) -> None:
        """One transaction."""
        try:
            with translated(f"writing to topic {self._settings.kafka.logs_topic}"):
                producer = self._ready_producer()
                producer.begin_transaction()
                keyed, rejected = self._send_all(producer, batches)
                offsets = {p: OffsetAndMetadata(records[-1].offset + 1) for p, records in batches.items()}
                producer.send_offsets_to_transaction(offsets, self._consumer.group_metadata())
                producer.commit_transaction()
        except TransientError:
            self._parts.metrics.aborted.inc()
            raise
        metrics = self._parts.metrics
        metrics.records.inc(sum(map(len, batches.values())))
        metrics.lines.inc(keyed)
        for reason, count in rejected.items():
            metrics.dead_letters.labels(reason).inc(count)
        metrics.transactions.inc()

    def _count_lag(self, batches: dict[TopicPartition, Sequence[Any]]) -> None:
        for partition, records in batches.items():
            end = self._consumer.highwater(partition)
            if end is not None:
                lag = max(0, end - records[-1].offset - 1)
                self._parts.metrics.lag_records.labels(str(partition.partition)).set(lag)

    def _recover(self) -> None:
        """Go on where the committed transactions end: the answer to a commit may have been all that was lost."""
        with translated("asking how the last transaction ended"):
            self._ready_producer()  # its start ends what the last one left open, one way or the other
            for partition in self._consumer.assignment():
                committed = self._consumer.committed(partition)
                if committed is None:
                    self._consumer.seek_to_beginning(partition)
                else:
                    self._consumer.seek(partition, committed)
        self._uncertain = False

    def _ready_producer(self) -> "KafkaProducer":
        if self._producer is None:
            self._producer = new_producer(self._settings.kafka, self._transactional_id)
            try:
                self._producer.init_transactions()
            except KafkaError:
                self._drop_producer()
                raise
        return self._producer

    def _send_all(
        self, producer: "KafkaProducer", batches: dict[TopicPartition, Sequence[Any]]
    ) -> tuple[int, Counter[str]]:
        """Send what the records give, and wait until Kafka has it all.

        Returns:
            How many keyed records that is, and how many dead letters for each reason.
        """
        sent, rejected = [], Counter[str]()
        for record in (record for records in batches.values() for record in records):
            for part, key in self._keyed(record):
                try:
                    sent.append(self._send(producer, part, key))
                except RecordError as error:
                    letter = encode_dead_letter(dead_letter_of(part, error))
                    sent.append(producer.send(self._settings.kafka.dead_letters_topic, value=letter))
                    rejected[error.reason] += 1
        await_acknowledged(producer, sent, self._parts.stop)
        return len(sent) - rejected.total(), rejected

    def _keyed(self, record: Any) -> list[tuple[Any, bytes | RecordError]]:  # noqa: ANN401 -- kafka-python ships no types
        """Part a record between the keys of its lines; what is to become a dead letter has an error for a key."""
        if isinstance(record, UnreadableRecord):
            return [(record, record.error)]
        if record.value is None:
            return [(record, _no_key())]
        keys = self._parts.keys
        try:
            parts = keys.split(record.value, record.key, record.headers)
        except RecordError as error:
            return [(record, error)]
        if keys.rule.without == "drop":
            kept = [part for part in parts if part[0] is not None]
            self._parts.metrics.dropped.inc(len(parts) - len(kept))
            parts = kept
        return [(record._replace(value=value), key or _no_key()) for key, value in parts]

    def _send(self, producer: "KafkaProducer", record: Any, key: bytes | RecordError) -> Any:  # noqa: ANN401 -- likewise
        """Pass a record on under its key.

        Raises:
            RecordError: It cannot be read, it has no key, or no broker would take it: trying again would not help.
        """
        if isinstance(key, RecordError):
            raise key
        headers = [(name, value or b"") for name, value in record.headers]
        # A broker refuses a time that is too far ahead; the line's own time is what counts later.
        timestamp_ms = min(record.timestamp, int(time.time() * 1000)) if record.timestamp >= 0 else None
        try:
            return producer.send(
                self._settings.kafka.logs_topic, record.value, key, headers=headers, timestamp_ms=timestamp_ms
            )
        except MessageSizeTooLargeError as error:
            raise RecordError("too-long", f"with its key the record is larger than Kafka takes: {error}") from error

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            abandon(producer)  # Kafka aborts what it left open


def _no_key() -> RecordError:
    return RecordError("no-key", "no key was found in the record where the rule looks for it")
