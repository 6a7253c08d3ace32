"""What training has seen: how often each event occurs in a window, with the marks of a session's start and end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from math import inf, log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.content import EVENT_BYTES, WindowContent, split_events

__all__ = ["CountVector", "Familiar", "count_vector"]

#: How many distinct count vectors are kept as they are, to measure distances to; of all others the hash alone is kept.
_MOST_KEPT = 10_000


class CountVector(NamedTuple):
    """How often each event occurs in a window, and the window's marks; the order of its events plays no part.

    Attributes:
        counts: (event ID, how often), sorted.
        starts_session: Whether the window holds its session's start.
        final: Whether it holds its end.
    """

    counts: tuple[tuple[bytes, int], ...]
    starts_session: bool
    final: bool

    @property
    def marks(self) -> tuple[bool, bool]:
        """What must be alike for two vectors to be compared at all."""
        return self.starts_session, self.final

    def hash(self) -> bytes:
        """Eight bytes."""
        text = b"".join(event + count.to_bytes(4, "little") for event, count in self.counts)
        return blake2b(text + bytes(self.marks), digest_size=EVENT_BYTES).digest()


def count_vector(window: WindowContent) -> CountVector:
    """Count a window's events."""
    counts = Counter(split_events(window.events))
    return CountVector(tuple(sorted(counts.items())), window.starts_session, window.final)


@dataclass(frozen=True)
class Familiar:
    """The windows of training, as far as their counts go.

    Attributes:
        hashes: Of all count vectors.
        kept: The count vectors to measure distances to, sorted: all, or the 10,000 with the lowest hashes.
        most_in_window: How often, at most, each event occurred in one window.
    """

    hashes: frozenset[bytes]
    kept: tuple[CountVector, ...]
    most_in_window: Mapping[bytes, int]

    @classmethod
    def of(cls, windows: Iterable[WindowContent]) -> "Familiar":
        """Remember windows."""
        vectors = {vector.hash(): vector for vector in map(count_vector, windows)}
        most: Counter[bytes] = Counter()
        for vector in vectors.values():
            most |= Counter(dict(vector.counts))
        kept = sorted(vectors[name] for name in sorted(vectors)[:_MOST_KEPT])
        return cls(frozenset(vectors), tuple(kept), dict(sorted(most.items())))

    def __contains__(self, window: WindowContent) -> bool:
        return count_vector(window).hash() in self.hashes

    def __len__(self) -> int:
        return len(self.hashes)

    def distance(self, window: WindowContent) -> float:
        """How far a window's counts are from the nearest of training: sum over events of |log((1 + n) / (1 + m))|.

        So one event more or less counts for much where there are few of it, and for little where there are many.

        Returns:
            Nats; 0 for a familiar window, infinity where training saw no window with the same marks.
        """
        vector = count_vector(window)
        if vector.hash() in self.hashes:
            return 0.0
        near = self._neighbours.get(vector.marks)
        return inf if near is None else near.distance(vector)

    @cached_property
    def _neighbours(self) -> dict[tuple[bool, bool], "_Neighbours"]:
        groups: defaultdict[tuple[bool, bool], list[CountVector]] = defaultdict(list)
        for vector in self.kept:
            groups[vector.marks].append(vector)
        return {marks: _Neighbours(vectors) for marks, vectors in groups.items()}

    def to_arrays(self) -> dict[str, NDArray[np.int64]]:
        """Everything but ``most_in_window``, as arrays for the artefact.

        ``hashes``, sorted; ``lengths`` and ``marks`` (start 1, end 2), one a kept vector; ``events`` and ``counts``,
        those of all kept vectors in turn.
        """
        pairs = [pair for vector in self.kept for pair in vector.counts]
        return {
            "hashes": _as_numbers(sorted(self.hashes)),
            "lengths": np.array([len(vector.counts) for vector in self.kept], dtype=np.int64),
            "marks": np.array([v.starts_session + 2 * v.final for v in self.kept], dtype=np.int64),
            "events": _as_numbers([event for event, _ in pairs]),
            "counts": np.array([count for _, count in pairs], dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.int64]], most_in_window: Mapping[bytes, int]) -> "Familiar":
        """Read what ``to_arrays`` wrote.

        Raises:
            KeyError, ValueError: They are not such arrays.
        """
        hashes = split_events(arrays["hashes"].astype("<i8").tobytes())
        events = split_events(arrays["events"].astype("<i8").tobytes())
        pairs = iter(zip(events, arrays["counts"].tolist(), strict=True))
        kept = [
            CountVector(tuple(next(pairs) for _ in range(length)), bool(marks & 1), bool(marks & 2))
            for length, marks in zip(arrays["lengths"].tolist(), arrays["marks"].tolist(), strict=True)
        ]
        return cls(frozenset(hashes), tuple(kept), most_in_window)


class _Neighbours:
    """Count vectors of equal marks, by the events that they hold: only those of a window's own events are looked at."""

    def __init__(self, vectors: list[CountVector]) -> None:
        by_event: defaultdict[bytes, list[tuple[int, float]]] = defaultdict(list)
        for number, vector in enumerate(vectors):
            for event, count in vector.counts:
                by_event[event].append((number, log1p(count)))
        self._having = {
            event: (np.array([n for n, _ in pairs]), np.array([value for _, value in pairs]))
            for event, pairs in by_event.items()
        }
        self._from_nothing = np.array([sum(log1p(count) for _, count in vector.counts) for vector in vectors])

    def distance(self, vector: CountVector) -> float:
        """To the nearest, nats."""
        distances = self._from_nothing.copy()  # (N,) of a window without events
        for event, count in vector.counts:
            here = log1p(count)
            distances += here
            numbers, there = self._having.get(event, _NONE)
            distances[numbers] += np.abs(there - here) - there - here
        return float(max(distances.min(), 0.0))


_NONE: tuple[NDArray[np.int64], NDArray[np.float64]] = (np.array([], dtype=np.int64), np.array([]))


def _as_numbers(names: list[bytes]) -> NDArray[np.int64]:
    return np.frombuffer(b"".join(names), dtype="<i8").astype(np.int64)
