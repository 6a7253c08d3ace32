"""Flush: end every open session once all lines that the topic holds now are applied."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition

from model.errors import StateError, TransientError
from stream.consumers.clients import reading_consumer
from stream.consumers.offsets import Range, partitions_of, ranges
from stream.live_settings import LiveSettingsStore
from stream.settings import Settings
from stream.windowing.calls import Cutting
from stream.windowing.store import PartitionId, PartitionStore

__all__ = ["flush"]

POLL_SECONDS = 0.1

Progress = Callable[[int, int], None]
"""Called with the offsets still to be applied, and the sessions ended so far."""


def flush(settings: Settings, redis: Any, timeout_seconds: float, progress: Progress | None = None) -> int:  # noqa: ANN401
    """End all waits and open sessions of all partitions.

    It may be run again: sessions that are closed stay closed.

    Args:
        settings: Which topic and namespace.
        redis: A client that returns bytes.
        timeout_seconds: How long to wait for the consumers to reach the end offsets of now, and for the workers where
            a ready stream is full.
        progress: Told how it goes.

    Returns:
        How many sessions were ended.

    Raises:
        ConfigurationError: There is no such topic.
        StateError: Lines are applied, but there are no live settings.
        TransientError: Consumers or workers were too slow; which partition, and where it stands.
    """
    partitions = _ranges(settings)
    flushing = _Flushing(settings, redis, time.monotonic() + timeout_seconds, progress or (lambda _left, _ended: None))
    for partition, (begin, end) in partitions.items():
        store = PartitionStore(redis, settings.namespace, PartitionId(partition.topic, partition.partition))
        if begin < end or store.position() is not None:  # else nothing is in it, and nothing ever was
            flushing.flush(store, end)
    return flushing.ended


@dataclass(slots=True)
class _Flushing:
    settings: Settings
    redis: Any
    deadline: float
    progress: Progress
    ended: int = 0

    def flush(self, store: PartitionStore, end: int) -> None:
        """End all open sessions of a partition whose position has come to ``end``, as often as it has to be tried."""
        while True:
            self._await_position(store, end)
            self._await_room(store)
            done = store.flush(end, self._cutting())
            self.ended += done.sessions_ended
            self.progress(0, self.ended)
            # Refused: Redis came back older between the two calls, and the consumers read again.
            if done.refusal is None and not done.open_sessions and not done.waiting_events:
                return

    def _await_position(self, store: PartitionStore, end: int) -> None:
        while (found := store.position()) is None or found.offset < end:
            position = found.offset if found else 0
            self._wait(store, f"is at offset {position} and must reach {end}. Are consumers running?")
            self.progress(end - position, self.ended)

    def _await_room(self, store: PartitionStore) -> None:
        most = self.settings.redis.max_ready_bytes
        while store.ready_bytes() >= most:
            self._wait(store, f"has a full ready stream (redis.max_ready_bytes is {most}). Are workers running?")

    def _wait(self, store: PartitionStore, why: str) -> None:
        if time.monotonic() > self.deadline:
            raise TransientError(
                f"The time for the flush is over, and {store.partition} {why} "
                "Sessions of the partitions before it are ended; run it again."
            )
        time.sleep(POLL_SECONDS)

    def _cutting(self) -> Cutting:
        settings, live = self.settings, LiveSettingsStore(self.redis, self.settings.namespace).get()
        if live is None:
            raise StateError(
                f"Lines of namespace {settings.namespace} are applied, but its live settings are gone; run consume."
            )
        return Cutting(live.rule(), settings.redis.limits(), settings.redis.max_novel_events, live.version)


def _ranges(settings: Settings) -> dict[TopicPartition, Range]:
    consumer = reading_consumer(settings.kafka)
    try:
        partitions = partitions_of(consumer, settings.kafka.logs_topic)
    finally:
        consumer.close()
    return ranges(settings.kafka, partitions)
