"""How long to wait after a server did not answer."""

import random
import time
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Doubling waits with full jitter, so that many processes do not come back in step.

    It does not sleep: a consumer has to keep polling while it waits, to stay in its group.

    Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("full jitter").

    Args:
        first_seconds: The longest first wait.
        most_seconds: The longest wait.
        clock: Seconds that never go back.
    """

    def __init__(
        self, first_seconds: float = 0.2, most_seconds: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    @property
    def remaining_seconds(self) -> float:
        """How much of the wait is left; 0 when it is time to try."""
        return max(0.0, self._until - self._clock())

    @property
    def failures(self) -> int:
        """Failures since the last success."""
        return self._failures

    def failed(self) -> float:
        """Begin a wait after a failure and return its length in seconds."""
        longest = min(self._most, self._first * 2.0**self._failures)
        wait = random.uniform(longest / 10, longest)  # noqa: S311 -- jitter, not a secret
        self._failures = min(self._failures + 1, 32)
        self._until = self._clock() + wait
        return wait

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._failures = 0
        self._until = 0.0
