"""Flush: end every open session once all lines that the topic holds now are applied."""

import time
from collections.abc import Callable
from typing import Any

from kafka import TopicPartition

from model.errors import StateError, TransientError
from stream.consumers.clients import reading_consumer
from stream.consumers.offsets import Range, partitions_of, ranges
from stream.live_settings import LiveSettingsStore
from stream.settings import Settings
from stream.windowing.store import PartitionId, PartitionStore

__all__ = ["flush"]

POLL_SECONDS = 0.1

Progress = Callable[[int, int], None]
"""Called with the offsets still to be applied, and the sessions ended so far."""


def flush(settings: Settings, redis: Any, timeout_seconds: float, progress: Progress | None = None) -> int:  # noqa: ANN401
    """End all open sessions of all partitions.

    It may be run again: sessions that are closed stay closed.

    Args:
        settings: Which topic and namespace.
        redis: A client that returns bytes.
        timeout_seconds: How long to wait for the consumers to reach the end offsets of now.
        progress: Told how it goes.

    Returns:
        How many sessions were ended.

    Raises:
        ConfigurationError: There is no such topic.
        TransientError: The consumers did not reach the end in time; which partition, and where it stands.
    """
    deadline = time.monotonic() + timeout_seconds
    ended = 0
    for partition, (begin, end) in _ranges(settings).items():
        store = PartitionStore(redis, settings.namespace, PartitionId(partition.topic, partition.partition))
        if begin == end and store.position() is None:
            continue  # nothing is in it, and nothing ever was
        while (found := store.position()) is None or found.offset < end:
            position = found.offset if found else 0
            if time.monotonic() > deadline:
                raise TransientError(
                    f"{store.partition} is at offset {position} and must reach {end}, but {timeout_seconds:.0f} s "
                    "have passed. Are consumers running? Sessions of the partitions before it are ended; run it again."
                )
            if progress:
                progress(end - position, ended)
            time.sleep(POLL_SECONDS)
        ended += _end_sessions(store, end, _window_size(redis, settings.namespace))
        if progress:
            progress(0, ended)
    return ended


def _ranges(settings: Settings) -> dict[TopicPartition, Range]:
    consumer = reading_consumer(settings.kafka)
    try:
        partitions = partitions_of(consumer, settings.kafka.logs_topic)
    finally:
        consumer.close()
    return ranges(settings.kafka, partitions)


def _window_size(redis: Any, namespace: str) -> int:  # noqa: ANN401 -- redis-py types every mode of its client
    live = LiveSettingsStore(redis, namespace).get()
    if live is None:
        raise StateError(f"Lines of namespace {namespace} are applied, but its live settings are gone; run consume.")
    return live.window_size


def _end_sessions(store: PartitionStore, reached: int, size: int) -> int:
    total = 0
    while True:
        flushed = store.flush(reached, size)
        total += flushed.ended
        if not flushed.remaining:
            return total
