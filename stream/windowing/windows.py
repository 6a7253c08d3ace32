"""Which windows a partition's log gives: pure logic, used by training and, in the shape of Lua, by serving.

The rules, in the words of ``docs/glossary.md``:

* *Stream time* is the largest event time so far. The *watermark* is the largest ``stream time - grace`` so far. Neither
  ever goes back.
* An event's *effective time* is ``max(its own time, watermark)``. One that is raised this way is *late*: counted, never
  dropped.
* Events join their sessions in the order of (effective time, place). So an event waits until the watermark has reached
  its effective time: whatever comes later is raised to that watermark, and stands behind it. With a grace of 0 no event
  ever waits.
* A *session* is the events of one key with no silence longer than the session gap between them.
* A *window* is the last ``size`` events of a session, cut after every ``hop``-th event and once more, *final*, when
  the session ends. A session of N events gives exactly ``N // hop`` windows and one final one.

Because the events join in the order of their times, a session's end depends on its own events alone: an event begins a
new session exactly when its effective time is more than the gap past the one before. When the final window is *emitted*
depends on the other keys of the partition, what is in it does not.

Three things end a wait or a session otherwise, each counted: the limits of `StateLimits`, a partition that falls
silent, and ``logscry flush``.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from model.errors import ConfigurationError

__all__ = ["NO_TIME", "Event", "PartitionWindows", "Span", "StateLimits", "Window", "WindowRule", "session_spans"]

MAX_SIZE = 512

NO_TIME = 0
"""The event time of a line without one of its own: it takes the stream time, and is not late."""


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How windows are cut.

    Attributes:
        size: The most events a window holds, 1 to 512.
        hop: A window is cut after every this many events, 1 to ``size``.
        session_gap_ms: Silence, in milliseconds of event time, that ends a session; at least 1.
        grace_ms: How far an event may lag behind stream time and still find its place in the order of times.

    Raises:
        ConfigurationError: A value is outside its range.
    """

    size: int = 64
    hop: int = 8
    session_gap_ms: int = 30 * 60 * 1000
    grace_ms: int = 0

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
        if self.grace_ms < 0:
            raise ConfigurationError(f"grace is {self.grace_ms} ms; it must be at least 0 ms.")


@dataclass(frozen=True, slots=True)
class StateLimits:
    """How much a partition's state may hold. At a limit work is done early, and nothing is dropped.

    Attributes:
        open_sessions: When one more would open, the session that is silent longest is ended first.
        waiting_events: When more wait, the watermark moves up to the oldest of them, which then joins its session.
    """

    open_sessions: int = 100_000
    waiting_events: int = 50_000


class Event(NamedTuple):
    """One log line, parsed.

    Attributes:
        key: Whose sequence the line belongs to.
        time_ms: Event time in milliseconds since 1970 (UTC), not negative; `NO_TIME` where the line has none.
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
    events: deque[Event] = field(default_factory=deque)
    count: int = 0

    @property
    def last_ms(self) -> int:
        return self.events[-1].time_ms


@dataclass(slots=True)
class PartitionWindows:
    """The windows of one partition, as a function of its log.

    This is the definition that ``lua/partition.lua`` must agree with on every history.

    Attributes:
        rule: How windows are cut; it may be changed between two calls.
        limits: How much may be open and waiting.
        stream_time_ms: The largest event time so far.
        watermark_ms: No event joins a session any more with an effective time before this one.
        late: Events raised to the watermark.
        hurried: Waiting events that joined because the limit moved the watermark.
        crowded_out: Sessions that the limit ended.
    """

    rule: WindowRule
    limits: StateLimits = StateLimits()
    stream_time_ms: int = 0
    watermark_ms: int = 0
    late: int = 0
    hurried: int = 0
    crowded_out: int = 0
    _waiting: list[tuple[int, int, Event]] = field(default_factory=list)  # a heap by (effective time, place)
    _sessions: dict[bytes, _Session] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._waiting)

    @property
    def open_sessions(self) -> int:
        """How many sessions are open."""
        return len(self._sessions)

    def apply(self, events: Iterable[Event]) -> list[Window]:
        """Take the next events of the log, in its order, and return the windows they cut."""
        windows: list[Window] = []
        for event in events:
            self._arrive(event)
            windows += self._release()
        return windows + self._end_expired()

    def end_waiting(self) -> list[Window]:
        """Let every waiting event join its session, as if the grace had passed, and return the windows cut."""
        if self._waiting:
            self.watermark_ms = max(effective_ms for effective_ms, _, _ in self._waiting)
        return self._release() + self._end_expired()

    def flush(self) -> list[Window]:
        """End every wait and every open session and return the windows cut."""
        return self.end_waiting() + [self._end(key) for key in sorted(self._sessions)]

    def _arrive(self, event: Event) -> None:
        time_ms = self.stream_time_ms if event.time_ms == NO_TIME else event.time_ms
        self.stream_time_ms = max(self.stream_time_ms, time_ms)
        self.watermark_ms = max(self.watermark_ms, self.stream_time_ms - self.rule.grace_ms)
        self.late += time_ms < self.watermark_ms
        effective_ms = max(time_ms, self.watermark_ms)
        heapq.heappush(self._waiting, (effective_ms, event.place, event._replace(time_ms=effective_ms)))

    def _release(self) -> list[Window]:
        windows: list[Window] = []
        hurried = False
        while self._waiting:
            oldest_ms = self._waiting[0][0]
            if oldest_ms > self.watermark_ms:
                if len(self._waiting) <= self.limits.waiting_events:
                    break
                self.watermark_ms = oldest_ms
                hurried = True
            self.hurried += hurried
            windows += self._join(heapq.heappop(self._waiting)[2])
        return windows

    def _join(self, event: Event) -> Iterator[Window]:
        session = self._sessions.get(event.key)
        if session is not None and event.time_ms - session.last_ms > self.rule.session_gap_ms:
            yield self._end(event.key)
            session = None
        if session is None:
            yield from self._make_room(event.time_ms)
            session = self._sessions[event.key] = _Session()
        session.events.append(event)
        session.count += 1
        if session.count % self.rule.hop == 0:
            yield self._window(event.key, session, final=False)

    def _make_room(self, now_ms: int) -> Iterator[Window]:
        while len(self._sessions) >= self.limits.open_sessions:
            key = min(self._sessions, key=lambda key: (self._sessions[key].last_ms, key))
            self.crowded_out += self._sessions[key].last_ms >= now_ms - self.rule.session_gap_ms
            yield self._end(key)

    def _end_expired(self) -> list[Window]:
        bound_ms = self.watermark_ms - self.rule.session_gap_ms
        expired = sorted(key for key, session in self._sessions.items() if session.last_ms < bound_ms)
        return [self._end(key) for key in expired]

    def _end(self, key: bytes) -> Window:
        return self._window(key, self._sessions.pop(key), final=True)

    def _window(self, key: bytes, session: _Session, *, final: bool) -> Window:
        while len(session.events) > self.rule.size:
            session.events.popleft()
        return Window(key, tuple(session.events), session.count, final=final)
