"""What holds for every window and every calibration."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.calibration import Calibration
from model.content import WindowContent, split_events
from model.familiarity import count_vector
from model.scoring import Scorer
from tests.toy_model import STEPS, toy_artefact, toy_scorer, toy_window
from training.measures import area_under_curve

EVENTS = st.one_of(st.sampled_from(list(STEPS)), st.binary(min_size=8, max_size=8))
WINDOWS = st.builds(
    lambda steps, starts, final: toy_window(*steps, starts=starts, final=final),
    st.lists(EVENTS, min_size=1, max_size=40),
    st.booleans(),
    st.booleans(),
)
CALIBRATIONS = st.builds(
    Calibration.of,
    st.lists(st.tuples(st.floats(0, 50), st.integers(1, 50)), min_size=1, max_size=50),
)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(st.lists(WINDOWS, min_size=1, max_size=12))
def test_batch_mates_and_padding_change_no_score(windows: list[WindowContent]) -> None:
    """A window scores alone as it does in a batch, to 1e-4."""
    together = Scorer(toy_artefact()).score(windows)
    alone = [Scorer(toy_artefact()).score([window])[0] for window in windows]

    assert max(abs(a - b) for a, b in zip(together, alone, strict=True)) < 1e-4


@few
@given(st.lists(WINDOWS, min_size=1, max_size=12))
def test_the_memory_answers_exactly(windows: list[WindowContent]) -> None:
    """Scored again, every window has the very same score."""
    scorer = Scorer(toy_artefact())

    assert scorer.score(windows) == scorer.score(windows)


@few
@given(WINDOWS)
def test_every_window_can_be_explained(window: WindowContent) -> None:
    """There is a sentence, and the events point into the window or at its marks."""
    found = toy_scorer().explain(window)
    events = split_events(window.events)

    assert found.summary.endswith(".")
    assert 1 <= len(found.events) <= 5
    for event in found.events:
        inside = 0 <= event.index < len(events)
        assert event.event_id == (events[event.index] if inside else None)


@few
@given(WINDOWS, st.randoms(use_true_random=False))
def test_order_plays_no_part_in_a_count_vector(window: WindowContent, chance: object) -> None:
    """Shuffled events have the same count vector."""
    events = split_events(window.events)
    chance.shuffle(events)  # type: ignore[attr-defined]

    assert count_vector(window._replace(events=b"".join(events))) == count_vector(window)


@given(CALIBRATIONS, st.floats(0.01, 9_999), st.floats(0.01, 9_999))
def test_a_smaller_budget_never_lowers_the_threshold(calibration: Calibration, a: float, b: float) -> None:
    """Thresholds fall as the budget grows, and the budget is kept."""
    small, large = sorted((a, b))

    assert calibration.threshold_for(small) >= calibration.threshold_for(large) - 1e-9
    assert calibration.expected_alerts(calibration.threshold_for(small)) <= small * (1 + 1e-6)


@given(CALIBRATIONS, st.floats(-1, 100), st.floats(-1, 100))
def test_alerts_shrink_as_the_threshold_rises(calibration: Calibration, a: float, b: float) -> None:
    """A higher threshold never means more alerts, nor a lower percentile."""
    low, high = sorted((a, b))

    assert calibration.expected_alerts(low) >= calibration.expected_alerts(high) - 1e-9
    assert calibration.percentile(low) <= calibration.percentile(high)


@given(st.lists(st.floats(-9, 9), min_size=1), st.lists(st.floats(-9, 9), min_size=1))
def test_swapping_the_sides_mirrors_the_area(one: list[float], other: list[float]) -> None:
    """The two areas add up to 1."""
    assert abs(area_under_curve(one, other) + area_under_curve(other, one) - 1) < 1e-9
