"""How well scores tell the abnormal from the normal: keys, or windows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from model.calibration import ALERT_BASE

__all__ = ["Curve", "Measures", "Outcome", "area_under_curve", "measure", "precision_recall_curve"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a detector made of all windows of one key, or of one window.

    Attributes:
        abnormal: What the labels say.
        score: The largest of its windows' scores.
        windows: How many windows it has.
        flagged: How many of them score above the threshold.
        early: Whether a window before the last of its session was the first to be flagged.
        seen: Share of its session's lines that had been seen at the end of the first window that was flagged.
    """

    abnormal: bool
    score: float
    windows: int
    flagged: int
    early: bool
    seen: float


@dataclass(frozen=True, slots=True)
class Measures:
    """The usual figures, counted in what is judged unless a name says otherwise; a ratio without a base is 0.

    Attributes:
        threshold: In the detector's own unit.
        found: The abnormal with a flagged window.
        missed: The abnormal without one.
        false_alarms: The normal with a flagged window.
        precision: Share of the abnormal among the flagged.
        recall: Share of the flagged among the abnormal.
        f1: Harmonic mean of the two.
        auc: Chance that one that is abnormal scores above one that is normal (ties count a half).
        false_alarms_per_10000_windows: Flagged windows among 10,000 windows of what is normal.
        early_share: Share of the found whose first flagged window was cut before its session ended.
        lines_seen: How much of its session had been seen when one of the found was first flagged, on average; a share.
    """

    threshold: float
    found: int
    missed: int
    false_alarms: int
    precision: float
    recall: float
    f1: float
    auc: float
    false_alarms_per_10000_windows: float
    early_share: float
    lines_seen: float

    def to_json(self) -> dict[str, Any]:
        """All figures by name."""
        return asdict(self)


def measure(outcomes: Sequence[Outcome], threshold: float) -> Measures:
    """Compare a detector's outcomes with the labels."""
    abnormal = [outcome for outcome in outcomes if outcome.abnormal]
    normal = [outcome for outcome in outcomes if not outcome.abnormal]
    found = sum(outcome.flagged > 0 for outcome in abnormal)
    false_alarms = sum(outcome.flagged > 0 for outcome in normal)
    precision, recall = _ratio(found, found + false_alarms), _ratio(found, len(abnormal))
    return Measures(
        threshold=threshold,
        found=found,
        missed=len(abnormal) - found,
        false_alarms=false_alarms,
        precision=precision,
        recall=recall,
        f1=_ratio(2 * precision * recall, precision + recall),
        auc=area_under_curve([o.score for o in abnormal], [o.score for o in normal]),
        false_alarms_per_10000_windows=ALERT_BASE
        * _ratio(sum(o.flagged for o in normal), sum(o.windows for o in normal)),
        early_share=_ratio(sum(o.flagged > 0 and o.early for o in abnormal), found),
        lines_seen=_ratio(sum(o.seen for o in abnormal if o.flagged), found),
    )


def area_under_curve(abnormal: Sequence[float], normal: Sequence[float]) -> float:
    """The area under the ROC curve, as the Mann-Whitney statistic; 0.5 where one side is empty.

    Source: Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143, 1982.
    """
    if not abnormal or not normal:
        return 0.5
    below = np.sort(np.asarray(normal))
    lower = np.searchsorted(below, abnormal, side="left")
    upper = np.searchsorted(below, abnormal, side="right")
    return float((lower + upper).mean() / 2 / len(below))


class Curve(NamedTuple):
    """Precision against recall, a point for each threshold that decides differently, from the strictest down.

    Attributes:
        recall: Rising, 0 to 1.
        precision: Of the same length.
    """

    recall: tuple[float, ...]
    precision: tuple[float, ...]


def precision_recall_curve(outcomes: Sequence[Outcome]) -> Curve:
    """What every threshold would give; empty where nothing is abnormal.

    Thresholds found here have looked at the labels: the curve is to be seen, never to choose by.
    """
    scores = np.array([outcome.score for outcome in outcomes])
    abnormal = np.array([outcome.abnormal for outcome in outcomes], dtype=bool)
    if not abnormal.any():
        return Curve((), ())
    falling = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[falling]) != 0, [True])  # equal scores are flagged together
    found = abnormal[falling].cumsum()[last_of_equals]
    flagged = np.arange(1, len(scores) + 1)[last_of_equals]
    return Curve(tuple((found / abnormal.sum()).tolist()), tuple((found / flagged).tolist()))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
