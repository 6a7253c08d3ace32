"""What a threshold is found from."""

from collections import Counter

from model.evidence import Combination
from tests.toy_model import toy_artefact, toy_window
from training.held_out import HeldOutScores, score_held_out
from training.split import Split

NORMAL = ("open", "check", "seat", "film", "end", "leave")
UNSEEN = b"\xff" * 8


def _scores(*sessions: tuple[str | bytes, ...]) -> HeldOutScores:
    artefact = toy_artefact()
    training = Counter({toy_window(*NORMAL): 3})
    held_out = tuple((toy_window(*steps, final=False), toy_window(*steps)) for steps in sessions)
    return score_held_out(artefact.network(), artefact.vocabulary, Split(training, held_out, by_time=False))


def test_a_session_counts_once() -> None:
    """Two sessions of two windows are two session scores and four window scores."""
    found = _scores(NORMAL, ("open", "check"))

    assert (found.windows.windows, found.sessions.windows) == (4, 2)
    assert found.sessions.scores[-1] == found.windows.scores[-1]


def test_an_event_that_only_held_out_sessions_have_does_not_raise_the_threshold() -> None:
    """It alerts at any threshold in service, so it is left out here."""
    assert _scores(NORMAL, ("open", UNSEEN)).sessions == _scores(NORMAL).sessions


def test_how_surprising_the_median_window_is_decides_what_counts() -> None:
    """Sessions in an order that the model does not know make surprise usual, if there are enough of them."""
    odd = tuple(reversed(NORMAL))

    assert not _scores(NORMAL, NORMAL, odd).combination.surprise_is_usual
    assert _scores(NORMAL, odd, odd).combination.surprise_is_usual


def test_with_nothing_but_new_events_there_is_still_a_calibration() -> None:
    """Then the windows count as they are."""
    assert _scores(("open", UNSEEN)).sessions.scores[-1] > Combination().novel_floor
