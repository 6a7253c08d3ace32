"""The shape of a message: the message with every run of digits collapsed to one ``0``.

Numbers are what varies most in log messages, and they never tell one event from another here: the event ID is *by
definition* a pure function of the shape. So one dictionary from shape to event ID is exact, and finding the shapes of a
whole batch at once, with a handful of C-level passes over the joined bytes, is what makes parsing fast.
"""

from collections.abc import Sequence

__all__ = ["MAX_SHAPE_BYTES", "shape", "shapes", "shapes_of_lines"]

#: Only this much of a shape decides about the event: what comes after is data, not the name of an event.
MAX_SHAPE_BYTES = 4096

_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
# Long runs first, so that ids and times are gone after a few passes; what is left is halved until there is none.
_RUNS = tuple(b"0" * length for length in (16, 4, 2))
_RUN = b"00"


def shape(message: bytes) -> bytes:
    """Give the shape of one message, newlines kept.

    Args:
        message: Any bytes.

    Returns:
        The message with each run of ASCII digits as one ``0``, cut after 4,096 bytes.
    """
    return _collapse(message)[:MAX_SHAPE_BYTES]


def shapes(messages: Sequence[bytes]) -> list[bytes]:
    """Give the shapes of many messages, about fifty times faster than one by one.

    Args:
        messages: Any bytes; a newline inside a message is allowed but slow.

    Returns:
        One shape a message, in the same order.
    """
    joined = b"\n".join(messages)
    if joined.count(b"\n") != len(messages) - 1:
        return [shape(message) for message in messages]
    return shapes_of_lines(joined)


def shapes_of_lines(text: bytes) -> list[bytes]:
    """Give the shape of each line of a text, its lines parted by one newline byte.

    Args:
        text: Any bytes; its last line has no newline after it.

    Returns:
        One shape a line.
    """
    found = _collapse(text).split(b"\n")
    if len(max(found, key=len)) > MAX_SHAPE_BYTES:
        return [line[:MAX_SHAPE_BYTES] for line in found]
    return found


def _collapse(text: bytes) -> bytes:
    """Turn each run of digits into one ``0``, in passes whose number grows with the logarithm of the longest run."""
    text = text.translate(_DIGITS_TO_ZERO)
    for run in _RUNS:
        text = text.replace(run, b"0")
    while _RUN in text:
        text = text.replace(_RUN, b"0")
    return text
