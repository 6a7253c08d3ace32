"""Applying records to the state of their partition, and acting on the answer: counts, refusals, a full stream."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition

from model.errors import RecordError
from stream.consumers.assignment import Held
from stream.consumers.offsets import ranges
from stream.consumers.parts import ConsumerParts
from stream.consumers.publisher import Publisher
from stream.consumers.records import MAX_KEY_BYTES, bounded_batches
from stream.consumers.silence import ending_after
from stream.consumers.taking import Taker
from stream.dead_letters import dead_letter_of, encode_dead_letter
from stream.windowing.calls import Applied, Batch, Cutting, Ending
from stream.windowing.partition_state import Refusal
from stream.windowing.windows import WindowRule

__all__ = ["Applier"]

log = structlog.get_logger()


class Applier:
    """Applies what a consumer reads.

    Args:
        parts: What the consumer works with.
        kafka: The member of the group.
        taker: Takes partitions again that another consumer has taken.
        publisher: For dead letters.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        parts: ConsumerParts,
        kafka: "KafkaConsumer",
        taker: Taker,
        publisher: Publisher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._kafka = kafka
        self._taker = taker
        self._publisher = publisher
        self._clock = clock

    def apply_records(self, partition: TopicPartition, held: Held, records: Sequence[Any]) -> None:
        """Apply a poll batch in calls of bounded work; what is left when one is refused, or fills up, is read again.

        A refusal changes the next offset: a part behind it must not be applied as if it followed on that.
        """
        for part in bounded_batches(records, self._parts.live.current().rule()):
            if held.full:
                self._taker.seek(partition, held)
                return
            if self._apply_part(partition, held, part).refusal is not None:
                return

    def _apply_part(self, partition: TopicPartition, held: Held, records: Sequence[Any]) -> Applied:
        read = self._parts.reader.read(records)
        self._publish_rejected(read.rejected)
        start, stop = min(held.next_offset or 0, records[0].offset), records[-1].offset + 1
        applied = self.apply(partition, held, read.events.batch(start, stop, read.novel))
        held.silent_since = None
        if applied.refusal is None:
            held.learn_epoch(records[-1].leader_epoch, stop)
            metrics = self._parts.metrics
            metrics.records.inc(len(records))
            metrics.lines.inc(len(read.events.keys))
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

    def apply(self, partition: TopicPartition, held: Held, batch: Batch) -> Applied:
        """Apply one batch; of offsets without records it is empty."""
        applied = held.store.apply(self._taker.owner, batch, self._cutting())
        if applied.refusal is not None:
            self._refused(partition, held, applied)
        else:
            held.next_offset = batch.stop
            self._count(partition, held, applied, "gap")
        return applied

    def _cutting(self) -> Cutting:
        live, redis = self._parts.live.current(), self._settings.redis
        return Cutting(live.rule(), redis.limits(), redis.max_novel_events, live.version)

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

    def _count(self, partition: TopicPartition, held: Held, applied: Applied, ended_by: str) -> None:
        held.last = applied
        metrics, name = self._parts.metrics, str(partition.partition)
        metrics.windows_cut.inc(applied.windows)
        metrics.late_events.inc(applied.late)
        metrics.hurried_events.inc(applied.hurried)
        metrics.sessions_ended.labels(ended_by).inc(applied.sessions_ended - applied.crowded_out)
        metrics.sessions_ended.labels("limit").inc(applied.crowded_out)
        metrics.overlaps_skipped.inc(applied.skipped)
        metrics.open_sessions.labels(name).set(applied.open_sessions)
        metrics.waiting_events.labels(name).set(applied.waiting_events)
        metrics.ready_windows.labels(name).set(applied.ready_windows)
        self.mind_fullness(partition, held, applied.ready_bytes)

    def mind_fullness(self, partition: TopicPartition, held: Held, ready_bytes: int) -> None:
        """Pause a partition whose ready stream is full, and resume it when half of it is scored."""
        self._parts.metrics.ready_bytes.labels(str(partition.partition)).set(ready_bytes)
        most = self._settings.redis.max_ready_bytes
        if not held.full and ready_bytes >= most:
            held.full = True
            self._kafka.pause(partition)
            log.warning("ready_stream_full", partition=partition.partition, bytes=ready_bytes, most=most)
        elif held.full and ready_bytes <= most // 2:
            held.full = False
            self._kafka.resume(partition)
            log.info("ready_stream_drained", partition=partition.partition, bytes=ready_bytes)

    def mind_silence(self, held: Mapping[TopicPartition, Held]) -> None:
        """End what waits in partitions without new lines; see ``silence.py``.

        Kafka is asked once where all those end in which something is to end by the clock on the wall: what was fetched
        last need not have told of the newest records.
        """
        cutting = self._cutting()
        endings = {p: ending for p, each in held.items() if (ending := self._ending(p, each, cutting.rule)) is not None}
        by_the_clock = [partition for partition, ending in endings.items() if ending is not Ending.DUE]
        ends = ranges(self._settings.kafka, by_the_clock) if by_the_clock else {}
        for partition, ending in endings.items():
            each = held[partition]
            if partition in ends and ends[partition].end > (each.next_offset or 0):
                each.silent_since = None
            else:
                self._end(partition, each, cutting, ending)

    def _ending(self, partition: TopicPartition, held: Held, rule: WindowRule) -> Ending | None:
        """What to end in a partition, if it has no lines that are not applied; None when nothing."""
        end = self._kafka.highwater(partition)
        if held.full or end is None or held.next_offset is None or held.next_offset < end:
            held.silent_since = None
            return None
        if held.silent_since is None:
            held.silent_since = self._clock()
        silent_ms = int((self._clock() - held.silent_since) * 1000)
        return ending_after(silent_ms, self._settings.consumer.idle_timeout_ms, rule, held.last)

    def _end(self, partition: TopicPartition, held: Held, cutting: Cutting, ending: Ending) -> None:
        applied = held.store.advance(self._taker.owner, held.next_offset or 0, cutting, ending)
        if applied.refusal is not None:
            self._refused(partition, held, applied)
        else:
            self._count(partition, held, applied, "gap" if ending is Ending.DUE else "silence")
