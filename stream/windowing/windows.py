"""Which windows a partition's log gives: pure logic, used by training and, in the shape of Lua, by serving.

The rules, in the words of ``docs/glossary.md``:

* An event's *effective time* is ``max(its own time, stream time)``; stream time is the largest effective time so far
  and never goes back. An event that is raised this way is *late*: counted, never dropped.
* A *session* is the events of one key with no silence longer than the session gap between them.
* A *window* is the last ``size`` events of a session, cut after every ``hop``-th event and once more, *final*, when
  the session ends. A session of N events gives exactly ``N // hop`` windows and one final one.

Because effective times never go back, a session's end depends on its own events alone: an event begins a new session
exactly when its effective time is more than the gap past the one before. When the final window is *emitted* depends on
the other keys of the partition, what is in it does not.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from model.errors import ConfigurationError

__all__ = ["Event", "PartitionWindows", "Span", "Window", "WindowRule", "session_spans"]

MAX_SIZE = 512


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How windows are cut.

    Attributes:
        size: The most events a window holds, 1 to 512.
        hop: A window is cut after every this many events, 1 to ``size``.
        session_gap_ms: Silence, in milliseconds of event time, that ends a session; at least 1.

    Raises:
        ConfigurationError: A value is outside its range.
    """

    size: int = 64
    hop: int = 8
    session_gap_ms: int = 30 * 60 * 1000

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_SIZE:
            raise ConfigurationError(f"window size is {self.size} events; allowed are 1 to {MAX_SIZE}.")
        if not 1 <= self.hop <= self.size:
            raise ConfigurationError(
                f"window hop is {self.hop} events; allowed are 1 to the window size, {self.size}: "
                "a larger hop would leave events that no window holds."
            )
        if self.session_gap_ms < 1:
            raise ConfigurationError(f"session gap is {self.session_gap_ms} ms; it must be at least 1 ms.")


class Event(NamedTuple):
    """One log line, parsed.

    Attributes:
        key: Whose sequence the line belongs to.
        time_ms: Event time in milliseconds since 1970 (UTC), not negative.
        event_id: The eight bytes of the event ID.
        place: Where the line stands in its partition: ``offset << 16 | line in record``.
    """

    key: bytes
    time_ms: int
    event_id: bytes
    place: int


@dataclass(frozen=True, slots=True)
class Window:
    """The last events of a session.

    Attributes:
        key: The session's key.
        events: Oldest first, with effective times; one to ``size`` of them.
        session_events: How many events the session had when the window was cut.
        final: Whether the session has ended.
    """

    key: bytes
    events: tuple[Event, ...]
    session_events: int
    final: bool

    @property
    def starts_session(self) -> bool:
        """Whether the window's first event is its session's first."""
        return len(self.events) == self.session_events


class Span(NamedTuple):
    """A window as a slice ``[start, stop)`` of its session."""

    start: int
    stop: int
    final: bool


def session_spans(length: int, rule: WindowRule) -> Iterator[Span]:
    """Yield the windows of a whole session of ``length`` events, in the order they are cut.

    >>> [tuple(s) for s in session_spans(4, WindowRule(size=3, hop=2))]
    [(0, 2, False), (1, 4, False), (1, 4, True)]
    """
    for stop in range(rule.hop, length + 1, rule.hop):
        yield Span(max(0, stop - rule.size), stop, final=False)
    if length:
        yield Span(max(0, length - rule.size), length, final=True)


@dataclass(slots=True)
class _Session:
    events: deque[Event]
    count: int = 0

    @property
    def last_ms(self) -> int:
        return self.events[-1].time_ms


@dataclass(slots=True)
class PartitionWindows:
    """The window state of one partition, as a function of its log.

    This is the definition that ``lua/apply.lua`` must agree with on every history.
    """

    rule: WindowRule
    stream_time_ms: int = 0
    late: int = 0
    sessions: dict[bytes, _Session] = field(default_factory=dict)

    def apply(self, events: Iterable[Event]) -> list[Window]:
        """Take the next events of the log, in its order, and return the windows they cut."""
        windows: list[Window] = []
        for event in events:
            windows.extend(self._apply_one(event))
        windows.extend(self._end_expired())
        return windows

    def flush(self) -> list[Window]:
        """End every open session and return the final windows."""
        return [self._end(key) for key in sorted(self.sessions)]

    def _apply_one(self, event: Event) -> Iterator[Window]:
        if event.time_ms < self.stream_time_ms:
            self.late += 1
            event = event._replace(time_ms=self.stream_time_ms)
        self.stream_time_ms = event.time_ms
        session = self.sessions.get(event.key)
        if session is not None and event.time_ms - session.last_ms > self.rule.session_gap_ms:
            yield self._end(event.key)
            session = None
        if session is None:
            session = self.sessions[event.key] = _Session(deque(maxlen=self.rule.size))
        session.events.append(event)
        session.count += 1
        if session.count % self.rule.hop == 0:
            yield Window(event.key, tuple(session.events), session.count, final=False)

    def _end_expired(self) -> list[Window]:
        bound_ms = self.stream_time_ms - self.rule.session_gap_ms
        expired = sorted(key for key, session in self.sessions.items() if session.last_ms < bound_ms)
        return [self._end(key) for key in expired]

    def _end(self, key: bytes) -> Window:
        session = self.sessions.pop(key)
        return Window(key, tuple(session.events), session.count, final=True)
