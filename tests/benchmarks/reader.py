"""A reader of ready windows that judges nothing: what drains the ready streams where only the consumer is measured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context

from redis import Redis

from stream.setting_groups import WorkerSettings
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore

__all__ = ["drained", "reader_beside"]

WORKER = WorkerSettings()
"""It gathers windows as a worker with the default settings does: one that asks more often costs Redis more."""

_IDLE_SECONDS = 0.02


@contextmanager
def reader_beside(url: str, namespace: str) -> Iterator[None]:
    """A process that takes and acknowledges every window, for as long as the block lasts."""
    process = get_context("spawn").Process(target=_read_on, args=(url, namespace), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def drained(redis: "Redis", streams: ReadyStreams, namespace: str, gather_seconds: float = 0.0) -> int:
    """Take and acknowledge what waits, a bounded number of windows.

    Args:
        redis: A client that returns bytes.
        streams: Those known already; new ones are added.
        namespace: Whose partitions.
        gather_seconds: How long it waits for a batch to become full.

    Returns:
        How many windows were acknowledged.
    """
    for partition in PartitionRegistry(redis, namespace).all():
        if partition not in streams.names:
            streams.names[partition] = PartitionStore(redis, namespace, partition).ready
    most, until = WORKER.batch_windows, time.monotonic() + gather_seconds
    windows = streams.read("reader", most)
    while windows and len(windows) < most and time.monotonic() < until:
        time.sleep(_IDLE_SECONDS)
        windows += streams.read("reader", most - len(windows))
    return streams.acknowledge(windows)


def _read_on(url: str, namespace: str) -> None:
    redis: Redis = Redis.from_url(url)
    streams = ReadyStreams(redis)
    while True:
        if not drained(redis, streams, namespace, WORKER.max_delay_ms / 1000):
            time.sleep(_IDLE_SECONDS)
