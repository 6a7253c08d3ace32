"""Octet counting (RFC 6587, section 3.4.1): ``83 <165>1 2003-…``, one syslog message after the other."""

import re

from model.errors import RecordError

__all__ = ["frames_in"]

_COUNT = re.compile(rb"([1-9][0-9]{0,6}) (?=<[0-9]{1,3}>)")
_SPACE = re.compile(rb"\s*")
_SHOWN_BYTES = 40


def frames_in(value: bytes) -> list[bytes] | None:
    """Part the messages of a record.

    Args:
        value: A record's value.

    Returns:
        The messages; None where the value does not begin with a count.

    Raises:
        RecordError: A count does not lead to the next one, or to the end.
    """
    if not _COUNT.match(value):
        return None
    frames, at = [], 0
    while at < len(value):
        count = _COUNT.match(value, at)
        if count is None or count.end() + int(count[1]) > len(value):
            found = value[at : at + _SHOWN_BYTES]
            raise RecordError("bad-frame", f"no whole octet-counted message begins at byte {at}: {found!r}")
        end = count.end() + int(count[1])
        frames.append(value[count.end() : end])
        space = _SPACE.match(value, end)
        at = space.end() if space else end
    return frames
