"""The measures of the template benchmark, on cases small enough to work out by hand."""

import pytest

from tests.benchmarks.template_measures import corrected, grouping_accuracy, parsing_accuracy, template_accuracy
from tests.benchmarks.templates import Drain, System, mined, our_rightness, rightness


def test_a_group_counts_whole_or_not_at_all():
    """One line too few or too many, and none of its lines is right."""
    truth = ["E1", "E1", "E2", "E2", "E3"]

    assert grouping_accuracy([7, 7, 8, 8, 9], truth) == 1
    assert grouping_accuracy([7, 7, 8, 9, 10], truth) == pytest.approx(3 / 5)  # E2 parted
    assert grouping_accuracy([7, 7, 8, 8, 8], truth) == pytest.approx(2 / 5)  # E2 and E3 together


def test_parsing_accuracy_counts_lines_by_their_text_alone():
    """Lines with the right text count, whatever became of the others of their group."""
    truth = ["open <*>", "open <*>", "open <*>", "closed"]

    assert parsing_accuracy(["open <*>", "open <*>", "open it", "closed"], truth) == pytest.approx(3 / 4)


def test_template_accuracy_counts_templates_not_lines():
    """Of three found two are right, of two true ones both: 2/3, 1 and 4/5, however often each comes."""
    truth = ["open <*>"] * 1000 + ["closed"]
    found = ["open <*>"] * 999 + ["open it", "closed"]

    assert template_accuracy(found, truth) == pytest.approx((2 / 3, 1, 4 / 5))


def test_a_template_with_lines_of_another_is_wrong():
    """Its text is that of a true template, but one line has no business there."""
    assert template_accuracy(["a <*>", "a <*>", "c"], ["a <*>", "a b", "c"]) == pytest.approx((1 / 2, 1 / 3, 2 / 5))


def test_no_right_template_is_zero():
    """Precision and recall of 0 have no harmonic mean to compute."""
    assert template_accuracy(["x"], ["y"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("rule", "template", "expected"),
    [
        ("DS", "  two   spaces ", "two spaces"),
        ("PS", "read /var/log/x.log, done", "read <*>, done"),
        ("BL", "flag=True end", "flag=<*> end"),
        ("US", "user=root from admin: null", "user=<*> from <*>: <*>"),
        ("DG", "port 22, id-7", "port <*>, id-<*>"),
        ("WV", "block blk_<*> on /<*>:<*>", "block <*> on <*>:<*>"),
        ("DV", "time <*>.<*>.<*> s", "time <*> s"),
        ("CV", "<*><*> and <*><*><*>", "<*> and <*>"),
        ("none", "a <*> <*>, b-<*>/c rooted 7up", "a <*> <*>, b-<*>/c rooted 7up"),
    ],
)
def test_templates_are_compared_in_one_form(rule: str, template: str, expected: str):
    """Each rule of correction does what its name says; what none names stays."""
    assert corrected(template) == expected, rule


def test_correcting_twice_changes_nothing():
    """What was corrected is in its final form."""
    once = corrected("GET /a/b?id=7 of blk_<*>.<*>.<*> by root")

    assert corrected(once) == once


def test_a_system_is_held_against_its_truth():
    """Right groups whose one text is wrong: all lines grouped, half of them parsed, one template of two."""
    messages = [b"took 5 s", b"took 7 s", b"up now", b"up now"]
    system = System("x", messages, ["E1", "E1", "E2", "E2"], ["took <*> s", "took <*> s", "up now", "up now"])

    assert rightness(system, [1, 1, 2, 2], ["took <*>", "took <*>", "up now", "up now"]) == (1, 0.5, 0.5)
    assert our_rightness(system, mined(messages)) == (1, 0.5, 0.5)  # "5 s" is one variable to our masks


def test_drain_is_judged_by_what_its_templates_have_become():
    """The line that came first is held against the final text, and names of masks are variables."""
    messages = [b"took 5 long steps", b"took 7 long steps"]
    drain, masked = Drain(masked=False), Drain(masked=True)

    assert drain.texts(drain.events(messages)) == ["took <*> long steps"] * 2
    assert masked.texts(masked.events(messages)) == ["took <*> long steps"] * 2
