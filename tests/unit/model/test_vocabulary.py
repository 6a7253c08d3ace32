"""Vocabulary, familiarity and evidence: the small parts."""

from collections import Counter
from math import e, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.content import WindowContent, split_events
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
    assert count_vector(WindowContent(A + B, starts_session=True, final=True)).hash().hex() == "954456cd3805e1f3"


def test_familiar_windows_survive_the_array() -> None:
    """Reading what was written changes nothing."""
    familiar = Familiar.of([WindowContent(e, starts_session=True, final=True) for e in (A, B, C, A + B)])

    assert Familiar.from_arrays(familiar.to_arrays(), familiar.most_in_window) == familiar


def test_distance_is_that_to_the_nearest_window_with_the_same_marks() -> None:
    """In nats: each event adds how far apart the logarithms of its counts are."""
    familiar = Familiar.of(
        WindowContent(events, starts_session=True, final=True) for events in (A + B, A * 9 + B, A + B + C + C)
    )

    def distance(events: bytes, *, final: bool = True) -> float:
        return familiar.distance(WindowContent(events, starts_session=True, final=final))

    assert distance(B + A) == 0
    assert distance(A * 10 + B) == pytest.approx(log(11 / 10))  # one more of many is little
    assert distance(A + B + B) == pytest.approx(log(3 / 2))  # one more of few is much
    assert distance(A) == pytest.approx(log(2))  # one is missing
    assert distance(A + B + b"newevent") == pytest.approx(log(2))
    assert distance(A + B, final=False) == 0  # no window of training has these marks: then that of any
    assert Familiar.of([]).distance(WindowContent(A, starts_session=True, final=True)) == inf


@given(st.lists(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=6), min_size=2, max_size=8))
def test_kinds_apart_are_what_their_formula_says(windows: list[list[bytes]]) -> None:
    """One less the share that two windows have in common, of the nearest of training."""
    new, *training = [WindowContent(b"".join(events), starts_session=True, final=False) for events in windows]
    kinds, *others = map(set, windows)
    familiar = Familiar.of(training)

    assert familiar.kinds_apart(new) == pytest.approx(min(1 - len(kinds & o) / len(kinds | o) for o in others))
    assert familiar.kinds_apart(new._replace(events=b"newevent")) == 1.0
    assert familiar.kinds_apart(training[0]) == 0.0
    assert Familiar.of([]).kinds_apart(new) == 1.0


@given(st.lists(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=6), min_size=2, max_size=8))
def test_distance_is_what_its_formula_says(windows: list[list[bytes]]) -> None:
    """As the sum that its docstring names, over all windows of training."""
    new, *training = [WindowContent(b"".join(events), starts_session=True, final=False) for events in windows]

    def apart(one: WindowContent, other: WindowContent) -> float:
        ns, ms = Counter(split_events(one.events)), Counter(split_events(other.events))
        return sum(abs(log((1 + ns[event]) / (1 + ms[event]))) for event in (A, B, C))

    assert Familiar.of(training).distance(new) == pytest.approx(min(apart(new, old) for old in training), abs=1e-9)


def test_a_near_window_counts_less_and_a_novel_one_more() -> None:
    """Peak, distance and novelty are put together as documented."""
    score = Combination(familiar_weight=0.2, familiar_reach=0.5, most_distance=3.0, novel_floor=10.0).score

    assert score(Evidence(5.0, 1.5, 0.0, novel=0)) == pytest.approx(1.0)
    assert score(Evidence(5.0, 1.5, 0.5, novel=0)) == pytest.approx(5 * (1 - 0.8 / e) + 0.5)
    assert score(Evidence(5.0, 1.5, inf, novel=0)) == pytest.approx(5.0 + 3.0)
    assert score(Evidence(5.0, 1.5, inf, novel=2)) == pytest.approx(5.0 + 3.0 + 10.0)


def test_where_surprise_is_usual_mean_and_kinds_are_the_score() -> None:
    """From a median peak of less than one in a hundred on; a novel event still lifts the window."""
    score, other = (Combination(usual_peak=peak, most_kinds_apart=4.0).score for peak in (log(101), log(99)))
    evidence = Evidence(5.0, 1.5, 3.0, novel=0, kinds_apart=0.25)

    assert score(evidence) == 1.5 + 4.0 * 0.25
    assert score(evidence._replace(novel=1)) == 12.5
    assert other(evidence) == Combination().score(evidence)


def test_models_from_before_the_mean_are_read() -> None:
    """They combine as they did, and are written as they were: their version is a hash of it."""
    value = {"familiar_weight": 0.2, "familiar_reach": 0.5, "most_distance": 10.0, "novel_floor": 10.0}

    before = Combination(most_kinds_apart=0.0)

    assert Combination.from_json(value) == before
    assert before.to_json() == value
    assert Combination.from_json({**value, "usual_peak": 5.0}).to_json() == {**value, "usual_peak": 5.0}
    assert Combination.from_json(Combination(usual_peak=5.0).to_json()) == Combination(usual_peak=5.0)


def test_the_peak_leaves_novel_events_out() -> None:
    """How unlikely the network finds NOVEL is chance, so it does not count."""
    assert Evidence.of([1.0, 9.0, 3.0], [False, True, False], 2.0) == Evidence(3.0, 2.0, 2.0, novel=1)


def test_rare_marks_keep_their_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many windows of other marks there are; and what is kept of many does not depend on their order."""
    monkeypatch.setattr("model.familiarity._MOST_KEPT", 3)
    many = [WindowContent(A * count, starts_session=False, final=False) for count in range(1, 30)]
    rare = WindowContent(B, starts_session=True, final=True)
    familiar, other = Familiar.of([*many, rare]), Familiar.of([rare, *reversed(many)])

    assert familiar == other
    assert len(familiar.kept) == 3 + 1
    assert len(familiar) == 30
    assert familiar.distance(rare._replace(events=B + B)) == pytest.approx(log(3 / 2))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("lengths", [5, 1]),
        ("lengths", [0, 2]),
        ("counts", [1, -2]),
        ("counts", [[1], [2]]),
        ("counts", [1.0, 2.0]),
        ("marks", [0, 4]),
        ("events", [1]),
    ],
)
def test_arrays_that_are_no_count_vectors_are_refused(name: str, values: list[object]) -> None:
    """Whoever made an artefact by hand, with checksums that fit: it says so when it is loaded."""
    arrays = Familiar.of([WindowContent(e, starts_session=True, final=True) for e in (A, B)]).to_arrays()

    with pytest.raises(ValueError, match=r"lengths|counts|marks"):
        Familiar.from_arrays({**arrays, name: np.array(values)}, {})


@pytest.mark.parametrize(
    "change",
    [{"familiar_reach": 0}, {"familiar_weight": "x"}, {"most_distance": float("inf")}, {"most_kinds_apart": None}],
)
def test_a_combination_that_cannot_be_used_is_refused(change: dict[str, object]) -> None:
    """It would fail later, in the middle of a batch."""
    with pytest.raises(ModelError, match="combination"):
        Combination.from_json({**Combination().to_json(), **change})
