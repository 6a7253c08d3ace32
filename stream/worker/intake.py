"""Where a worker's windows come from: the ready streams of all partitions, and windows of workers that died."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from model.errors import RedisAwayError
from stream.telemetry import WorkerMetrics
from stream.windowing.ready import ReadyWindow
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore

__all__ = ["Intake"]

log = structlog.get_logger()

LOOK_SECONDS = 0.2
"""How often to look for new partitions: until they are seen, their first windows wait."""

FORGET_SECONDS = 600.0
SILENT_MS = 3_600_000
"""Each process is a worker of a new name: without this, Redis would list every one that there ever was."""


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
        self._streams = ReadyStreams(redis)
        self._looked_at = -LOOK_SECONDS
        self._claimed_at = clock()
        self._forgot_at = -FORGET_SECONDS
        self._answered = False

    def read(self, count: int) -> list[ReadyWindow]:
        """Take up to ``count`` windows without waiting: those of silent workers first."""
        with self._asking():
            self._look()
            windows = self._claim(count)
            return windows + self._streams.read(self._worker, count - len(windows))

    def keep(self, windows: Iterable[ReadyWindow]) -> None:
        """Say that this worker still deals with windows."""
        with self._asking():
            self._streams.keep(self._worker, windows)

    def acknowledge(self, windows: Iterable[ReadyWindow]) -> None:
        """Remove windows that are dealt with."""
        with self._asking():
            self._streams.acknowledge(windows)

    def leave(self) -> None:
        """Let Redis forget this worker, unless it holds windows: another then claims them."""
        if not self._answered:  # Redis is away: there is no time to find out again
            return
        try:
            self._streams.forget_workers(SILENT_MS, leaving=self._worker)
        except RedisAwayError as exc:
            log.info("worker_not_forgotten", worker=self._worker, error=str(exc))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._answered = False
        yield
        self._answered = True

    def _look(self) -> None:
        if self._clock() - self._looked_at < LOOK_SECONDS:
            return
        for partition in self._registry.all():
            if partition not in self._streams.names:
                self._streams.names[partition] = PartitionStore(self._redis, self._namespace, partition).ready
        self._looked_at = self._clock()

    def _claim(self, count: int) -> list[ReadyWindow]:
        """Now and then: the windows of silent workers. Oftener than they can fall idle would find nothing."""
        if (self._clock() - self._claimed_at) * 1000 < self._claim_idle_ms / 2:
            return []
        windows = self._streams.claim(self._worker, count, self._claim_idle_ms)
        if not windows:
            self._claimed_at = self._clock()
            self._forget()
        self._metrics.claimed.inc(len(windows))
        return windows

    def _forget(self) -> None:
        """Now and then: workers that died, once others have claimed what they held."""
        if self._clock() - self._forgot_at >= FORGET_SECONDS:
            self._streams.forget_workers(SILENT_MS)
            self._forgot_at = self._clock()
