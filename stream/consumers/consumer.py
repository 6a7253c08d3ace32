"""The consumer: lines of the keyed topic into the windows of its partitions, each exactly once.

A turn of the loop:

1. poll (which also keeps the membership in the group), and make sure that the topic is still the same
2. for each partition with records: read them, publish dead letters and wait for their acknowledgement, then one call
   that applies the whole batch or refuses it (several calls where it is very large)
3. take partitions that were assigned, and go to the positions that their states hold
4. now and then: commit (for lag tools), look whether Redis has forgotten something, resume partitions whose ready
   stream has drained

Whatever happens between two lines, the position in Redis says what was applied: a batch that was not is read again, one
that was is skipped.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from stream.consumers.applying import Applier
from stream.consumers.assignment import Assignment, Held
from stream.consumers.clients import new_consumer, poll, translated
from stream.consumers.offsets import partitions_of
from stream.consumers.parts import ConsumerParts
from stream.consumers.publisher import Publisher
from stream.consumers.taking import Taker
from stream.loop import Loop
from stream.telemetry import Heartbeat
from stream.windowing.calls import Batch
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionId, PartitionStore

__all__ = ["Consumer"]

log = structlog.get_logger()

HOUSEKEEPING_SECONDS = 0.5
UNWELL_SECONDS = 30.0

QUIET_SECONDS = 5.0
"""What is not read after so long is not to be had now, though the partition goes on: records of open transactions."""


class Consumer:
    """One member of the consumer group.

    Args:
        parts: What it works with.
        clock: Seconds that never go back.
    """

    def __init__(self, parts: ConsumerParts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._held: dict[TopicPartition, Held] = {}
        self._publisher = Publisher(self._settings.kafka, [self._settings.kafka.dead_letters_topic], parts.stop)
        self._kafka: KafkaConsumer = new_consumer(
            self._settings.kafka, self._settings.namespace, self._settings.consumer.poll_records
        )
        # A member that joins before it knows the topic's partitions is given none, and has to join a second time.
        partitions_of(self._kafka, self._settings.kafka.logs_topic)
        self._assignment = Assignment(self._kafka)
        registry = PartitionRegistry(parts.redis, self._settings.namespace)
        self._taker = Taker(self._settings.kafka, self._kafka, registry, self._owner, clock)
        self._applier = Applier(parts, self._kafka, self._taker, self._publisher, clock)
        self._housekeeping_at = 0.0
        self._quiet_since: float | None = None
        self.health = Heartbeat("the consumer", UNWELL_SECONDS, clock)
        self._loop = Loop(self.turn, self._set_aside, parts.metrics, self.health, clock)

    def run(self) -> None:
        """Consume until it is stopped; then commit and leave the group.

        Raises:
            ConfigurationError: The topic does not exist, or Kafka or Redis refuses the user.
            StateError: The state in Redis cannot be trusted.
        """
        topic = self._settings.kafka.logs_topic
        self._kafka.subscribe([topic], listener=self._assignment)
        log.info("consumer_started", topic=topic, group=self._settings.namespace, owner=self._owner)
        try:
            with self._publisher:
                self._loop.run(self._parts.stop, meanwhile=self._poll)
                self._taker.commits.commit(self._held, self._parts.live.last_seen)
        finally:
            self._kafka.close(autocommit=False, timeout_ms=2000)
            log.info("consumer_stopped", owner=self._owner)

    def turn(self) -> bool:
        """One turn of the loop; see the head of this module.

        Returns:
            Whether it shows that the servers answer: with nothing read, what failed before may be still to come.

        Raises:
            TransientError: A server is away.
            StateError: The topic, or a state in Redis, is not what the other belongs to.
        """
        batches = self._poll()
        self._taker.identity.confirm()
        self._work(batches)
        if batches:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = self._clock()
        return bool(batches) or self._caught_up()

    def _poll(self) -> dict[TopicPartition, Sequence[Any]]:
        """Read on, which also keeps the membership in the group, and follow what that brings."""
        with translated(f"reading topic {self._settings.kafka.logs_topic}"):
            try:
                batches = poll(self._kafka, self._settings.consumer.poll_timeout_ms)
            except (OffsetOutOfRangeError, NoOffsetForPartitionError):
                self._taker.take_again(self._held)  # taking compares the position with what the partition holds
                batches = {}
        self._follow_assignment()
        return batches

    def _set_aside(self) -> None:
        """Fetch nothing until the wait is over, then read everything again from its position."""
        self._quiet_since = None
        self._taker.take_again(self._held)

    def _caught_up(self) -> bool:
        """Whether every partition was taken, which asks Kafka and Redis, and has nothing to read that is not applied.

        A full one is not read, however far it goes on.
        """
        quiet = self._quiet_since is not None and self._clock() - self._quiet_since >= QUIET_SECONDS
        for partition, held in self._held.items():
            end = self._kafka.highwater(partition)
            if held.next_offset is None:
                return False
            if not held.full and (end is None or (held.next_offset < end and not quiet)):
                return False
        return True

    def _work(self, batches: dict[TopicPartition, Sequence[Any]]) -> None:
        # Before taking: what was polled follows on what a partition had applied then, not on what a state says now.
        for partition, records in batches.items():
            held = self._held.get(partition)
            if held is not None and held.next_offset is not None:
                self._applier.apply_records(partition, held, records)
        self._take()
        if self._clock() - self._housekeeping_at >= HOUSEKEEPING_SECONDS:
            self._keep_house()
            self._housekeeping_at = self._clock()

    def _follow_assignment(self) -> None:
        for assigned, partitions in self._assignment.changes():
            for partition in partitions:
                if assigned:
                    number = PartitionId(partition.topic, partition.partition)
                    store = PartitionStore(self._parts.redis, self._settings.namespace, number)
                    self._held[partition] = Held(store)
                elif self._held.pop(partition, None):
                    self._parts.metrics.forget(partition.partition)
            log.info("partitions_assigned" if assigned else "partitions_revoked", partitions=_numbers(partitions))

    def _take(self) -> None:
        """Take the partitions that were assigned, and read on where their states are."""
        for partition, begin in self._taker.take(self._held):
            held = self._held[partition]
            self._parts.live.learn(held.origin.live if held.origin else None)  # before anything is cut
            self._skip_deleted(partition, held, begin)
            self._taker.read_on(partition, held)

    def _skip_deleted(self, partition: TopicPartition, held: Held, begin: int) -> None:
        """Move the position over records that Kafka deleted before they were read."""
        position = held.next_offset or 0
        if position >= begin:
            return
        log.warning(
            "records_deleted_before_reading", partition=partition.partition, first=position, count=begin - position
        )
        self._parts.metrics.deleted_unread.inc(begin - position)
        self._applier.apply(partition, held, Batch(position, begin))

    def _keep_house(self) -> None:
        for partition, held in self._held.items():
            if held.next_offset is None:
                continue
            if self._was_forgotten(held):
                log.warning("state_lost", partition=partition.partition, position=held.next_offset)
                self._taker.take_again({partition: held})
                continue
            if held.full:
                self._applier.mind_fullness(partition, held, held.store.ready_bytes())
            self._cover_markers(partition, held)
        self._applier.mind_silence(self._held)
        self._tell_lag()
        self._parts.metrics.paused_partitions.set(sum(held.full for held in self._held.values()))
        self._taker.remember(self._held)
        self._taker.commits.commit(self._held, self._parts.live.last_seen)

    def _tell_lag(self) -> None:
        """Set the lag of the partitions whose position is known: one may just have been refused."""
        for partition, held in self._held.items():
            end = self._kafka.highwater(partition)
            if held.next_offset is not None and end is not None:
                lag = max(0, end - held.next_offset)
                self._parts.metrics.lag_records.labels(str(partition.partition)).set(lag)

    def _was_forgotten(self, held: Held) -> bool:
        """Whether Redis came back empty or older: a partition without new lines has no call that would be refused."""
        state = held.store.position()
        return state is None or state.offset < (held.next_offset or 0)

    def _cover_markers(self, partition: TopicPartition, held: Held) -> None:
        """Move the position over offsets that hold no records, such as the ends of transactions."""
        with translated("asking for the fetch position"):
            fetched = self._kafka.position(partition, timeout_ms=1000)
        if held.next_offset is not None and fetched is not None and fetched > held.next_offset:
            self._applier.apply(partition, held, Batch(held.next_offset, fetched))


def _numbers(partitions: set[TopicPartition]) -> list[int]:
    return sorted(p.partition for p in partitions)
