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

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from model.errors import RecordError
from stream.consumers.assignment import Assignment, Held
from stream.consumers.clients import new_consumer, poll, translated
from stream.consumers.publisher import Publisher
from stream.consumers.records import MAX_KEY_BYTES, RecordReader, bounded_batches
from stream.consumers.taking import Taker
from stream.dead_letters import dead_letter_of, encode_dead_letter
from stream.live_settings import LiveSettingsFollower
from stream.loop import Loop
from stream.settings import Settings
from stream.telemetry import ConsumerMetrics, Heartbeat
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import Applied, Batch, PartitionId, PartitionStore, Refusal

__all__ = ["Consumer", "ConsumerParts"]

log = structlog.get_logger()

HOUSEKEEPING_SECONDS = 0.5
UNWELL_SECONDS = 30.0


@dataclass(frozen=True)
class ConsumerParts:
    """What a consumer works with.

    Attributes:
        settings: The static settings.
        live: The live settings.
        redis: A client that returns bytes.
        reader: Records to events.
        metrics: Where it counts.
        stop: Set when the process is to end.
    """

    settings: Settings
    live: LiveSettingsFollower
    redis: Any
    reader: RecordReader
    metrics: ConsumerMetrics
    stop: threading.Event = field(default_factory=threading.Event)


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
        self._publisher = Publisher(self._settings.kafka, parts.stop)
        self._kafka: KafkaConsumer = new_consumer(
            self._settings.kafka, self._settings.namespace, self._settings.consumer.poll_records
        )
        self._assignment = Assignment(self._kafka)
        registry = PartitionRegistry(parts.redis, self._settings.namespace)
        self._taker = Taker(self._settings.kafka, self._kafka, registry, self._owner, clock)
        self._housekeeping_at = 0.0
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
                self._taker.commits.commit(self._held)
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
        self._taker.take_again(self._held)

    def _caught_up(self) -> bool:
        ends = ((held.next_offset, self._kafka.highwater(partition)) for partition, held in self._held.items())
        return all(next_offset is not None and end is not None and next_offset >= end for next_offset, end in ends)

    def _work(self, batches: dict[TopicPartition, Sequence[Any]]) -> None:
        # Before taking: what was polled follows on what a partition had applied then, not on what a state says now.
        for partition, records in batches.items():
            held = self._held.get(partition)
            if held is not None and held.next_offset is not None:
                self._apply_in_parts(partition, held, records)
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
        self._apply(partition, held, Batch(position, begin))

    def _apply_in_parts(self, partition: TopicPartition, held: Held, records: Sequence[Any]) -> None:
        """Apply a poll batch in calls of bounded work; what is left when one is refused, or fills up, is read again.

        A refusal changes the next offset: a part behind it must not be applied as if it followed on that.
        """
        for part in bounded_batches(records):
            if held.full:
                self._taker.seek(partition, held)
                return
            if self._apply_records(partition, held, part).refusal is not None:
                return

    def _apply_records(self, partition: TopicPartition, held: Held, records: Sequence[Any]) -> Applied:
        read = self._parts.reader.read(records)
        self._publish_rejected(read.rejected)
        start, stop = min(held.next_offset or 0, records[0].offset), records[-1].offset + 1
        applied = self._apply(partition, held, read.events.batch(start, stop, read.novel))
        if applied.refusal is None:
            held.epoch = max(held.epoch, records[-1].leader_epoch)
            metrics = self._parts.metrics
            metrics.records.inc(len(records))
            metrics.lines.inc(len(read.events.keys))
            metrics.late_events.inc(max(0, applied.late - read.at_stream_time))
            metrics.novel_events.inc(sum(event.times for event in read.novel))
            metrics.time_fallbacks.inc(read.untimed + read.future)
        return applied

    def _publish_rejected(self, rejected: Sequence[tuple[Any, RecordError]]) -> None:
        if not rejected:
            return
        for record, error in rejected:
            letter = dead_letter_of(record, error)
            key = record.key[:MAX_KEY_BYTES] if record.key else None  # a key of a megabyte would not fit beside it
            self._publisher.send(self._settings.kafka.dead_letters_topic, encode_dead_letter(letter), key)
        self._publisher.wait()
        for _, error in rejected:
            self._parts.metrics.dead_letters.labels(error.reason).inc()

    def _apply(self, partition: TopicPartition, held: Held, batch: Batch) -> Applied:
        rule = self._parts.live.current().rule()
        applied = held.store.apply(self._owner, batch, rule, self._settings.redis.max_novel_events)
        if applied.refusal is not None:
            self._refused(partition, held, applied)
        else:
            held.next_offset = batch.stop
            self._count(partition, held, applied)
        return applied

    def _refused(self, partition: TopicPartition, held: Held, applied: Applied) -> None:
        reason = applied.refusal.value if applied.refusal else ""
        log.warning("batch_refused", partition=partition.partition, reason=reason, position=applied.position)
        self._parts.metrics.refusals.labels(reason).inc()
        if applied.refusal is Refusal.GAP:
            held.next_offset = applied.position
            self._taker.seek(partition, held)
        else:
            # Another consumer took the partition. Take it again only if it is still ours after the next poll.
            self._taker.take_again({partition: held})

    def _count(self, partition: TopicPartition, held: Held, applied: Applied) -> None:
        metrics, name = self._parts.metrics, str(partition.partition)
        metrics.windows_cut.inc(applied.windows)
        metrics.sessions_ended.inc(applied.sessions_ended)
        metrics.overlaps_skipped.inc(applied.skipped)
        metrics.open_sessions.labels(name).set(applied.open_sessions)
        self._mind_fullness(partition, held, applied.ready_windows)

    def _mind_fullness(self, partition: TopicPartition, held: Held, ready_windows: int) -> None:
        """Pause a partition whose ready stream is full, and resume it when half of it is scored."""
        self._parts.metrics.ready_windows.labels(str(partition.partition)).set(ready_windows)
        most = self._settings.redis.max_ready_windows
        if not held.full and ready_windows >= most:
            held.full = True
            self._kafka.pause(partition)
            log.warning("ready_stream_full", partition=partition.partition, windows=ready_windows, most=most)
        elif held.full and ready_windows <= most // 2:
            held.full = False
            self._kafka.resume(partition)
            log.info("ready_stream_drained", partition=partition.partition, windows=ready_windows)

    def _keep_house(self) -> None:
        for partition, held in self._held.items():
            if held.next_offset is None:
                continue
            if self._was_forgotten(held):
                log.warning("state_lost", partition=partition.partition, position=held.next_offset)
                self._taker.take_again({partition: held})
                continue
            if held.full:
                self._mind_fullness(partition, held, held.store.ready_windows())
            self._cover_markers(partition, held)
            end = self._kafka.highwater(partition)
            if end is not None:
                lag = max(0, end - (held.next_offset or 0))
                self._parts.metrics.lag_records.labels(str(partition.partition)).set(lag)
        self._parts.metrics.paused_partitions.set(sum(held.full for held in self._held.values()))
        self._taker.remember(self._held)
        self._taker.commits.commit(self._held)

    def _was_forgotten(self, held: Held) -> bool:
        """Whether Redis came back empty or older: a partition without new lines has no call that would be refused."""
        state = held.store.position()
        return state is None or state.offset < (held.next_offset or 0)

    def _cover_markers(self, partition: TopicPartition, held: Held) -> None:
        """Move the position over offsets that hold no records, such as the ends of transactions."""
        with translated("asking for the fetch position"):
            fetched = self._kafka.position(partition, timeout_ms=1000)
        if held.next_offset is not None and fetched is not None and fetched > held.next_offset:
            self._apply(partition, held, Batch(held.next_offset, fetched))


def _numbers(partitions: set[TopicPartition]) -> list[int]:
    return sorted(p.partition for p in partitions)
