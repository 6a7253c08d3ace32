"""The chaos test's verdict: each way to be wrong has its count."""

import pytest

from stream.alert_making import Judgement, alert_of
from stream.alerts import encode_alert
from stream.dead_letters import dead_letter, encode_dead_letter
from stream.windowing.ready import ReadyWindow
from stream.windowing.store import PartitionId
from tests.chaos.reference import Content, Reference, Undecodable
from tests.chaos.verdict import Seen, Verdict, differences, judge, seen_alert, seen_dead_letter
from tests.unit.stream.test_alerts import EXPLANATION

A, B = Content("aa", 1, 2), Content("bb", 3, 4)
BAD = Undecodable(3, 9)
REFERENCE = Reference({"a": A, "b": B}, {BAD}, 16)
RIGHT = [Seen("a", A), Seen("b", B)]
ENTRIES = b"".join((n.to_bytes(8, "big") + (1_700_000_000_000 + n).to_bytes(8, "big") + b"\0" * 8) for n in (1, 2))
WINDOW = ReadyWindow(PartitionId("logs", 3), b"1-0", b"k", (2).to_bytes(4, "big") + b"\x01", ENTRIES)


def test_what_must_come_is_right():
    """In any order, and alerts may come again."""
    verdict = judge(REFERENCE, [Seen("b", B), *RIGHT], {BAD})

    assert verdict == Verdict(lines=16, windows=2, repeated_alerts=1)
    assert verdict.right


@pytest.mark.parametrize(
    ("alerts", "letters", "expected"),
    [
        (RIGHT[:1], {BAD}, {"lost": 1, "missing_alerts": 1}),
        ([*RIGHT, Seen("c", A)], {BAD}, {"doubled": 1}),
        ([Seen("a", B), *RIGHT[1:]], {BAD}, {"reordered": 1}),
        ([Seen("a", A._replace(end_ms=3)), *RIGHT[1:]], {BAD}, {"reordered": 1}),
        ([*RIGHT, Seen("a", B)], {BAD}, {"reordered": 1, "repeated_alerts": 1}),
        (RIGHT, set(), {"missing_dead_letters": 1}),
        (RIGHT, {BAD, Undecodable(3, 10)}, {"wrong_dead_letters": 1}),
    ],
)
def test_whatever_differs_is_counted_and_is_wrong(alerts, letters, expected):
    """A window lost, one too many, one with another content, a dead letter too few or too many."""
    verdict = judge(REFERENCE, alerts, letters)

    assert verdict == Verdict(lines=16, windows=2, **expected)
    assert not verdict.right


def test_what_differs_is_told():
    """The lost window and the one that is none of the reference's; nothing where all is right."""
    alert = alert_of(WINDOW, Judgement(9.5, 99.0, 7.5, "m"), EXPLANATION)
    content = Content(alert.window.fingerprint, 1_700_000_000_001, 1_700_000_000_002)

    lost, came = differences(REFERENCE._replace(windows={"a": A}), [encode_alert(alert)])

    assert "lost: a " in lost
    assert "'partition': 3" in came
    assert "expected: None" in came
    assert differences(REFERENCE._replace(windows={alert.id: content}), [encode_alert(alert)]) == []


def test_verdicts_add_up():
    """Over the seeds."""
    one = judge(REFERENCE, RIGHT, {BAD})

    assert one + one == Verdict(lines=32, windows=4)


def test_alerts_and_dead_letters_are_read_as_they_are_published():
    """The content and the place."""
    alert = alert_of(WINDOW, Judgement(9.5, 99.0, 7.5, "m"), EXPLANATION)
    letter = dead_letter("logs", 3, 9, reason="empty", detail="nothing", value=b"", time_ms=0)

    content = Content(alert.window.fingerprint, 1_700_000_000_001, 1_700_000_000_002)
    assert seen_alert(encode_alert(alert)) == Seen(alert.id, content)
    assert seen_dead_letter(encode_dead_letter(letter)) == BAD
