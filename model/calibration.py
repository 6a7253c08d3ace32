"""What a score means: where it stands among the scores of normal windows that training held out."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from model.errors import ConfigurationError, ModelError

__all__ = ["ALERT_BASE", "Calibration"]

#: Alert budgets are stated per this many windows.
ALERT_BASE = 10_000
#: Below this many held-out windows above a threshold, it rests on too little and is widened.
_FEW_ABOVE = 5
#: The largest tenth of the scores is the tail whose shape is looked at beside the few largest.
_BODY_SHARE = 0.1
#: Nats; where all held-out windows score alike, a threshold still needs some distance from them.
_LEAST_EXCESS = 0.05
#: Nats between a threshold and the held-out score below it, where the next one leaves the room: scores of equal
#: windows differ by up to 1e-4 with their batch, and normal windows often have the very same score.
_LEAST_DISTANCE = 0.1


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores of held-out normal windows.

    The chance that a normal window scores above a threshold is read from the held-out windows while at least a few of
    them lie above it. Beyond that the tail is taken to be exponential, with the mean excess of its few largest scores
    or of its largest tenth, whichever is more: an estimate that never says "no alert at all", so a small held-out part
    widens the threshold instead of hiding doubt.

    Source of the tail: the mean-excess estimate of a generalised Pareto tail with shape 0 (Coles, "An Introduction
    to Statistical Modeling of Extreme Values", 2001, section 4.2).

    Attributes:
        scores: Distinct scores, rising.
        counts: How many held-out windows had each.
    """

    scores: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.scores or len(self.scores) != len(self.counts) or min(self.counts) < 1:
            raise ModelError("the calibration needs at least one held-out window; train with more sessions.")
        if any(a >= b for a, b in zip(self.scores, self.scores[1:], strict=False)):
            raise ModelError("the calibration's scores do not rise; train the model again.")

    @classmethod
    def of(cls, scores: Mapping[float, int] | Sequence[tuple[float, int]]) -> "Calibration":
        """Make a calibration of scores and how many windows had each; equal scores are joined."""
        pairs = scores.items() if isinstance(scores, Mapping) else scores
        joined: dict[float, int] = {}
        for score, count in pairs:
            joined[score] = joined.get(score, 0) + count
        ordered = sorted(joined)
        return cls(tuple(ordered), tuple(joined[score] for score in ordered))

    @property
    def windows(self) -> int:
        """How many held-out windows stand behind it."""
        return sum(self.counts)

    def percentile(self, score: float) -> float:
        """The share of held-out normal windows, in percent, that score no higher."""
        return 100.0 * (1.0 - self._above(score) / self.windows)

    def expected_alerts(self, threshold: float) -> float:
        """How many of 10,000 normal windows are expected to score above a threshold."""
        start, share, scale = self._tail()
        if threshold <= start:
            return ALERT_BASE * max(self._above(threshold), 1) / self.windows
        return ALERT_BASE * share * math.exp(-(threshold - start) / scale)

    def threshold_for(self, alerts_per_10000_windows: float) -> float:
        """The lowest threshold that is expected to keep an alert budget.

        Args:
            alerts_per_10000_windows: More than 0, less than 10,000.

        Returns:
            A threshold in nats.

        Raises:
            ConfigurationError: The budget is outside its range.
        """
        if not 0 < alerts_per_10000_windows < ALERT_BASE:
            raise ConfigurationError(
                f"the alert budget is {alerts_per_10000_windows} per 10,000 windows; allowed is more than 0 and "
                "less than 10,000."
            )
        share = alerts_per_10000_windows / ALERT_BASE
        start, tail_share, scale = self._tail()
        if share < tail_share:
            return self._off_scores(start + scale * math.log(tail_share / share))
        return self._off_scores(self._quantile_above(share))

    def _off_scores(self, threshold: float) -> float:
        """Raise a threshold a little if it stands on a held-out score: rounding must not make that window an alert."""
        below = self.scores[max(0, bisect_right(self.scores, threshold) - 1)]
        above = self.scores[bisect_right(self.scores, threshold) :]
        room = _LEAST_DISTANCE if not above else min(_LEAST_DISTANCE, (above[0] - below) / 2)
        return max(threshold, below + room)

    def warning(self, threshold: float) -> str | None:
        """Say so if a threshold rests on too few held-out windows; None where it does not."""
        above = self._above(threshold)
        if above >= _FEW_ABOVE:
            return None
        few = f"only {above}" if above else "none"
        return (
            f"{few} of {self.windows:,} held-out windows score above {threshold:.3g} nats: the expected alerts there "
            "are an estimate from the tail's shape. Train with more normal sessions for a surer threshold."
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        return {"scores": list(self.scores), "counts": list(self.counts)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Calibration":
        """Read what ``to_json`` wrote.

        Raises:
            ModelError: It is not such an object.
        """
        try:
            return cls(tuple(map(float, value["scores"])), tuple(map(int, value["counts"])))
        except (KeyError, TypeError, ValueError) as exc:
            raise ModelError(f"the calibration is broken ({exc}); train the model again.") from exc

    def _above(self, score: float) -> int:
        return sum(self.counts[bisect_right(self.scores, score) :])

    def _quantile_above(self, share: float) -> float:
        """The lowest held-out score with no more than ``share`` of the windows above it."""
        allowed = share * self.windows
        above = self.windows
        for score, below in zip(self.scores, accumulate(self.counts), strict=True):
            above = self.windows - below
            if above <= allowed:
                return score
        return self.scores[-1]

    def _tail(self) -> tuple[float, float, float]:
        """Where the modelled tail begins, the share of windows above it, and its mean excess in nats."""
        start = self._quantile_above(min(0.5, _FEW_ABOVE / self.windows))
        above = max(self._above(start), 1)
        scale = max(self._mean_excess(start), self._mean_excess(self._quantile_above(_BODY_SHARE)))
        return start, above / self.windows, max(scale, _LEAST_EXCESS)

    def _mean_excess(self, bound: float) -> float:
        """By how much, on average, the scores above a bound exceed it, nats."""
        tail = [(s - bound, c) for s, c in zip(self.scores, self.counts, strict=True) if s > bound]
        return sum(excess * count for excess, count in tail) / sum(count for _, count in tail) if tail else 0.0
