"""Windows that cannot be scored become dead letters: they never block the others."""

import time

from stream.dead_letters import DeadLetter, dead_letter
from stream.windowing.ready import ReadyWindow

__all__ = ["dead_letter_of_window"]


def dead_letter_of_window(window: ReadyWindow, error: Exception) -> DeadLetter:
    """The dead letter of a window that could not be judged; its value is the window's entries."""
    topic, partition = window.partition
    return dead_letter(
        topic,
        partition,
        window.events()[-1].place >> 16,
        reason="not-scored",
        detail=f"{type(error).__name__}: {error}",
        value=window.entries,
        time_ms=int(time.time() * 1000),
    )
