"""Windows that cannot be scored become dead letters: they never block the others."""

import time

from stream.dead_letters import DeadLetter, dead_letter, encode_dead_letter
from stream.windowing.ready import ReadyWindow

__all__ = ["dead_letter_of_window"]


def dead_letter_of_window(window: ReadyWindow, error: Exception) -> tuple[DeadLetter, bytes]:
    """The dead letter of a window that the model failed on, as a value and encoded."""
    topic, partition = window.partition
    letter = dead_letter(
        topic,
        partition,
        window.events()[-1].place >> 16,
        reason="not-scored",
        detail=f"{type(error).__name__}: {error}",
        value=window.entries,
        time_ms=int(time.time() * 1000),
    )
    return letter, encode_dead_letter(letter)
