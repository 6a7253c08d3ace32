"""Simple lookups that a model has to beat: each flags a window that shows something training never showed."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise

from model.content import WindowContent, split_events
from model.familiarity import count_vector

__all__ = ["BASELINES", "LengthRange", "Lookup", "fit_baselines"]

#: What a lookup looks at in a window: every one of these must have occurred in training.
Features = Callable[[WindowContent], Iterable[Hashable]]
_START, _END = b"start", b"end"


def _events(window: WindowContent) -> Iterable[Hashable]:
    return split_events(window.events)


def _event_set(window: WindowContent) -> Iterable[Hashable]:
    return ((frozenset(split_events(window.events)), window.starts_session, window.final),)


def _count_vector(window: WindowContent) -> Iterable[Hashable]:
    return (count_vector(window).hash(),)


def _event_pairs(window: WindowContent) -> Iterable[Hashable]:
    head = [_START] if window.starts_session else []
    tail = [_END] if window.final else []
    return pairwise([*head, *split_events(window.events), *tail])


def _exact_sequence(window: WindowContent) -> Iterable[Hashable]:
    return (window,)


#: The lookups by name; ``length`` stands beside them.
BASELINES: Mapping[str, Features] = {
    "novel event": _events,
    "event set": _event_set,
    "count vector": _count_vector,
    "event pair": _event_pairs,
    "exact sequence": _exact_sequence,
}


class Lookup:
    """Flags a window with a feature that no training window had."""

    def __init__(self, features: Features, training: Iterable[WindowContent]) -> None:
        self._features = features
        self._seen = {feature for window in training for feature in features(window)}

    def score(self, window: WindowContent) -> float:
        """1 where something is new, else 0."""
        return float(any(feature not in self._seen for feature in self._features(window)))


class LengthRange:
    """Flags a whole session that is shorter or longer than any in training."""

    def __init__(self, training: Iterable[WindowContent]) -> None:
        lengths = [len(window.events) for window in training if window.starts_session and window.final]
        self._shortest, self._longest = min(lengths, default=0), max(lengths, default=1 << 30)

    def score(self, window: WindowContent) -> float:
        """1 for a whole session outside the range, else 0; a window that does not hold a whole session gets 0."""
        whole = window.starts_session and window.final
        return float(whole and not self._shortest <= len(window.events) <= self._longest)


def fit_baselines(training: Sequence[WindowContent]) -> dict[str, Callable[[WindowContent], float]]:
    """Fit every baseline on the windows of training: scores 0 or 1 by name."""
    lookups = {name: Lookup(features, training).score for name, features in BASELINES.items()}
    return {**lookups, "length": LengthRange(training).score}
