"""Which candidate for the key cuts the lines best into sequences, told by numbers.

Pure: columns of keys and events in, figures out. A good key

* is in most lines (*share*),
* leaves few lines alone: nearly every line has one before it in its key (*continued*),
* makes the next event easy to guess from the one before it (*predictability*, 0 to 1): at least as easy as the log as
  a whole, in the order of its times,
* does not follow from the event itself, as a component or a level does (*independence*, 0 to 1).

The score is the product of the four. A single key has no independence, keys of one line each are never continued.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from statistics import median
from typing import Any

from model.lines.key_rule import KeyRule
from training.inspection.coding import START, bits_alone, bits_in_context, predecessors

__all__ = ["FEW_LINES", "Column", "KeyCandidate", "KeyFigures", "KeyMeter", "KeyRanking", "ranking"]

#: The key of each line, None where it has none.
Column = Sequence[bytes | None]

#: With fewer lines than this every answer is unsure.
FEW_LINES = 100
#: A key must reach this score, be in this share of the lines, and have so many lines in the median.
_LEAST_SCORE = 0.2
_LEAST_SHARE = 0.6
_LEAST_LINES = 2
#: It may make the next event this much harder to guess than the log as a whole: some logs are hardly interleaved.
_MOST_LOSS = 0.03
#: Of two keys whose scores differ by less than this share, the better is not certain.
_CLOSE = 0.1


@dataclass(frozen=True, slots=True)
class KeyCandidate:
    """Something that may be the key.

    Attributes:
        rule: How to take it.
        usual: How usual its name is for a key, 0 the most.
    """

    rule: KeyRule
    usual: int


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """How a candidate cuts a sample.

    Attributes:
        candidate: Which.
        share: Of the lines that have the key, 0 to 1.
        keys: How many different ones.
        median_lines: Lines of a key, in the median.
        continued: Share of the lines with a key that have one before them in it.
        predictability: Share of an event's bits that its predecessor in the key saves; below 0 it misleads.
        log_predictability: The same for its predecessor in the log, for the same lines.
        independence: 1 where the event says nothing about the key, 0 where it decides it.
    """

    candidate: KeyCandidate
    share: float
    keys: int
    median_lines: float
    continued: float
    predictability: float
    log_predictability: float
    independence: float

    @property
    def score(self) -> float:
        """Higher is better, 0 to 1."""
        return self.share * self.continued * self.independence * max(0.0, self.predictability)

    @property
    def objection(self) -> str | None:
        """Why it is no good key, None where it is one."""
        if self.keys < 2:  # noqa: PLR2004 -- one key cuts nothing
            return "all lines have the same" if self.keys else "no line has it"
        if self.share < _LEAST_SHARE:
            return f"only {self.share:.0%} of the lines have it"
        if self.median_lines < _LEAST_LINES:
            return "most keys have a single line"
        if self.independence < 1 - self.independence:
            return "the event itself decides it"
        if self.predictability < self.log_predictability - _MOST_LOSS:
            return "events are easier to guess without it"
        return "too little is gained by it" if self.score < _LEAST_SCORE else None

    def to_json(self) -> dict[str, Any]:
        """All figures by name."""
        figures = {name: round(getattr(self, name), 4) for name in _FIGURES}
        return {"key": self.candidate.rule.to_json(), **figures, "objection": self.objection}


_FIGURES = (
    "share",
    "keys",
    "median_lines",
    "continued",
    "predictability",
    "log_predictability",
    "independence",
    "score",
)


@dataclass(frozen=True, slots=True)
class KeyRanking:
    """All candidates, and which of them is proposed.

    Attributes:
        figures: The best first; those without an objection before the others.
        doubt: Why the order is not certain, None where it is.
    """

    figures: tuple[KeyFigures, ...]
    doubt: str | None

    @property
    def best(self) -> KeyFigures | None:
        """The proposed one; None where no candidate is good."""
        return self.figures[0] if self.figures and self.figures[0].objection is None else None


class KeyMeter:
    """Measures candidates on the same lines.

    Args:
        events: The event of each line, numbered from 0, in the order of time.
    """

    def __init__(self, events: Sequence[int]) -> None:
        self._events = events
        self._alone = bits_alone(events)
        self._in_log = bits_in_context([START, *events[:-1]], events)

    def figures(self, candidate: KeyCandidate, column: Column) -> KeyFigures:
        """Measure a candidate.

        Args:
            candidate: What is measured.
            column: The key of each line.
        """
        having = [line for line, key in enumerate(column) if key is not None]
        keys, events = [column[line] for line in having], [self._events[line] for line in having]
        sizes = Counter(keys)
        alone = sum(self._alone[line] for line in having)
        in_log = sum(self._in_log[line] for line in having)
        in_key = sum(bits_in_context(predecessors(keys, events), events))
        return KeyFigures(
            candidate=candidate,
            share=len(having) / max(1, len(column)),
            keys=len(sizes),
            median_lines=median(sizes.values()) if sizes else 0,
            continued=1 - len(sizes) / max(1, len(having)),
            predictability=1 - in_key / alone if alone else 0.0,
            log_predictability=1 - in_log / alone if alone else 0.0,
            independence=_independence(keys, events),
        )


def ranking(figures: Iterable[KeyFigures]) -> KeyRanking:
    """Order candidates; of those that are about as good, the one with the most usual name goes first."""
    ordered = sorted(figures, key=lambda each: (each.objection is not None, -each.score, each.candidate.usual))
    good = [each for each in ordered if each.objection is None]
    close = [each for each in good if each.score >= (1 - _CLOSE) * good[0].score]
    first = min(close, key=lambda each: (each.candidate.usual, -each.score), default=None)
    ordered.sort(key=lambda each: each is not first)
    return KeyRanking(tuple(ordered), _doubt(close))


def _doubt(close: Sequence[KeyFigures]) -> str | None:
    if len(close) < 2:  # noqa: PLR2004 -- one is not close to another
        return None
    return f"{len(close)} candidates are about as good as each other; look at their keys before you choose"


def _independence(keys: Sequence[bytes | None], events: Sequence[int]) -> float:
    """One less the share of the keys' entropy that the event takes away (Theil's uncertainty coefficient)."""
    of_keys = _entropy(Counter(keys))
    if not of_keys:
        return 0.0
    together = _entropy(Counter(zip(keys, events, strict=True)))
    return min(1.0, max(0.0, (together - _entropy(Counter(events))) / of_keys))


def _entropy(counts: Counter[Any]) -> float:
    total = counts.total()
    return -sum(count / total * log2(count / total) for count in counts.values())
