"""Explanations: each fault is named as a person would name it."""

import re
from dataclasses import replace

import pytest

from model.explanation import Explanation
from model.scoring import Scorer
from tests.toy_model import toy_artefact, toy_events, toy_scorer, toy_window

UNSEEN = b"\xff" * 8


def _explain(*steps: str | bytes, starts: bool = True, final: bool = True) -> Explanation:
    return toy_scorer().explain(toy_window(*steps, starts=starts, final=final), {UNSEEN: "lamp <*> exploded"})


def test_a_missing_step_is_named() -> None:
    """The step that was left out stands in the sentence, before the one that it should precede."""
    found = _explain("open", "check", "film", "end", "leave")

    assert found.kind == "missing-step"
    assert found.summary.startswith("“seat <*> taken")
    assert "film started" in found.summary


def test_steps_out_of_order_are_named() -> None:
    """A swap is told from a missing and an extra step."""
    found = _explain("open", "seat", "check", "film", "end", "leave")

    assert found.kind == "out-of-order"
    assert found.familiar


def test_an_unseen_event_is_quoted() -> None:
    """The text that the caller knows stands in the sentence and in the events."""
    found = _explain("open", "check", UNSEEN, "seat", "film", "end", "leave")

    assert found.kind == "novel-event"
    assert "lamp <*> exploded" in found.summary
    assert found.events[0].index == 2
    assert found.events[0].text == "lamp <*> exploded"


def test_an_unseen_event_whose_text_nobody_knows_still_reads_well() -> None:
    """Without a text it is called what it is."""
    found = toy_scorer().explain(toy_window("open", UNSEEN))

    assert "never saw" in found.summary


def test_a_session_that_ended_too_early_is_named() -> None:
    """The sentence says after what it ended and what was expected."""
    found = _explain("open", "check", "seat", "film")

    assert found.kind == "ended-early"
    assert "film ended" in found.summary
    assert found.events[0].event_id is None
    assert found.events[0].index == 4


@pytest.mark.parametrize("times", [2, 9])
def test_a_repetition_is_counted(times: int) -> None:
    """The sentence says how often the event came and how often it usually does."""
    found = _explain("open", "check", "seat", *["snack"] * times, "film", "end", "leave")

    assert found.kind == "repetition"
    assert f"came {times} times" in found.summary
    assert "at most once" in found.summary


def test_a_surprising_event_carries_what_was_expected() -> None:
    """Its expectations are other events with falling probabilities."""
    found = _explain("open", "check", "film", "end", "leave").events[0]
    chances = [expected.probability for expected in found.expected]

    assert found.rank > 1
    assert found.surprisal > 1
    assert chances == sorted(chances, reverse=True)
    assert found.event_id not in [expected.event_id for expected in found.expected]
    assert len(found.expected) == 3


def test_any_short_window_can_be_explained() -> None:
    """A window of one event, with or without marks, gets a sentence that ends in a full stop."""
    steps: list[str | bytes] = [*toy_events(), UNSEEN]
    for step in steps:
        for starts in (True, False):
            for final in (True, False):
                assert _explain(step, starts=starts, final=final).summary.endswith(".")


def test_where_surprise_is_usual_no_single_step_is_blamed() -> None:
    """The sentence tells what the score rests on; what training never saw is still named."""
    artefact = toy_artefact()
    scorer = Scorer(replace(artefact, combination=replace(artefact.combination, usual_peak=9.0)))
    window = toy_window("open", "check", "film", "end", "leave")
    found = scorer.explain(window)
    unseen = scorer.explain(toy_window("open", UNSEEN, "seat"), {UNSEEN: "lamp <*> exploded"})
    told = re.search(r"(\d+\.\d) nats an event; .* nearest normal window (\d+)% are in only one", found.summary)
    doubled = scorer.explain(toy_window("open", "check", "seat", "seat", "film", "end", "leave"))

    assert found.kind == "sequence"
    assert told is not None
    assert float(told[1]) + 4 * float(told[2]) / 100 == pytest.approx(scorer.score([window])[0], abs=0.1)
    assert "Least likely is “film started" in found.summary
    assert doubled.kind == "sequence"
    assert unseen.kind == "novel-event"
