"""A ready window: cut, and waiting in its partition's ready stream to be scored."""

from dataclasses import dataclass
from functools import cached_property

from stream.windowing.calls import ENTRY_BYTES
from stream.windowing.store import PartitionId
from stream.windowing.windows import Event

__all__ = ["ReadyWindow"]


@dataclass(frozen=True)
class ReadyWindow:
    """A window as it stands in the ready stream.

    Attributes:
        partition: Whose window it is.
        stream_id: Its id in the stream; a Redis that lost its newest writes can give it a second time.
        key: The session's key.
        header: Session events (4 bytes) and final (1 byte).
        entries: Its events, see ``lua/partition.lua``.
        deliveries: How often it was given to a worker before; 0 the first time.
    """

    partition: PartitionId
    stream_id: bytes
    key: bytes
    header: bytes
    entries: bytes
    deliveries: int = 0

    @property
    def session_events(self) -> int:
        """How many events the session had when the window was cut."""
        return int.from_bytes(self.header[:4], "big")

    @property
    def final(self) -> bool:
        """Whether the session has ended."""
        return self.header[4] == 1

    @property
    def size(self) -> int:
        """How many events the window holds."""
        return len(self.entries) // ENTRY_BYTES

    @property
    def last_place(self) -> int:
        """Where the window's last line stands."""
        return int.from_bytes(self.entries[-8:], "big")

    @property
    def starts_session(self) -> bool:
        """Whether the window's first event is its session's first."""
        return self.size == self.session_events

    @cached_property
    def event_ids(self) -> bytes:
        """The event IDs, eight bytes each, oldest first."""
        entries = self.entries
        return b"".join([entries[at : at + 8] for at in range(0, len(entries), ENTRY_BYTES)])

    def events(self) -> tuple[Event, ...]:
        """The window's events, oldest first."""
        number = int.from_bytes
        return tuple(
            Event(
                self.key,
                number(self.entries[at + 8 : at + 16], "big"),
                self.entries[at : at + 8],
                number(self.entries[at + 16 : at + 24], "big"),
            )
            for at in range(0, len(self.entries), ENTRY_BYTES)
        )
