"""What training has seen: how often each event occurs in a window, with the marks of a session's start and end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from math import inf, log1p
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.content import EVENT_BYTES, WindowContent, split_events

__all__ = ["CountVector", "Familiar", "count_vector"]

#: How many distinct count vectors of each kind of marks are kept as they are, to measure distances to; of all others
#: the hash alone is.
_MOST_KEPT = 5_000
#: More events than a window can have.
_MOST_COUNT = 1 << 20


Marks = tuple[bool, bool]


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
    def marks(self) -> Marks:
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
        kept: The count vectors to measure distances to, sorted: of each kind of marks all, or the 5,000 with the lowest
            hashes.
        most_in_window: How often, at most, each event occurred in one window.
    """

    hashes: frozenset[bytes]
    kept: tuple[CountVector, ...]
    most_in_window: Mapping[bytes, int]

    @classmethod
    def of(cls, windows: Iterable[WindowContent]) -> "Familiar":
        """Remember windows."""
        hashes: set[bytes] = set()
        kept: defaultdict[Marks, dict[bytes, CountVector]] = defaultdict(dict)
        most: dict[bytes, int] = {}
        for vector in map(count_vector, windows):
            name = vector.hash()
            if name in hashes:
                continue
            hashes.add(name)
            most.update((event, count) for event, count in vector.counts if count > most.get(event, 0))
            alike = kept[vector.marks]
            alike[name] = vector
            if len(alike) >= 2 * _MOST_KEPT:
                kept[vector.marks] = _lowest(alike)
        vectors = (vector for alike in kept.values() for vector in _lowest(alike).values())
        return cls(frozenset(hashes), tuple(sorted(vectors)), dict(sorted(most.items())))

    def __contains__(self, window: WindowContent) -> bool:
        return count_vector(window).hash() in self.hashes

    def __len__(self) -> int:
        return len(self.hashes)

    def distance(self, window: WindowContent) -> float:
        """How far a window's counts are from the nearest of training: sum over events of |log((1 + n) / (1 + m))|.

        So one event more or less counts for much where there are few of it, and for little where there are many. It is
        the nearest window with the same marks, or, where training had none with them, the nearest of all.

        Returns:
            Nats; 0 for a familiar window.
        """
        vector = count_vector(window)
        if vector.hash() in self.hashes:
            return 0.0
        return (self._neighbours.get(vector.marks) or self._all).distance(vector)  # all are put in order only if needed

    def kinds_apart(self, window: WindowContent) -> float:
        """The share of the kinds of events of a window and the nearest of training that only one of them has.

        The Jaccard distance of their sets of event IDs; the nearest by it of the windows that ``distance`` looks at.

        Returns:
            0 for the same kinds of events, 1 for no kind in common.
        """
        vector = count_vector(window)
        if vector.hash() in self.hashes:
            return 0.0
        return (self._neighbours.get(vector.marks) or self._all).kinds_apart(vector)

    @cached_property
    def _neighbours(self) -> dict[Marks, "_Neighbours"]:
        groups: defaultdict[Marks, list[CountVector]] = defaultdict(list)
        for vector in self.kept:
            groups[vector.marks].append(vector)
        return {marks: _Neighbours(vectors) for marks, vectors in groups.items()}

    @cached_property
    def _all(self) -> "_Neighbours":
        return _Neighbours(self.kept)

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
        hashes, lengths, marks, events, counts = (
            _checked(arrays, name, least, most)
            for name, least, most in (
                ("hashes", -(1 << 63), (1 << 63) - 1),
                ("lengths", 1, _MOST_COUNT),
                ("marks", 0, 3),
                ("events", -(1 << 63), (1 << 63) - 1),
                ("counts", 1, _MOST_COUNT),
            )
        )
        if len(lengths) != len(marks) or len(events) != len(counts) or lengths.sum() != len(counts):
            raise ValueError("count vectors of unequal lengths")
        pairs = list(zip(_as_names(events), counts.tolist(), strict=True))
        ends = np.cumsum(lengths).tolist()
        kept = tuple(
            CountVector(tuple(pairs[start:end]), bool(mark & 1), bool(mark & 2))
            for start, end, mark in zip([0, *ends], ends, marks.tolist(), strict=False)
        )
        return cls(frozenset(_as_names(hashes)), kept, most_in_window)


class _Neighbours:
    """Count vectors, by the events that they hold: only those of a window's own events are looked at."""

    def __init__(self, vectors: Sequence[CountVector]) -> None:
        by_event: defaultdict[bytes, list[tuple[int, float]]] = defaultdict(list)
        for number, vector in enumerate(vectors):
            for event, count in vector.counts:
                by_event[event].append((number, log1p(count)))
        self._having = {
            event: (np.array([n for n, _ in pairs]), np.array([value for _, value in pairs], dtype=np.float64))
            for event, pairs in by_event.items()
        }
        totals = [sum(log1p(count) for _, count in vector.counts) for vector in vectors]
        self._totals = np.array(totals, dtype=np.float64)  # (N,)
        self._kind_counts = np.array([len(vector.counts) for vector in vectors], dtype=np.int64)  # (N,)

    def distance(self, vector: CountVector) -> float:
        """To the nearest, nats; infinity where there is none."""
        own = {event: log1p(count) for event, count in vector.counts}
        distances = self._totals + sum(own.values())  # (N,) as if they had no event in common
        for event, here in own.items():
            if event in self._having:
                numbers, there = self._having[event]
                distances[numbers] -= 2 * np.minimum(there, here)  # |a - b| = a + b - 2 min(a, b)
        return float(max(distances.min(initial=inf), 0.0))

    def kinds_apart(self, vector: CountVector) -> float:
        """From the nearest, 0 to 1; 1 where there is none."""
        common = np.zeros(len(self._kind_counts), dtype=np.int64)
        for event, _ in vector.counts:
            if event in self._having:
                common[self._having[event][0]] += 1
        shares = common / (self._kind_counts + len(vector.counts) - common)
        return float(1.0 - shares.max(initial=0.0))


def _lowest(vectors: Mapping[bytes, CountVector]) -> dict[bytes, CountVector]:
    return {name: vectors[name] for name in sorted(vectors)[:_MOST_KEPT]}


def _checked(arrays: Mapping[str, NDArray[np.int64]], name: str, least: int, most: int) -> NDArray[np.int64]:
    array = arrays[name]
    if array.ndim != 1 or array.dtype != np.int64 or (array.size and not least <= array.min() <= array.max() <= most):
        raise ValueError(f"{name} of {arrays[name].dtype} with {array.ndim} dimensions")
    return array


def _as_numbers(names: list[bytes]) -> NDArray[np.int64]:
    return np.frombuffer(b"".join(names), dtype="<i8").astype(np.int64)


def _as_names(numbers: NDArray[np.int64]) -> list[bytes]:
    return split_events(numbers.astype("<i8").tobytes())
