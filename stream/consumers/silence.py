"""What ends in a partition that fell silent: by the clock on the wall, since no line moves its stream time any more.

Lines that wait for the grace to pass, and sessions that wait for their gap, would otherwise wait for the next line for
ever, and their alerts with them. Stream time does not move; a line that comes later begins a new session.
"""

from stream.windowing.calls import Applied, Ending
from stream.windowing.windows import WindowRule

__all__ = ["ending_after"]


def ending_after(silent_ms: int, idle_timeout_ms: int, rule: WindowRule, last: Applied | None) -> Ending | None:
    """What to end now; None when there is nothing.

    Args:
        silent_ms: For how long the partition has had no record that is not applied, by the clock on the wall.
        idle_timeout_ms: Shorter silences end nothing.
        rule: How windows are cut.
        last: What the last call to the partition did; None when there was none since it was taken.
    """
    if silent_ms >= max(idle_timeout_ms, rule.session_gap_ms) and (last is None or _holds_anything(last)):
        return Ending.SESSIONS
    if silent_ms >= max(idle_timeout_ms, rule.grace_ms) and (last is None or last.waiting_events):
        return Ending.WAITS
    return Ending.DUE if last is not None and last.more_due else None


def _holds_anything(last: Applied) -> bool:
    return bool(last.open_sessions or last.waiting_events)
