"""Which key is proposed, and why not the others."""

import random

import pytest

from model.lines.key_rule import KeyRule
from tests.unit.training.inspection.made_logs import STEPS, requests
from training.inspection.coding import START, bits_alone, bits_in_context, predecessors
from training.inspection.key_candidates import KeyCandidate, KeyFigures, KeyMeter, ranking

ROWS = requests(400)
EVENTS = [step for *_, step in ROWS]
REQUEST = [key.encode() for _, key, _ in ROWS]


def candidate(name: str, usual: int = 5) -> KeyCandidate:
    """A field of a name."""
    return KeyCandidate(KeyRule(fields=(name,)), usual)


def figures(column: list[bytes | None]) -> KeyFigures:
    """Measure a column against the requests' events."""
    return KeyMeter(EVENTS).figures(candidate("x"), column)


def test_the_key_of_a_request_makes_its_events_easier_to_guess():
    """Mixed in time, requests hide what follows what; their key shows it, and nothing is held against it."""
    found = figures([*REQUEST])

    assert found.predictability > 0.7
    assert found.log_predictability < 0.2
    assert (found.share, found.keys, found.objection) == (1.0, 400, None)
    assert found.median_lines in {5, 6}


@pytest.mark.parametrize(
    ("column", "objection"),
    [
        ([b"the same"] * len(EVENTS), "all lines have the same"),
        ([None] * len(EVENTS), "no line has it"),
        ([b"%d" % line for line in range(len(EVENTS))], "most keys have a single line"),
        ([STEPS[event].encode() for event in EVENTS], "the event itself decides it"),
        ([key if event < 3 else None for key, event in zip(REQUEST, EVENTS, strict=True)], "of the lines have it"),
    ],
    ids=["single", "none", "fragments", "component", "few lines"],
)
def test_what_is_no_key_is_told_why(column, objection):
    """One for all, none, one a line, one that follows from the event, one that many lines lack."""
    found = figures(column)

    assert objection in str(found.objection)
    assert ranking([found]).best is None


def test_a_random_key_is_no_key():
    """Lines put together by chance are harder to guess than the log, or gain nothing."""
    chance = random.Random(3)
    in_order = [step for _, _, step in sorted(ROWS, key=lambda row: row[1])]  # one request after the other
    column = [b"%d" % chance.randrange(50) for _ in in_order]
    found = KeyMeter(in_order).figures(candidate("shard"), column)

    assert found.objection == "events are easier to guess without it"


def test_a_key_counts_also_where_requests_do_not_overlap():
    """The log as a whole is then as easy to guess; the key is no worse, so it is good."""
    one_by_one = sorted(ROWS, key=lambda row: row[1])
    found = KeyMeter([step for *_, step in one_by_one]).figures(
        candidate("request_id"), [key.encode() for _, key, _ in one_by_one]
    )

    assert found.log_predictability > 0.6
    assert found.objection is None


def test_the_finer_key_of_two_does_not_win_by_being_fine():
    """Cutting requests into halves makes more keys, not better ones."""
    halves = [key + (b"a" if event < 3 else b"b") for key, event in zip(REQUEST, EVENTS, strict=True)]
    whole, half = figures([*REQUEST]), figures([*halves])

    assert whole.score > half.score


def test_of_equals_the_usual_name_goes_first_and_a_doubt_is_told():
    """A span's id that cuts nearly as well as the trace's does not hide it."""
    meter = KeyMeter(EVENTS)
    nearly = [None if line % 50 == 0 else key for line, key in enumerate(REQUEST)]
    ranked = ranking(
        [meter.figures(candidate("span", 30), [*REQUEST]), meter.figures(candidate("trace_id", 0), nearly)]
    )

    assert ranked.best is not None
    assert ranked.best.candidate.rule.fields == ("trace_id",)
    assert "2 candidates" in str(ranked.doubt)


def test_without_candidates_there_is_no_best():
    """An empty ranking is no error."""
    assert ranking([]).best is None


def test_costs_are_those_of_the_formula():
    """The first event costs what one of three kinds costs; a context that was met before makes its follower cheap."""
    contexts, events = [START, 0, START, 0], [0, 1, 0, 2]
    alone, costs = bits_alone(events), bits_in_context(contexts, events)

    assert alone[0] == costs[0] == pytest.approx(1.585, abs=1e-3)
    assert costs[2] < alone[2]
    assert costs[3] > costs[1]


def test_predecessors_are_of_the_same_key():
    """Lines of other keys between them do not count, nor do lines without a key."""
    assert predecessors([b"a", b"b", None, b"a"], [7, 8, 9, 6]) == [START, START, START, 7]
