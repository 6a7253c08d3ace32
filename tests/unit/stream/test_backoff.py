"""Waiting after failures, with a hand-moved clock."""

import pytest

from stream.backoff import Backoff


class Clock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_to_a_bound_and_a_success_forgets_them():
    """Each wait is at most double the one allowed before, never above the longest, never nothing."""
    clock = Clock()
    backoff = Backoff(first_seconds=1, most_seconds=8, clock=clock)

    for longest in (1, 2, 4, 8, 8, 8):
        wait = backoff.failed()
        assert longest / 10 <= wait <= longest
        assert backoff.remaining_seconds == pytest.approx(wait)
        clock.now += 1.001 * wait
        assert backoff.remaining_seconds == 0
    backoff.succeeded()
    assert backoff.failed() <= 1


def test_a_thousand_failures_do_not_overflow():
    """A server that is away for days is waited for like one that is away for minutes."""
    backoff = Backoff(most_seconds=5)

    assert max(backoff.failed() for _ in range(1000)) <= 5
