"""A reader of ready windows that judges nothing: what drains the ready streams where only the consumer is measured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context

from redis import Redis

from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore

__all__ = ["drained", "reader_beside"]

WINDOWS = 256
"""How many windows it takes at once, as a worker does."""


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


def drained(redis: "Redis", streams: ReadyStreams, namespace: str) -> int:
    """Take and acknowledge what waits, a bounded number of windows.

    Args:
        redis: A client that returns bytes.
        streams: Those known already; new ones are added.
        namespace: Whose partitions.

    Returns:
        How many windows were acknowledged.
    """
    for partition in PartitionRegistry(redis, namespace).all():
        if partition not in streams.names:
            streams.names[partition] = PartitionStore(redis, namespace, partition).ready
    return streams.acknowledge(streams.read("reader", WINDOWS))


def _read_on(url: str, namespace: str) -> None:
    redis: Redis = Redis.from_url(url)
    streams = ReadyStreams(redis)
    while True:
        if not drained(redis, streams, namespace):
            time.sleep(0.02)
