"""Where a worker's windows come from: the ready streams of all partitions, and windows of workers that died."""

import time
from collections.abc import Callable
from typing import Any

from stream.telemetry import WorkerMetrics
from stream.windowing.ready import ReadyStream, ReadyWindow
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionId, PartitionStore

__all__ = ["Intake"]

LOOK_SECONDS = 0.2
"""How often to look for new partitions: until they are seen, their first windows wait."""


class Intake:
    """Gathers batches of windows, evenly over the partitions.

    Args:
        redis: A client that returns bytes.
        namespace: Whose partitions.
        worker: This worker's name, which no other has.
        metrics: Where it counts.
        claim_idle_ms: How long a window may lie with a silent worker.
        clock: Seconds that never go back.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- the worker's parts, each used here
        self,
        redis: Any,  # noqa: ANN401 -- redis-py types every mode of its client
        namespace: str,
        worker: str,
        metrics: WorkerMetrics,
        claim_idle_ms: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._namespace = namespace
        self._worker = worker
        self._metrics = metrics
        self._claim_idle_ms = claim_idle_ms
        self._clock = clock
        self._registry = PartitionRegistry(redis, namespace)
        self._streams: dict[PartitionId, ReadyStream] = {}
        self._looked_at = -LOOK_SECONDS
        self._claimed_at = clock()

    def read(self, count: int) -> list[ReadyWindow]:
        """Take up to ``count`` windows without waiting."""
        self._look()
        windows = self._claim(count)
        while self._streams and len(windows) < count:
            share = max(1, (count - len(windows)) // len(self._streams))
            found: list[ReadyWindow] = []
            for stream in self._streams.values():
                room = min(share, count - len(windows) - len(found))
                found += stream.read(self._worker, room) if room else []
            if not found:
                break
            windows += found
        return windows

    def stream(self, partition: PartitionId) -> ReadyStream:
        """The ready stream that a window came from."""
        return self._streams[partition]

    def _look(self) -> None:
        if self._clock() - self._looked_at < LOOK_SECONDS:
            return
        for partition in self._registry.all():
            if partition not in self._streams:
                name = PartitionStore(self._redis, self._namespace, partition).ready
                self._streams[partition] = ReadyStream(self._redis, name, partition)
        self._looked_at = self._clock()

    def _claim(self, count: int) -> list[ReadyWindow]:
        """Now and then: the windows of silent workers. Oftener than they can fall idle would find nothing."""
        if (self._clock() - self._claimed_at) * 1000 < self._claim_idle_ms / 2:
            return []
        windows: list[ReadyWindow] = []
        for stream in self._streams.values():
            windows += (
                stream.claim(self._worker, count - len(windows), self._claim_idle_ms) if len(windows) < count else []
            )
        if not windows:
            self._claimed_at = self._clock()
        self._metrics.claimed.inc(len(windows))
        return windows
