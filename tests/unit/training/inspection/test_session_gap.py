"""Which silence ends a session."""

import random
from collections.abc import Sequence

import pytest

from tests.unit.training.inspection.made_logs import requests
from training.inspection.session_gap import SessionGap, proposed_gap

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
BASE = 1_700_000_000_000


def gap_of(rows: Sequence[tuple[int, bytes | None, int]]) -> SessionGap:
    """The proposal for (time, key, event) rows."""
    rows = sorted(rows, key=lambda row: row[0])
    return proposed_gap([row[1] for row in rows], [BASE + row[0] for row in rows], [row[2] for row in rows])


def test_keys_that_come_once_get_a_gap_longer_than_their_silences():
    """A request's longest pause is 150 ms: a second is plenty."""
    gap = gap_of([(time_ms, key.encode(), step) for time_ms, key, step in requests(300)])

    assert (gap.gap_ms, gap.comes_back) == (SECOND, False)
    assert gap.longest_ms is not None
    assert 100 < gap.longest_ms < 150
    assert len(gap.session_events) == 300


def test_a_long_wait_within_a_session_does_not_end_it():
    """As in HDFS: hours pass before a block is deleted, and what follows is no beginning."""
    chance = random.Random(5)
    rows = []
    for number in range(200):
        start, wait = chance.randrange(10 * HOUR), chance.randrange(2 * HOUR, 5 * HOUR)
        times = [start, start + 900, start + 1800, start + 1800 + wait, start + 2800 + wait]
        rows += [(time_ms, b"%d" % number, step) for step, time_ms in enumerate(times)]
    gap = gap_of(rows)

    assert (gap.gap_ms, gap.comes_back) == (12 * HOUR, False)
    assert set(gap.session_events) == {5}


def test_keys_that_come_back_are_cut_where_they_begin_anew():
    """Hosts do the same five things again and again, with minutes between: the gap parts the rounds, none in itself."""
    chance = random.Random(1)
    rows = []
    for host in range(50):
        time_ms = chance.randrange(MINUTE)
        for _ in range(20):
            for step in (0, 1, 2, 3, 4) if chance.random() < 0.7 else (0, 1, 3, 4):
                time_ms += chance.randrange(50, 2 * SECOND)
                rows.append((time_ms, b"%d" % host, step))
            time_ms += chance.randrange(MINUTE, 10 * MINUTE)
    gap = gap_of(rows)

    assert gap.comes_back
    assert 2 * SECOND <= gap.gap_ms <= MINUTE
    assert set(gap.session_events) == {4, 5}


def test_one_odd_silence_among_many_is_an_accident():
    """A clock that was put forward once does not set the gap for all."""
    rows = [(1000 * number, b"host", number % 3) for number in range(30_000)]
    rows[20_000:] = [(time_ms + 20 * HOUR, key, event) for time_ms, key, event in rows[20_000:]]

    assert gap_of(rows).gap_ms == 2 * SECOND


def test_a_gap_is_a_day_at_most():
    """A host that is silent for months has no session of months."""
    assert gap_of([(0, b"h", 0), (90 * 24 * HOUR, b"h", 1)]).gap_ms == 24 * HOUR


@pytest.mark.parametrize("rows", [[], [(0, b"a", 0), (0, b"a", 1)], [(0, b"a", 0), (900, None, 1)]])
def test_without_silences_the_gap_is_a_guess(rows):
    """No lines, no times that differ, no key twice: half an hour, and the longest silence is not known."""
    gap = gap_of(rows)

    assert (gap.gap_ms, gap.longest_ms) == (30 * MINUTE, None)
