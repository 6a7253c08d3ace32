"""The shape of a message: the message with every run of digits collapsed to one ``0``.

Numbers are what varies most in log messages, and they never tell one event from another here: the event ID is *by
definition* a pure function of the shape. So one dictionary from shape to event ID is exact, and finding the shapes of a
whole batch at once, with a handful of passes over the array of their bytes, is what makes parsing fast.
"""

import re
from collections.abc import Sequence

import numpy as np

__all__ = ["MAX_SHAPE_BYTES", "shape", "shapes", "shapes_of_lines"]

#: Only this much of a shape decides about the event: what comes after is data, not the name of an event.
MAX_SHAPE_BYTES = 4096

_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_RUN = re.compile(rb"[0-9]+")
# Below this an expression is as fast as whole-array passes.
_FEW_BYTES = 2048


def shape(message: bytes) -> bytes:
    """Give the shape of one message, newlines kept.

    Args:
        message: Any bytes.

    Returns:
        The message with each run of ASCII digits as one ``0``, cut after 4,096 bytes.
    """
    return _collapse(message)[:MAX_SHAPE_BYTES]


def shapes(messages: Sequence[bytes]) -> list[bytes]:
    """Give the shapes of many messages, many times faster than one by one.

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
    """Turn each run of digits into one ``0``."""
    if len(text) < _FEW_BYTES:
        return _RUN.sub(b"0", text)
    characters = np.frombuffer(text, np.uint8)  # (bytes,)
    digit = (characters - np.uint8(ord("0"))) < len(b"0123456789")  # below "0" wraps round to a large number
    kept = np.empty(len(characters), np.bool_)
    kept[0] = True
    np.logical_and(digit[1:], digit[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    return characters[kept].tobytes().translate(_DIGITS_TO_ZERO)
