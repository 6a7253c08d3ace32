"""What the demo prints."""

from io import StringIO

import pytest
from rich.console import Console, RenderableType

from deploy.demo.screen import Figures, JudgedAlert, alert_view, summary_view
from deploy.demo.tally import Tally, Verdict
from deploy.demo.traffic import PlannedFault, plan_traffic
from stream.alerts import Alert, decode_alert, encode_alert

START_MS = 1_795_511_700_000
TRACES = plan_traffic(START_MS, seconds=30, lines_per_second=50, seed=1).faults


def _alert(**changes: object) -> Alert:
    place = {"offset": 7, "line": 0}
    values: dict[str, object] = {
        "schema": "logscry.alert/1",
        "id": "0" * 32,
        "kind": "missing-step",
        "key": "15ba2bdd177219d3",
        "score": 9.31,
        "percentile": 99.97,
        "threshold": 3.2,
        "model_version": "m",
        "window": {
            "topic": "logs",
            "partition": 2,
            "first": place,
            "last": {"offset": 9, "line": 0},
            "size": 3,
            "session_events": 3,
            "starts_session": True,
            "final": False,
            "fingerprint": "2" * 16,
            "start_time": "2026-11-24T09:15:00Z",
            "end_time": "2026-11-24T09:15:01Z",
        },
        "events": [
            {
                "index": 1,
                "place": place,
                "event_id": "1" * 16,
                "text": "label printed <*>",
                "surprisal": 7.0,
                "rank": 9,
                "expected": [{"text": "charge accepted <*>", "probability": 0.93}],
            }
        ],
        "summary": "A step is missing.",
        "lines": [{"offset": 7 + at, "line": 0, "text": f"line number {at}"} for at in range(3)],
    }
    return Alert.model_validate(values | changes)


def _printed(view: RenderableType, width: int = 120) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=True)
    console.print(view)
    output = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(output, str)
    return output


def _planned() -> PlannedFault:
    return next(iter(TRACES.values()))


def test_a_found_fault_shows_line_expectation_score_and_what_was_done():
    """Everything that a person needs to understand the alert is there."""
    planned = _planned()

    shown = _printed(alert_view(JudgedAlert(3, _alert(), Verdict.FOUND, planned, 0.42)))

    for part in (
        "Alert 3",
        "injected fault",
        planned.fault.kind,
        "0.4 s",
        planned.fault.sentence,
        "A step is missing.",
    ):
        assert part in shown
    for part in ("9.31 nats", "threshold 3.20", "99.97 %", "line number 1", "93%", "charge accepted <*>"):
        assert part in shown


def test_a_false_alarm_is_called_one():
    """Without a fault the title says so."""
    shown = _printed(alert_view(JudgedAlert(1, _alert(), Verdict.FALSE_ALARM)))

    assert "false alarm" in shown
    assert "what was done" not in shown


def test_a_later_alert_on_the_same_trace_is_one_line():
    """A repetition takes no room."""
    shown = _printed(alert_view(JudgedAlert(4, _alert(), Verdict.FOUND_AGAIN, _planned(), 1.0)))

    assert shown.count("\n") == 1
    assert "again" in shown


def test_a_score_above_all_normal_windows_says_so():
    """A percentile of 100 is written as a word."""
    assert "higher than all of the normal windows" in _printed(alert_view(JudgedAlert(1, _alert(percentile=100.0))))


def test_a_surprising_line_is_shown_whole():
    """The line that matters wraps; its neighbours are cut."""
    lines = [{"offset": at, "line": 0, "text": f"{at}" * 190 + "end"} for at in range(3)]

    shown = _printed(alert_view(JudgedAlert(1, _alert(lines=lines))), width=80)

    assert "end" in shown
    assert "0" * 80 not in shown


def test_a_session_that_ends_shows_its_end_as_the_surprise():
    """The end of the session is a place of its own, after its last line."""
    event = _alert().events[0].model_copy(update={"index": 3, "place": None, "event_id": None})
    shown = _printed(alert_view(JudgedAlert(1, _alert(events=[event]))))

    assert shown.index("line number 2") < shown.index("(the session ends)")


def test_an_alert_without_lines_shows_templates():
    """Where the settings leave raw lines out, the template stands in."""
    assert "label printed <*>" in _printed(alert_view(JudgedAlert(1, _alert(lines=None))))


@pytest.mark.parametrize("hostile", ["[bold red]x[/nonsense]", "\x1b[2Jx", "\x1b]0;title\x07x", "\u202ex", "a\rb\nc"])
def test_hostile_log_text_is_shown_and_not_obeyed(hostile):
    """Markup stays text, and control characters come out escaped."""
    lines = [{"offset": at, "line": 0, "text": hostile} for at in range(3)]
    alert = decode_alert(encode_alert(_alert(lines=lines, summary=hostile, key=hostile)))

    view = alert_view(JudgedAlert(1, alert))
    console = Console(file=StringIO(), width=120, force_terminal=False, color_system=None)
    console.print(view)
    shown = console.file.getvalue()  # type: ignore[attr-defined]

    assert not any(character in shown for character in "\x1b\x07\u202e\r")
    assert "[bold red]x[/nonsense]" in shown or hostile[0] != "["


def test_probabilities_stay_on_a_narrow_terminal():
    """Where room is short, the expected texts are cut and not their probabilities."""
    expected = [{"text": "y" * 300, "probability": 0.93}]
    event = _alert().events[0].model_dump() | {"expected": expected}

    shown = _printed(alert_view(JudgedAlert(1, _alert(events=[event]))), width=60)

    assert "expected instead" in shown
    assert "93%" in shown


def test_a_narrow_terminal_is_kept_to():
    """No line is wider than the terminal."""
    lines = [{"offset": at, "line": 0, "text": "x" * 500} for at in range(3)]
    console = Console(file=StringIO(), width=50, color_system=None)
    console.print(alert_view(JudgedAlert(1, _alert(lines=lines))))

    assert max(len(line) for line in console.file.getvalue().splitlines()) <= 50  # type: ignore[attr-defined]


def test_the_summary_counts_everything():
    """Lines, windows, faults, false alarms and delays are in the summary."""
    tally = Tally(TRACES)
    for trace, planned in TRACES.items():
        tally.judge(trace, trace, planned.line.time_ms + 1500)

    shown = _printed(
        summary_view(
            tally,
            Figures(
                lines=9000,
                alerts=12,
                windows=4321,
                expected_windows=4322,
                cached=4000,
                seconds=60.0,
                session_gap_seconds=3.0,
            ),
        )
    )

    for part in (
        "9,000 in 60 s (150/s)",
        "12, about 5 requests",
        "4,321 scored of 4,322",
        "4,000",
        "1.5 s in the median",
        "passed",
    ):
        assert part in shown


def test_the_summary_names_what_was_missed():
    """A fault that was not found is named, and the result is a failure."""
    shown = _printed(summary_view(Tally(TRACES), Figures(1, 0, 1, 1, 0, 1.0, 3.0)), width=160)

    assert shown.count("missed") == 5
    assert "failed" in shown
