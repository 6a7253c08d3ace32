"""Which silence ends a session: from the silences within the keys of a log.

Pure: times, keys and events in, a proposal out. There are two kinds of keys. Those of one request or block come once
and are gone: whatever silence they hold belongs to them, and the gap has to be longer than all of it. Those of a host,
a thread or a user come back: after a silence they begin anew. Which kind it is the events tell: what follows a silence
of a key that comes back is what keys begin with.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from training.inspection.coding import START, bits_in_context

__all__ = ["SessionGap", "proposed_gap"]

_SECOND, _MINUTE, _HOUR, _DAY = 1000, 60_000, 3_600_000, 86_400_000
_LADDER = (
    *(_SECOND * n for n in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(_MINUTE * n for n in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    _DAY,
)
_UNKNOWN_MS = 30 * _MINUTE
#: How much longer than the longest silence the gap is.
_MARGIN = 2
#: Of so many silences one may be an accident, such as a clock that was put forward.
_SILENCES_AN_ACCIDENT = 10_000
#: Cuts may make the events dearer to code by this share: a log that goes on as it began gains nothing by them.
_MOST_LOSS = 0.005
#: So many cuts there must be, and as many keys to know beginnings by.
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class SessionGap:
    """A proposed session gap.

    Attributes:
        gap_ms: Silence that ends a session, a day at most.
        longest_ms: The longest silence within a session, accidents aside; None where no times are known.
        comes_back: Whether keys come back after silences, as hosts do.
        session_events: Events of each session, cut so.
    """

    gap_ms: int
    longest_ms: int | None
    comes_back: bool
    session_events: tuple[int, ...]


def proposed_gap(keys: Sequence[bytes | None], times_ms: Sequence[int], events: Sequence[int]) -> SessionGap:
    """Propose a session gap.

    Args:
        keys: Of each line, in the order of time; lines without a key (None) count nowhere.
        times_ms: Of each line, 0 where it is not known.
        events: Of each line, numbered from 0.
    """
    having = [line for line, key in enumerate(keys) if key is not None]
    own = [events[line] for line in having]
    before, silences = _before([keys[line] for line in having], [times_ms[line] for line in having], own)
    known = sorted(silence for silence in silences if silence > 0)
    if not known:
        return SessionGap(_UNKNOWN_MS, None, comes_back=False, session_events=_sizes(keys, times_ms, _UNKNOWN_MS))
    cut_ms = _best_cut(before, silences, own)
    inside = known if cut_ms is None else [silence for silence in known if silence <= cut_ms]
    longest = inside[-1 - len(silences) // _SILENCES_AN_ACCIDENT] if inside else 0
    gap_ms = _rounded_up(longest * _MARGIN) if cut_ms is None else cut_ms
    return SessionGap(gap_ms, longest, cut_ms is not None, _sizes(keys, times_ms, gap_ms))


def _before(
    keys: Sequence[bytes | None], times_ms: Sequence[int], events: Sequence[int]
) -> tuple[list[int], list[int]]:
    """The event before each one in its key, and the silence between them in ms; ``START`` and 0 for the first."""
    last: dict[bytes | None, tuple[int, int]] = {}
    before, silences = [], []
    for key, time_ms, event in zip(keys, times_ms, events, strict=True):
        earlier, earlier_ms = last.get(key, (START, time_ms))
        before.append(earlier)
        silences.append(time_ms - earlier_ms)
        last[key] = (event, time_ms)
    return before, silences


def _best_cut(before: Sequence[int], silences: Sequence[int], events: Sequence[int]) -> int | None:
    """The gap that cuts where keys begin anew; None where they do not come back, or are too few to tell."""
    if before.count(START) < _FEWEST:
        return None
    uncut = sum(bits_in_context(before, events))
    costs: dict[int, float] = {}
    cuts_before = 0
    for gap_ms in reversed(_LADDER):
        long = [silence > gap_ms for silence in silences]
        cuts = sum(long)
        if cuts > max(cuts_before, _FEWEST - 1):
            cuts_before = cuts
            cost = _cost(before, long, events, START)
            # A silence always tells something. Only a key that comes back begins after it as other keys begin.
            if cost <= (1 + _MOST_LOSS) * uncut and cost < _cost(before, long, events, START - 1):
                costs[gap_ms] = cost
    best = min(costs.values(), default=0.0)
    return min((gap_ms for gap_ms, cost in costs.items() if cost <= (1 + _MOST_LOSS) * best), default=None)


def _cost(before: Sequence[int], long: Sequence[bool], events: Sequence[int], after_silence: int) -> float:
    contexts = [after_silence if cut else event for event, cut in zip(before, long, strict=True)]
    return sum(bits_in_context(contexts, events))


def _sizes(keys: Sequence[bytes | None], times_ms: Sequence[int], gap_ms: int) -> tuple[int, ...]:
    number: Counter[bytes] = Counter()
    latest: dict[bytes, int] = {}
    sizes: Counter[tuple[bytes, int]] = Counter()
    for key, time_ms in zip(keys, times_ms, strict=True):
        if key is not None:
            number[key] += time_ms - latest.get(key, time_ms) > gap_ms
            latest[key] = time_ms
            sizes[key, number[key]] += 1
    return tuple(sizes.values())


def _rounded_up(milliseconds: float) -> int:
    return _LADDER[min(bisect_left(_LADDER, milliseconds), len(_LADDER) - 1)]
