"""What of a window counts for its score: its events and whether it holds its session's start and end."""

from typing import NamedTuple

__all__ = ["EVENT_BYTES", "WindowContent", "split_events"]

EVENT_BYTES = 8


class WindowContent(NamedTuple):
    """A window without its key, times and places: two windows of equal content have equal scores.

    Attributes:
        events: Event IDs, eight bytes each, oldest first; at least one.
        starts_session: Whether the first event is its session's first.
        final: Whether the session has ended.
    """

    events: bytes
    starts_session: bool
    final: bool

    def without_marks(self) -> "WindowContent":
        """The same events as of the middle of a session."""
        return WindowContent(self.events, starts_session=False, final=False)


def split_events(events: bytes) -> list[bytes]:
    """Cut joined event IDs into a list, oldest first.

    >>> split_events(b"aaaaaaaabbbbbbbb")
    [b'aaaaaaaa', b'bbbbbbbb']
    """
    return [events[i : i + EVENT_BYTES] for i in range(0, len(events), EVENT_BYTES)]
