"""Durations as options take them."""

__all__ = ["duration_text"]

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000))


def duration_text(milliseconds: int) -> str:
    """Write a duration such as ``30m``, as ``--session-gap`` reads it.

    >>> duration_text(1_800_000), duration_text(1_500)
    ('30m', '1500ms')
    """
    for unit, size in _UNITS:
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"
