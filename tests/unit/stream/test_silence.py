"""What ends in a partition that fell silent, and when."""

import pytest

from stream.consumers.silence import ending_after
from stream.windowing.calls import Applied, Ending
from stream.windowing.windows import WindowRule

RULE = WindowRule(size=8, hop=4, session_gap_ms=600_000, grace_ms=60_000)
IDLE_MS = 30_000
NOTHING = Applied(None, 5)
OPEN = Applied(None, 5, open_sessions=1)
WAITING = Applied(None, 5, open_sessions=1, waiting_events=1)


@pytest.mark.parametrize(
    ("silent_ms", "last", "ending"),
    [
        (0, WAITING, None),
        (59_999, WAITING, None),
        (60_000, WAITING, Ending.WAITS),
        (60_000, OPEN, None),
        (599_999, OPEN, None),
        (600_000, OPEN, Ending.SESSIONS),
        (600_000, WAITING, Ending.SESSIONS),
        (600_000, NOTHING, None),
        (600_000, None, Ending.SESSIONS),  # what another consumer's calls left is not known
        (0, Applied(None, 5, open_sessions=9, more_due=1), Ending.DUE),
        (60_000, Applied(None, 5, waiting_events=1, more_due=1), Ending.WAITS),
    ],
)
def test_waits_end_after_the_grace_and_sessions_after_the_gap(
    silent_ms: int, last: Applied | None, ending: Ending | None
):
    """And at once what the bounds of the last call's work left over."""
    assert ending_after(silent_ms, IDLE_MS, RULE, last) is ending


def test_no_silence_that_is_shorter_than_the_idle_timeout_ends_anything():
    """Whatever the gap."""
    quick = WindowRule(size=8, hop=4, session_gap_ms=10)

    assert ending_after(IDLE_MS - 1, IDLE_MS, quick, WAITING) is None
    assert ending_after(IDLE_MS, IDLE_MS, quick, WAITING) is Ending.SESSIONS
