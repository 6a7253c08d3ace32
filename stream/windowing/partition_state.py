"""What a partition's state does with the calls of its consumers: pure logic, in the shape of Lua in Redis.

The state knows who owns it and the *position*: the next offset that it has not seen. Both are checked before anything
changes. So whatever a consumer does, repeats or forgets, each record is applied once and in order; and whatever the
state forgets, its consumer is sent back to read again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from stream.windowing.windows import Event, PartitionWindows, Window

__all__ = ["PartitionState", "Refusal"]


class Refusal(Enum):
    """Why a call changed nothing."""

    OWNER = "owner"
    GAP = "gap"


@dataclass(slots=True)
class PartitionState:
    """The state of one partition.

    This is the definition that the scripts in ``lua/`` must agree with on every history of calls.

    Attributes:
        windows: Its open sessions and waiting events.
        position: The next offset that it has not seen.
        owner: The consumer that took it last.
    """

    windows: PartitionWindows
    position: int = 0
    owner: str = ""

    def take(self, owner: str) -> int:
        """Make ``owner`` the owner, and return where it has to go on."""
        self.owner = owner
        return self.position

    def apply(self, owner: str, start: int, stop: int, events: Iterable[Event]) -> list[Window] | Refusal:
        """Apply the events of the offsets ``[start, stop)``, those that were applied before left out."""
        if owner != self.owner:
            return Refusal.OWNER
        if start > self.position:
            return Refusal.GAP
        new = [event for event in events if event.place >> 16 >= self.position]
        self.position = max(self.position, stop)
        return self.windows.apply(new)

    def end_waiting(self, owner: str, at: int) -> list[Window] | Refusal:
        """End every wait in a partition that fell silent at the offset ``at``."""
        return self._refusal(owner, at) or self.windows.end_waiting()

    def end_sessions(self, owner: str, at: int) -> list[Window] | Refusal:
        """End every wait and every session in a partition that fell silent at the offset ``at``."""
        return self._refusal(owner, at) or self.windows.flush()

    def _refusal(self, owner: str, at: int) -> Refusal | None:
        if owner != self.owner:
            return Refusal.OWNER
        return None if at == self.position else Refusal.GAP
