"""Times that are written as one number."""

__all__ = ["LATEST_MS", "NO_TIME", "time_of_number"]

#: Stands for a time that is not stated or cannot be read.
NO_TIME = -1
#: The last millisecond that a calendar of four-digit years knows.
LATEST_MS = 253_402_300_799_999

# Numbers are seconds, milliseconds, microseconds or nanoseconds: the first reading that is not far beyond our age.
_UNITS = ((100_000_000_000, 1000, 1), (100_000_000_000_000, 1, 1), (10**17, 1, 1000), (10**20, 1, 1_000_000))


def time_of_number(number: float) -> int:
    """Read a number as a time.

    Args:
        number: Seconds, milliseconds, microseconds or nanoseconds since 1970; which of them, its size tells.

    Returns:
        Milliseconds since 1970, ``NO_TIME`` for what is no time (negative, not finite, far too large).
    """
    for limit, factor, divisor in _UNITS:
        if 0 <= number < limit:
            return min(int(number * factor // divisor), LATEST_MS)
    return NO_TIME
