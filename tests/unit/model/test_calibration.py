"""Calibration: from alert budgets to thresholds and back."""

import pytest

from model.calibration import Calibration
from model.errors import ConfigurationError, ModelError

THOUSAND = Calibration.of([(float(i), 1) for i in range(1000)])


def test_a_budget_that_the_held_out_windows_can_show_is_read_off() -> None:
    """100 of 10,000 is 10 of 1,000: exactly ten windows score above the threshold."""
    assert 989 < THOUSAND.threshold_for(100) < 990
    assert THOUSAND.expected_alerts(989) == pytest.approx(100)


def test_a_smaller_budget_goes_beyond_the_held_out_windows() -> None:
    """One alert in 10,000 windows cannot be seen in 1,000: the threshold is widened, and says so."""
    threshold = THOUSAND.threshold_for(1)

    assert threshold > 998
    assert THOUSAND.expected_alerts(threshold) == pytest.approx(1)
    assert THOUSAND.warning(threshold) is not None
    assert THOUSAND.warning(900.0) is None


def test_counts_weigh() -> None:
    """A score that ten windows had counts ten times."""
    calibration = Calibration.of([(1.0, 90), (2.0, 10)])

    assert calibration.windows == 100
    assert calibration.expected_alerts(1.5) == pytest.approx(1000)
    assert calibration.percentile(1.0) == pytest.approx(90)


def test_equal_scores_still_give_a_threshold_above_them() -> None:
    """Where all windows score alike, the threshold keeps a distance."""
    assert Calibration.of([(0.5, 50)]).threshold_for(5) > 0.5


@pytest.mark.parametrize("budget", [0, -1, 10_000, float("nan")])
def test_budgets_outside_the_range_are_refused(budget: float) -> None:
    """The error says what is allowed."""
    with pytest.raises(ConfigurationError, match=r"more than 0 and less than 10,000"):
        THOUSAND.threshold_for(budget)


def test_json_gives_it_back() -> None:
    """Reading what was written changes nothing."""
    assert Calibration.from_json(THOUSAND.to_json()) == THOUSAND


@pytest.mark.parametrize(
    "value", [{}, {"scores": [], "counts": []}, {"scores": [2, 1], "counts": [1, 1]}, {"scores": [1], "counts": ["x"]}]
)
def test_broken_json_is_a_model_error(value: dict[str, object]) -> None:
    """Nothing, disorder and wrong kinds are refused."""
    with pytest.raises(ModelError):
        Calibration.from_json(value)
