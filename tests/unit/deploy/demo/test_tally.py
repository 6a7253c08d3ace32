"""What counts as found, and what as a false alarm."""

import pytest

from deploy.demo.tally import Tally, Verdict
from deploy.demo.traffic import Traffic, plan_traffic

START_MS = 1_795_511_700_000


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """A short stretch with all five faults in it."""
    return plan_traffic(START_MS, seconds=30, lines_per_second=50, seed=1)


def test_an_alert_on_a_faulty_trace_is_found_with_its_delay(traffic):
    """The time to alert is counted from the line at which the fault shows."""
    trace, planned = next(iter(traffic.faults.items()))
    tally = Tally(traffic.faults)

    verdict = tally.judge("a", trace, planned.line.time_ms + 250)

    assert verdict is Verdict.FOUND
    assert tally.seconds_to_alert == {trace: 0.25}


def test_a_trace_counts_once(traffic):
    """Later alerts on the same trace change no count."""
    trace, planned = next(iter(traffic.faults.items()))
    tally = Tally(traffic.faults)
    tally.judge("a", trace, planned.line.time_ms + 250)

    assert tally.judge("b", trace, planned.line.time_ms + 900) is Verdict.FOUND_AGAIN
    assert tally.seconds_to_alert == {trace: 0.25}
    assert tally.judge("c", "0" * 16, START_MS) is Verdict.FALSE_ALARM
    assert tally.judge("d", "0" * 16, START_MS) is Verdict.FALSE_ALARM_AGAIN
    assert tally.false_alarms == {"0" * 16}


def test_a_repeated_alert_is_dropped(traffic):
    """The same alert id is judged once."""
    tally = Tally(traffic.faults)
    tally.judge("a", "0" * 16, START_MS)

    assert tally.judge("a", "0" * 16, START_MS) is Verdict.SEEN_BEFORE


def test_what_no_alert_was_about_is_missed(traffic):
    """Missed faults are named in order of time."""
    first, *rest = sorted(traffic.faults.values(), key=lambda planned: planned.line.time_ms)
    tally = Tally(traffic.faults)
    tally.judge("a", first.fault.session.trace_id, first.line.time_ms)

    assert tally.missed == rest


@pytest.mark.parametrize(
    ("found", "false_alarms", "succeeded"), [(5, 0, True), (4, 1, True), (3, 0, False), (5, 2, False)]
)
def test_the_demo_succeeds_with_four_found_and_at_most_one_false_alarm(traffic, found, false_alarms, succeeded):
    """The bar is four of five faults and one false alarm."""
    tally = Tally(traffic.faults)
    for trace in list(traffic.faults)[:found]:
        tally.judge(f"found-{trace}", trace, START_MS)
    for number in range(false_alarms):
        tally.judge(f"false-{number}", f"{number:016x}", START_MS)

    assert tally.succeeded is succeeded
