"""Durations as people write them."""

import re

from model.errors import ConfigurationError

__all__ = ["duration_ms"]

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
#: The longest session gap that a running service takes, too.
_MOST_DAYS = 365
_MOST_MS = _MOST_DAYS * _UNITS_MS["d"]


def duration_ms(text: str) -> int:
    """Read a duration such as ``500ms``, ``90s``, ``30m``, ``12h`` or ``1d``, in milliseconds.

    >>> duration_ms("30m")
    1800000

    Raises:
        ConfigurationError: It is not written that way, or longer than anything is waited for.
    """
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)\s*", text)
    if match is None:
        raise ConfigurationError(f"{text!r} is no duration; write a number with ms, s, m, h or d, such as 30m or 1.5h.")
    milliseconds = round(float(match[1]) * _UNITS_MS[match[2]])
    if milliseconds > _MOST_MS:
        raise ConfigurationError(f"{text!r} is too long; a duration is at most {_MOST_DAYS}d.")
    return milliseconds
