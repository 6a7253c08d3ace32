"""Turns and the waits after those that fail, with a hand-moved clock."""

import threading
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from model.errors import KafkaAwayError, RedisFullError, StateError, TransientError
from stream.loop import Loop, patiently
from stream.stopping import StoppedWhileWaiting
from stream.telemetry import Heartbeat, WorkerMetrics

UNWELL_SECONDS = 60.0


class Turns:
    """A loop whose turns end as they are told to.

    Attributes:
        now: The hand-moved clock.
        ends: What each turn returns, or raises; after the last one the loop stops.
        turns: How many were begun.
        set_aside: How often what a turn left undone was set aside.
    """

    def __init__(self, *ends: bool | Exception) -> None:
        self.now = 0.0
        self.ends = list(ends)
        self.turns = 0
        self.set_aside = 0
        self.registry = CollectorRegistry()
        self.health = Heartbeat("the loop", UNWELL_SECONDS, lambda: self.now)
        self.stop = threading.Event()
        self.loop = Loop(self._turn, self._count_set_aside, WorkerMetrics(self.registry), self.health, lambda: self.now)

    def run(self, meanwhile: Callable[[], None]) -> None:
        """Run until all turns are done."""
        self.loop.run(self.stop, meanwhile)

    def failed(self, reason: str) -> float | None:
        """What the metric says."""
        return self.registry.get_sample_value("logscry_worker_failed_turns_total", {"reason": reason})

    def _turn(self) -> bool:
        self.turns += 1
        end = self.ends.pop(0)
        if not self.ends:
            self.stop.set()
        if isinstance(end, Exception):
            raise end
        return end

    def _count_set_aside(self) -> None:
        self.set_aside += 1


def test_a_turn_that_fails_is_done_again_after_a_wait_and_counted_by_what_failed():
    """In the wait, and only there, the other thing is done; that it fails is no news."""
    turns = Turns(True, KafkaAwayError("away"), RedisFullError("full"), True)
    waits: list[int] = []

    def meanwhile() -> None:
        waits.append(turns.turns)
        turns.now += 100
        raise KafkaAwayError("still away")

    turns.run(meanwhile)

    assert turns.turns == 4
    assert waits == [2, 3]
    assert turns.set_aside == 2
    assert (turns.failed("kafka"), turns.failed("redis-full"), turns.failed("redis")) == (1, 1, None)


def test_after_a_failure_only_a_turn_that_shows_something_is_a_success():
    """Else a process that reads nothing while it cannot write would look healthy."""
    turns = Turns(False, TransientError("away"), False, False, True, False)
    well: list[bool] = []

    def next_turn() -> None:
        turns.now += UNWELL_SECONDS + 1
        turns.loop.turn()
        well.append(not turns.health())

    for _ in range(6):
        next_turn()

    assert well == [True, False, False, False, True, True]


def test_what_is_not_a_server_that_is_away_ends_the_loop():
    """A wait would not help."""
    with pytest.raises(StateError):
        Turns(StateError("broken"), True).run(lambda: None)


def test_a_wait_ends_when_the_process_is_stopped():
    """Nobody sleeps through a stop."""
    turns = Turns(TransientError("away"))
    turns.loop.run(turns.stop)
    assert turns.turns == 1


def test_servers_are_waited_for_at_the_start_until_the_process_is_stopped():
    """Stopping is no failure: the status is 0."""
    stop = threading.Event()
    tries = iter([False, False, True])

    def make() -> str:
        if not next(tries):
            raise TransientError("away")
        return "made"

    assert patiently(make, stop) == "made"
    stop.set()
    with pytest.raises(StoppedWhileWaiting) as raised:
        patiently(_away, stop)
    assert raised.value.code == 0


def _away() -> None:
    raise TransientError("away")
