"""The faults: each is what its name says, and nothing else is wrong with its request."""

import pytest

from deploy.demo.faults import FAULTS, Fault, make_fault
from deploy.demo.shop import Shop

SEEDS = range(20)


def _faults(kind: str) -> list[Fault]:
    return [make_fault(kind, Shop(seed)) for seed in SEEDS]


def _names(fault: Fault) -> list[str]:
    return [step.name for step in fault.session.steps]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_points_at_a_line_of_its_request(kind):
    """Kind, line and sentence are filled in."""
    for fault in _faults(kind):
        assert fault.kind == kind
        assert 0 <= fault.line < len(fault.session.steps)
        assert fault.sentence


@pytest.mark.parametrize("kind", FAULTS)
def test_the_same_seed_gives_the_same_fault(kind):
    """A fault is a function of its shop's seed."""
    assert make_fault(kind, Shop(1)) == make_fault(kind, Shop(1))


def test_a_missing_step_is_missing():
    """The step that a request of this kind always has is not there."""
    required = {"check_out": "accepted", "add_to_cart": "reserved", "refund": "refunded"}
    for fault in _faults("missing step"):
        assert required[fault.session.kind] not in _names(fault)
        assert _names(fault)[-1] == "response"


def test_steps_out_of_order_are_all_there_in_another_order():
    """The moved step comes before the one that always precedes it."""
    pairs = {"check_out": ("label", "charge"), "refund": ("returned", "asked")}
    for fault in _faults("steps out of order"):
        early, late = pairs[fault.session.kind]
        assert _names(fault).index(early) == fault.line
        assert _names(fault).index(early) < _names(fault).index(late)


def test_a_retry_storm_has_many_retries_in_a_row():
    """Eight retries or more follow each other; normal requests have at most one."""
    for fault in _faults("retry storm"):
        names = _names(fault)
        first = fault.line - 1
        assert set(names[first : first + 8]) == {"retry"}


def test_an_unseen_error_is_logged_once_and_nowhere_else():
    """Exactly one line is an error, and no normal request has any."""
    shop = Shop(seed=3)
    for fault in _faults("unseen error"):
        levels = [step.level for step in fault.session.steps]
        assert levels.count("ERROR") == 1
        assert levels[fault.line] == "ERROR"
    assert not any(step.level == "ERROR" for _ in range(300) for step in shop.session().steps)


def test_a_session_that_ends_early_lacks_its_response():
    """Its last line is the fault's line, and is not what such a request ends with."""
    for fault in _faults("ended too early"):
        assert fault.line == len(fault.session.steps) - 1
        assert "response" not in _names(fault)
