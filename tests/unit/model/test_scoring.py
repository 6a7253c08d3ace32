"""The scorer: equal windows once, exact memory, evidence that counts."""

import pytest

from model.errors import ModelError
from model.scoring import Scorer
from tests.toy_model import toy_artefact, toy_scorer, toy_window

NORMAL = ("open", "check", "seat", "film", "end", "leave")
UNSEEN = b"\xff" * 8


def test_equal_windows_are_scored_once() -> None:
    """A window that occurs three times in a batch is one miss and two hits."""
    scorer = Scorer(toy_artefact())
    scores = scorer.score([toy_window(*NORMAL)] * 3)

    assert len(set(scores)) == 1
    assert (scorer.misses, scorer.hits) == (1, 2)


def test_a_remembered_score_is_the_same() -> None:
    """The second call answers from memory."""
    scorer = Scorer(toy_artefact())
    first = scorer.score([toy_window(*NORMAL), toy_window("open")])

    assert scorer.score([toy_window("open"), toy_window(*NORMAL)]) == first[::-1]
    assert scorer.misses == 2


def test_the_window_unused_longest_is_forgotten_first() -> None:
    """With room for two, the third pushes out the one that was not used again."""
    scorer = Scorer(toy_artefact(), cache_windows=2)
    a, b, c = toy_window("open"), toy_window("check"), toy_window("seat")
    for windows in ([a, b], [a], [c]):
        scorer.score(windows)
    misses = scorer.misses

    scorer.score([a])
    assert scorer.misses == misses
    scorer.score([b])
    assert scorer.misses == misses + 1


def test_a_batch_larger_than_the_memory_is_scored() -> None:
    """The limit on what is remembered does not limit a call."""
    windows = [toy_window(*NORMAL[:n]) for n in range(1, 7)]

    assert Scorer(toy_artefact(), cache_windows=1).score(windows) == pytest.approx(
        toy_scorer().score(windows), abs=1e-4
    )


def test_normal_windows_stay_below_the_threshold() -> None:
    """Both kinds of normal sessions score below it."""
    both = [toy_window(*NORMAL), toy_window("open", "check", "seat", "snack", "film", "end", "leave")]

    assert max(toy_scorer().score(both)) < toy_artefact().threshold


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(("open", "check", "film", "end", "leave"), id="missing step"),
        pytest.param(("open", "check", "seat", "end", "film", "leave"), id="out of order"),
        pytest.param(("open", "check", "seat"), id="ended early"),
        pytest.param(("open", "check", "seat", *["snack"] * 6, "film", "end", "leave"), id="repetition"),
        pytest.param(("open", "check", UNSEEN, "seat", "film", "end", "leave"), id="unseen event"),
    ],
)
def test_faults_score_above_the_threshold(steps: tuple[str | bytes, ...]) -> None:
    """Each kind of fault is found."""
    assert toy_scorer().score([toy_window(*steps)])[0] > toy_artefact().threshold


def test_a_novel_event_scores_above_all_held_out_windows() -> None:
    """An event that training never saw is always among the highest."""
    windows = [toy_window(UNSEEN, starts=False, final=False), toy_window("open", UNSEEN, final=False)]

    assert min(toy_scorer().score(windows)) > toy_artefact().calibration.scores[-1]


@pytest.mark.parametrize("events", [0, 513])
def test_windows_of_impossible_length_are_refused(events: int) -> None:
    """A window must hold 1 to 512 events."""
    with pytest.raises(ModelError, match="1 to 512"):
        toy_scorer().score([toy_window(*[UNSEEN] * events)])


def test_the_largest_window_is_scored() -> None:
    """512 events with both marks fit."""
    assert toy_scorer().score([toy_window(*["seat"] * 512)])[0] > 0
