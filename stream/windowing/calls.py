"""What a call of a script is given, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import msgpack

from stream.windowing.partition_state import Refusal
from stream.windowing.windows import StateLimits, WindowRule

__all__ = [
    "ENTRY_BYTES",
    "MOST_EVENTS",
    "Applied",
    "Batch",
    "Cutting",
    "Ending",
    "Novel",
    "Work",
    "events_at_once",
]

ENTRY_BYTES = 24
"""An event in Redis: event ID, effective time in ms and place, eight big-endian bytes each."""

MOST_EVENTS = 50_000
"""The most lines of one call, unless a single record has more: about a sixth of a second of Redis's time."""

MOST_BYTES = 16 << 20
"""The most bytes of windows that the lines of one call cut, unless a single record gives more."""


class Novel(NamedTuple):
    """An event ID that no template of the model has, as it is kept for explanations and the next training."""

    event_id: bytes
    json: bytes
    times: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of the offsets ``[start, stop)`` of a partition, in the order of its log.

    Attributes:
        start: First offset that the batch covers, records without an event included.
        stop: One past the last.
        entries: ``ENTRY_BYTES`` bytes for each event.
        key_numbers: For each event the one-based number of its key in ``keys``.
        keys: The distinct keys.
        novel: The novel events among them.
    """

    start: int
    stop: int
    entries: bytes = b""
    key_numbers: Sequence[int] = ()
    keys: Sequence[bytes] = ()
    novel: Sequence[Novel] = ()


def events_at_once(rule: WindowRule) -> int:
    """How many lines one call may apply: with large windows and a small hop, each can cut one of kilobytes."""
    return max(1, min(MOST_EVENTS, MOST_BYTES * rule.hop // (rule.size * ENTRY_BYTES)))


class Work(NamedTuple):
    """What a call may do beyond its own events: it blocks Redis for everybody while it runs. The next call goes on.

    Attributes:
        ends: Sessions that end.
        joins: Waiting events that join their sessions.
        bytes: Once it has cut windows of as many, it begins neither.
    """

    ends: int = 5_000
    joins: int = MOST_EVENTS
    bytes: int = 2 * MOST_BYTES

    def beside(self, batch: Batch) -> "Work":
        """With as much on top as keeps up with a batch, which may open a session for each of its keys."""
        return Work(self.ends + 2 * len(batch.keys), self.joins + len(batch.key_numbers), self.bytes)


@dataclass(frozen=True, slots=True)
class Cutting:
    """How a call cuts windows.

    Attributes:
        rule: The live settings' rule.
        limits: How much a partition's state may hold.
        novel_events: The most novel events whose text is kept.
        version: The version of the live settings, which the state remembers.
        work: How much a call may do.
    """

    rule: WindowRule
    limits: StateLimits = field(default_factory=StateLimits)
    novel_events: int = 10_000
    version: int = 0
    work: Work = field(default_factory=Work)

    def packed(self, work: Work) -> bytes:
        """As the scripts read it; ``work`` is what this call may do."""
        data: bytes = msgpack.packb(
            {
                "size": self.rule.size,
                "hop": self.rule.hop,
                "gap": self.rule.session_gap_ms,
                "grace": self.rule.grace_ms,
                "open_sessions": self.limits.open_sessions,
                "waiting_events": self.limits.waiting_events,
                "novel_events": self.novel_events,
                "version": self.version,
                **work._asdict(),
            }
        )
        return data


class Ending(Enum):
    """What `PartitionStore.advance` ends."""

    DUE = "due"
    WAITS = "waits"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a call did, and how things stand.

    Attributes:
        refusal: Why it did nothing; None when it was done, or had been before.
        position: The next offset that the state has not seen; -1 when another consumer owns the partition.
        skipped: Events that an earlier call had applied.
        windows: Windows cut into the ready stream.
        late: Events raised to the watermark.
        hurried: Waiting events that joined because the limit moved the watermark.
        sessions_ended: Sessions that ended.
        crowded_out: Those of them that the limit of open sessions ended.
        open_sessions: Sessions open now.
        waiting_events: Events that wait for the grace to pass now.
        ready_windows: Windows in the ready stream now.
        ready_bytes: Memory of the ready stream now, about.
        more_due: 1 where the bounds of the call's work left something for the next one, else 0.
    """

    refusal: Refusal | None
    position: int
    skipped: int = 0
    windows: int = 0
    late: int = 0
    hurried: int = 0
    sessions_ended: int = 0
    crowded_out: int = 0
    open_sessions: int = 0
    waiting_events: int = 0
    ready_windows: int = 0
    ready_bytes: int = 0
    more_due: int = 0
