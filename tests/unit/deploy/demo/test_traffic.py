"""The plan of the stream."""

from deploy.demo.faults import FAULTS
from deploy.demo.traffic import plan_traffic

START_MS = 1_795_511_700_000


def test_one_fault_of_each_kind_is_planned():
    """All five kinds occur, each on a trace of its own."""
    traffic = plan_traffic(START_MS, seconds=60, lines_per_second=100, seed=1)

    assert sorted(planned.fault.kind for planned in traffic.faults.values()) == sorted(FAULTS)
    assert all(planned.line in traffic.lines for planned in traffic.faults.values())


def test_a_stretch_without_faults_has_none():
    """Faults can be left out."""
    assert not plan_traffic(START_MS, seconds=60, lines_per_second=100, seed=1, with_faults=False).faults


def test_the_rate_and_the_length_are_kept():
    """The stream fits its time, at about the rate that was asked for."""
    traffic = plan_traffic(START_MS, seconds=60, lines_per_second=100, seed=1)
    times = [line.time_ms for line in traffic.lines]

    assert times == sorted(times)
    assert times[0] >= START_MS
    assert times[-1] < START_MS + 60_000
    assert 85 < len(times) / 56 < 115


def test_the_same_seed_gives_the_same_plan():
    """A plan is a function of its arguments."""
    assert plan_traffic(START_MS, 30, 50, seed=4) == plan_traffic(START_MS, 30, 50, seed=4)
