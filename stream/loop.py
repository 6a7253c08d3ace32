"""Turn after turn until a process is stopped, with a wait after each turn that a server cut short."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import structlog

from model.errors import TransientError
from stream.backoff import Backoff
from stream.stopping import StoppedWhileWaiting
from stream.telemetry import ConsumerMetrics, Heartbeat, RekeyMetrics, WorkerMetrics

__all__ = ["Loop", "patiently"]

log = structlog.get_logger()

Made = TypeVar("Made")


class Loop:
    """The loop of a consumer, a worker or the rekey stage.

    Args:
        turn: Does one turn. Returns whether it shows that the servers answer: an empty turn after a failure may show
            nothing, since what failed is still to come.
        set_aside: Called after a failure: makes ready to do again what the turn left undone.
        metrics: Where failures are counted, by their reason.
        health: Beaten by each turn that does not fail.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        turn: Callable[[], bool],
        set_aside: Callable[[], None],
        metrics: ConsumerMetrics | WorkerMetrics | RekeyMetrics,
        health: Heartbeat,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._turn = turn
        self._set_aside = set_aside
        self._metrics = metrics
        self._health = health
        self._backoff = Backoff(clock=clock)

    def run(self, stop: threading.Event, meanwhile: Callable[[], object] | None = None) -> None:
        """Turn until ``stop`` is set.

        Args:
            stop: Ends it, and any wait.
            meanwhile: Called over and over while it waits, to keep a membership; it takes its time. None sleeps.
        """
        while not stop.is_set():
            seconds = self._backoff.remaining_seconds
            if seconds == 0:
                self.turn()
            elif meanwhile is None:
                stop.wait(seconds)
            else:
                with suppress(TransientError):  # no news: the next turn says whether the servers answer again
                    meanwhile()

    def turn(self) -> None:
        """Do one turn; a wait begins where a server cuts it short."""
        with self._failures():
            if self._turn() or not self._backoff.failures:
                self._backoff.succeeded()
                self._health.beat()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except TransientError as exc:
            self._metrics.failed_turns.labels(exc.reason).inc()
            _begin_wait(self._backoff, exc)
            self._set_aside()


def patiently(make: Callable[[], Made], stop: threading.Event) -> Made:
    """Connect, and try again while the server is away: whoever starts everything at once need not mind the order.

    Raises:
        StoppedWhileWaiting: It was stopped first; the process ends with status 0.
    """
    backoff = Backoff()
    while True:
        try:
            return make()
        except TransientError as exc:
            if stop.wait(_begin_wait(backoff, exc)):
                raise StoppedWhileWaiting(0) from exc


def _begin_wait(backoff: Backoff, exc: TransientError) -> float:
    wait = backoff.failed()
    log.warning("waiting", seconds=round(wait, 2), failures=backoff.failures, error=str(exc))
    return wait
