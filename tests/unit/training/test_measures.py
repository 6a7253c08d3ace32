"""Precision against recall: what every threshold would give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes

from training.measures import Curve, Outcome, measure, precision_recall_curve
from training.pictures import precision_recall


def outcome(score: float, *, abnormal: bool, threshold: float = 0.0) -> Outcome:
    """Of a key with one window."""
    return Outcome(abnormal, score, windows=1, flagged=int(score > threshold), early=False, seen=1.0)


def test_equal_scores_are_flagged_together() -> None:
    """From the strictest threshold down: one right; then two more at once, one of them wrong; then all."""
    scores = [(4.0, True), (3.0, False), (3.0, True), (1.0, False)]
    curve = precision_recall_curve([outcome(score, abnormal=abnormal) for score, abnormal in scores])

    assert list(curve.recall) == pytest.approx([1 / 2, 1, 1])
    assert list(curve.precision) == pytest.approx([1, 2 / 3, 1 / 2])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30), st.integers(-1, 5))
def test_each_threshold_is_a_point_of_the_curve(scores: list[tuple[int, bool]], threshold: int) -> None:
    """Whatever a threshold gives by counting, the curve has; or it flags nothing."""
    outcomes = [outcome(score, abnormal=abnormal, threshold=threshold) for score, abnormal in scores]
    curve = precision_recall_curve(outcomes)
    found = measure(outcomes, threshold)

    if not any(abnormal for _, abnormal in scores):
        assert not curve.recall
    elif found.found + found.false_alarms:
        points = zip(curve.recall, curve.precision, strict=True)
        assert any((r, p) == pytest.approx((found.recall, found.precision)) for r, p in points)


def test_between_two_points_the_picture_has_the_precision_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it begins at recall 0; where nothing is abnormal there is no line."""
    drawn = {}

    def step(_: Axes, recall: tuple[float, ...], precision: tuple[float, ...], **options: str) -> None:
        drawn[options["label"]] = recall, precision, options["where"]

    monkeypatch.setattr(Axes, "step", step)
    precision_recall(
        {"one": Curve((0.1, 1.0), (1.0, 0.2)), "none": Curve((), ())}, {"one": (0.1, 1.0), "lookup": (0, 0)}
    )

    assert drawn == {"one": ((0.0, 0.1, 1.0), (1.0, 1.0, 0.2), "pre"), "none": ((), (), "pre")}
