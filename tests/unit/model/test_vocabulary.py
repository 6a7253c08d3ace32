"""Vocabulary, familiarity and evidence: the small parts."""

import pytest

from model.content import WindowContent
from model.errors import ModelError
from model.evidence import Combination, Evidence
from model.familiarity import Familiar, count_vector
from model.vocabulary import BOS, EOS, FIRST_EVENT, NOVEL, Vocabulary

A, B, C = b"aaaaaaaa", b"bbbbbbbb", b"cccccccc"


def test_marks_stand_around_the_events() -> None:
    """BOS only where the session starts, EOS only where it ends, NOVEL for what training never saw."""
    vocabulary = Vocabulary.of([B, A, B])

    assert vocabulary.encode(WindowContent(A + B + C, starts_session=True, final=False)) == (BOS, 5, 6, NOVEL)
    assert vocabulary.encode(WindowContent(B, starts_session=False, final=True)) == (6, EOS)
    assert vocabulary.event(FIRST_EVENT) == A
    assert len(vocabulary) == FIRST_EVENT + 2


def test_an_event_cannot_have_two_tokens() -> None:
    """A vocabulary with a repeated event ID is refused."""
    with pytest.raises(ModelError, match="twice"):
        Vocabulary((A, A))


def test_familiarity_knows_counts_and_marks_but_no_order() -> None:
    """Another order is familiar; another count or mark is not."""
    familiar = Familiar.of([WindowContent(A + B + A, starts_session=True, final=False)])

    assert WindowContent(B + A + A, starts_session=True, final=False) in familiar
    assert WindowContent(A + B + B, starts_session=True, final=False) not in familiar
    assert WindowContent(A + B + A, starts_session=True, final=True) not in familiar
    assert familiar.most_in_window == {A: 2, B: 1}


def test_a_count_vector_never_changes() -> None:
    """Artefacts of last year must still be read: the hash is fixed."""
    assert count_vector(WindowContent(A + B, starts_session=True, final=True)).hex() == "954456cd3805e1f3"


def test_familiar_windows_survive_the_array() -> None:
    """Reading what was written changes nothing."""
    familiar = Familiar.of([WindowContent(e, starts_session=True, final=True) for e in (A, B, C, A + B)])

    assert Familiar.from_array(familiar.to_array(), familiar.most_in_window) == familiar


def test_a_familiar_window_counts_less_and_a_novel_one_more() -> None:
    """The two facts weigh the peak as documented."""
    score = Combination(familiar_weight=0.2, novel_floor=10.0).score

    assert score(Evidence(5.0, familiar=False, novel=0)) == pytest.approx(5.0)
    assert score(Evidence(5.0, familiar=True, novel=0)) == pytest.approx(1.0)
    assert score(Evidence(5.0, familiar=False, novel=2)) == pytest.approx(15.0)


def test_the_peak_leaves_novel_events_out() -> None:
    """How unlikely the network finds NOVEL is chance, so it does not count."""
    assert Evidence.of([1.0, 9.0], [False, True], familiar=False) == Evidence(1.0, familiar=False, novel=1)
