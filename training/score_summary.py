"""What the scores of many windows are like, in figures and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.artefact import Artefact

__all__ = ["ScoreSummary"]

_PERCENTS = (50, 90, 95, 99, 99.9)


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The scores of all windows.

    Attributes:
        scores: In nats, in the order of the windows.
        threshold: In nats.
        model_version: Which model.
        model_threshold: The model's own threshold, nats.
        expected_alerts: How many of 10,000 normal windows the model expects above the threshold.
    """

    scores: NDArray[np.float64]
    threshold: float
    model_version: str
    model_threshold: float
    expected_alerts: float

    @classmethod
    def of(cls, scores: Sequence[float], threshold: float, artefact: Artefact) -> "ScoreSummary":
        """Sum up the scores that a model gave."""
        expected = artefact.calibration.expected_alerts(threshold)
        return cls(np.asarray(scores, np.float64), threshold, artefact.version, artefact.threshold, expected)

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return len(self.scores)

    @property
    def alerts(self) -> int:
        """How many score above the threshold."""
        return int((self.scores > self.threshold).sum())

    def words(self) -> str:
        """Some lines for people."""
        if not self.windows:
            return "There is no window."
        own = "" if self.threshold == self.model_threshold else f" (the model's own is {self.model_threshold:.4f})"
        percentiles = np.percentile(self.scores, _PERCENTS)
        listed = ", ".join(f"{p:g} % {v:.4f}" for p, v in zip(_PERCENTS, percentiles, strict=True))
        return (
            f"{self.windows:,} windows, {self.alerts:,} above the threshold of {self.threshold:.4f} nats{own}.\n"
            f"Of 10,000 windows these are {10_000 * self.alerts / self.windows:.1f}; of normal ones model "
            f"{self.model_version} expects {self.expected_alerts:.1f}.\n"
            f"Scores: mean {np.mean(self.scores):.4f}, standard deviation {np.std(self.scores):.4f}, "
            f"minimum {np.min(self.scores):.4f}, maximum {np.max(self.scores):.4f}.\n"
            f"Percentiles: {listed}."
        )
