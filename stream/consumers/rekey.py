"""Rekey: an unkeyed topic into the keyed one, by an expression or a JSON field, exactly once.

The records that a batch gives, its dead letters and its committed offsets are one Kafka transaction: all of them are
seen, or none. (On the embedded broker an aborted transaction's records stay visible; real Kafka hides them.)
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import ConsumerGroupMetadata, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from model.errors import KafkaAwayError, TransientError
from model.lines.keys import KeyExtractor
from stream.consumers.clients import abandon, new_consumer, new_producer, poll, translated
from stream.consumers.keying import Keyed, Keying, Passing
from stream.consumers.offsets import partitions_of
from stream.consumers.publisher import await_acknowledged
from stream.consumers.sizes import Sizes
from stream.loop import Loop
from stream.settings import Settings
from stream.telemetry import Heartbeat, RekeyMetrics

__all__ = ["Rekey", "RekeyParts", "rekey_group"]

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


def rekey_group(namespace: str) -> str:
    """The consumer group of the rekey stage: with a dot, so that no other namespace's consumers have its name."""
    return f"{namespace}.rekey"


class Rekey:
    """One member of the group that rekeys the raw topic."""

    def __init__(self, parts: RekeyParts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._settings = parts.settings
        written = [self._settings.kafka.logs_topic, self._settings.kafka.dead_letters_topic]
        self._sizes = Sizes(self._settings.kafka, written, clock)
        self._keying = Keying(parts.keys, self._excess)
        # One name for all producers of this process, so that a new one learns how the last one's transaction ended.
        # Whose offsets may be committed is decided by the consumer's membership, which goes with them (KIP-447).
        self._transactional_id = f"{rekey_group(self._settings.namespace)}-{uuid.uuid4().hex}"
        self._producer: KafkaProducer | None = None
        self._uncertain = False
        self._consumer = new_consumer(
            self._settings.kafka,
            rekey_group(self._settings.namespace),
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
            self._pass_on(batches, self._membership())
            self._count_lag(batches)
        return True

    def _set_aside(self) -> None:
        """Have Kafka asked whether the last transaction was committed before anything is read again."""
        self._drop_producer()
        self._sizes.forget()  # a topic that takes less than before may be what failed
        self._uncertain = True

    def _membership(self) -> "ConsumerGroupMetadata":
        """Who has read the batch, for Kafka to decide whether that member may still commit it.

        It is taken before the transaction: once a heartbeat is answered that the group has gone on without the member,
        kafka-python 3.0.12 names no member any more, and offsets that name none Kafka takes from anybody.

        Raises:
            KafkaAwayError: It was answered so already.
        """
        member = self._consumer.group_metadata()
        if member.generation_id < 0:
            raise KafkaAwayError(f"the group {member.group_id} has gone on without this member, which joins it again")
        return member

    def _pass_on(self, batches: dict[TopicPartition, Sequence[Any]], member: "ConsumerGroupMetadata") -> None:
        """One transaction."""
        passing = self._keying.passing(record for records in batches.values() for record in records)
        try:
            with translated(f"writing to topic {self._settings.kafka.logs_topic}"):
                producer = self._ready_producer()
                producer.begin_transaction()
                self._send_all(producer, passing)
                offsets = {p: OffsetAndMetadata(records[-1].offset + 1) for p, records in batches.items()}
                producer.send_offsets_to_transaction(offsets, member)
                producer.commit_transaction()
        except TransientError:
            self._parts.metrics.aborted.inc()
            raise
        self._count(passing)

    def _excess(self, keyed: Keyed) -> str | None:
        return self._sizes.excess(self._settings.kafka.logs_topic, keyed.value, keyed.key, keyed.headers)

    def _count(self, passing: Passing) -> None:
        """Count what was committed."""
        metrics = self._parts.metrics
        metrics.records.inc(passing.records)
        metrics.lines.inc(len(passing.keyed))
        metrics.dropped.inc(passing.dropped)
        for reason, count in passing.rejected.items():
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
            self._producer = new_producer(self._settings.kafka, self._sizes.smallest(), self._transactional_id)
            try:
                self._producer.init_transactions()
            except KafkaError:
                self._drop_producer()
                raise
        return self._producer

    def _send_all(self, producer: "KafkaProducer", passing: Passing) -> None:
        """Send it, and wait until Kafka has it all."""
        topics = self._settings.kafka
        for letter in passing.letters:
            self._sizes.require(topics.dead_letters_topic, letter)
        sent = [
            producer.send(topics.logs_topic, each.value, each.key, headers=each.headers, timestamp_ms=each.timestamp_ms)
            for each in passing.keyed
        ]
        sent += [producer.send(topics.dead_letters_topic, letter) for letter in passing.letters]
        await_acknowledged(producer, sent, self._parts.stop)

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            abandon(producer)  # Kafka aborts what it left open
