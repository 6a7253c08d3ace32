"""What training has seen: how often each event occurs in a window, with the marks of a session's start and end."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from model.content import EVENT_BYTES, WindowContent, split_events

__all__ = ["Familiar", "count_vector"]


def count_vector(window: WindowContent) -> bytes:
    """Hash a window's event counts and its two marks to eight bytes: the order of its events plays no part."""
    counts = Counter(split_events(window.events))
    text = b"".join(event + counts[event].to_bytes(4, "little") for event in sorted(counts))
    marks = bytes((window.starts_session, window.final))
    return blake2b(text + marks, digest_size=EVENT_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Familiar:
    """The windows of training, as far as their counts go.

    Attributes:
        vectors: The hashes that ``count_vector`` makes.
        most_in_window: How often, at most, each event occurred in one window.
    """

    vectors: frozenset[bytes]
    most_in_window: Mapping[bytes, int]

    @classmethod
    def of(cls, windows: Iterable[WindowContent]) -> "Familiar":
        """Remember windows."""
        vectors: set[bytes] = set()
        most: Counter[bytes] = Counter()
        for window in windows:
            vectors.add(count_vector(window))
            most |= Counter(split_events(window.events))
        return cls(frozenset(vectors), dict(sorted(most.items())))

    def __contains__(self, window: WindowContent) -> bool:
        return count_vector(window) in self.vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def to_array(self) -> NDArray[np.int64]:
        """The hashes, sorted, as one array for the artefact."""
        return np.frombuffer(b"".join(sorted(self.vectors)), dtype="<i8").astype(np.int64)

    @classmethod
    def from_array(cls, array: NDArray[np.int64], most_in_window: Mapping[bytes, int]) -> "Familiar":
        """Read what ``to_array`` wrote."""
        return cls(frozenset(split_events(array.astype("<i8").tobytes())), most_in_window)
