"""What the demo shows: each alert in words, and a summary at the end.

All text of an alert was made printable when it was read; here it only ever becomes a ``Text``, so nothing in it is
taken for markup.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from deploy.demo.tally import MAX_FALSE_ALARMS, MIN_FOUND, Tally, Verdict
from deploy.demo.traffic import PlannedFault
from stream.alerts import Alert, AlertEvent

__all__ = ["Figures", "JudgedAlert", "StreamBar", "alert_view", "summary_view"]

_COLOURS = {Verdict.FOUND: "green", Verdict.FALSE_ALARM: "red"}

#: Lines of the window shown before and after a surprising one.
_CONTEXT_LINES = 1

_MARK, _MARK_WIDTH = " ▶", 3

#: Where a percentile is written as "all".
_ALL = 99.995


@dataclass(frozen=True, slots=True)
class JudgedAlert:
    """An alert and what is known about it.

    Attributes:
        number: Counts the alerts, from 1.
        alert: What came from the topic.
        verdict: What it turned out to be; None where nobody knows.
        planned: The fault of its trace; None where there is none.
        seconds: From the fault's line to the alert's arrival; None where there is no fault.
    """

    number: int
    alert: Alert
    verdict: Verdict | None = None
    planned: PlannedFault | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted.

    Attributes:
        lines: Log lines sent.
        alerts: Alerts read, copies left out.
        windows: Windows scored.
        expected_windows: Windows that the lines must give.
        cached: Windows whose score was known from an equal one.
        seconds: How long lines were streamed.
        session_gap_seconds: Silence that ends a session, and by which an early end is known.
    """

    lines: int
    alerts: int
    windows: int
    expected_windows: int
    cached: int
    seconds: float
    session_gap_seconds: float


class StreamBar:
    """How far the stream is, kept under the alerts for as long as a ``with`` block lasts."""

    def __init__(self, console: Console, lines: int) -> None:
        """Prepare.

        Args:
            console: Where it is shown.
            lines: How many lines will be sent.
        """
        counts = TextColumn("{task.completed:,.0f} of {task.total:,.0f} lines")
        self._progress = Progress(TextColumn("{task.description}"), BarColumn(), counts, console=console)
        self._task = self._progress.add_task("streaming", total=lines)

    def move(self, sent: int) -> None:
        """Show how many lines were sent."""
        self._progress.update(self._task, completed=sent)

    def say(self, what: str) -> None:
        """Show what is done now."""
        self._progress.update(self._task, description=what)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def alert_view(judged: JudgedAlert) -> RenderableType:
    """An alert as a panel; a later one on the same trace as one line."""
    if judged.verdict in (Verdict.FOUND_AGAIN, Verdict.FALSE_ALARM_AGAIN):
        return _short_view(judged)
    colour = _COLOURS.get(judged.verdict, "yellow") if judged.verdict else "yellow"
    body = Group(_facts(judged), Text(), _lines(judged.alert))
    return Panel(body, title=_title(judged, colour), title_align="left", border_style=colour)


def summary_view(tally: Tally, figures: Figures) -> RenderableType:
    """What the demo comes to."""
    table = Table.grid(padding=(0, 2))
    for name, value in _summary_rows(tally, figures):
        table.add_row(Text(name, style="bold"), value)
    colour = "green" if tally.succeeded else "red"
    return Panel(table, title=Text("Summary", style=f"bold {colour}"), title_align="left", border_style=colour)


def _title(judged: JudgedAlert, colour: str) -> Text:
    title = Text(f"Alert {judged.number}", style=f"bold {colour}")
    if judged.verdict:
        title.append(f" · {judged.verdict.value}")
    if judged.planned and judged.seconds is not None:
        title.append(f" “{judged.planned.fault.kind}”, {judged.seconds:.1f} s after its line")
    return title


def _short_view(judged: JudgedAlert) -> RenderableType:
    verdict = judged.verdict.value if judged.verdict else ""
    head = f"   Alert {judged.number} · {verdict} (trace {judged.alert.key}): "
    # In a group, since the console would join a bare text with others and wrap it.
    return Group(Text(head + judged.alert.summary, style="dim", no_wrap=True, overflow="ellipsis"))


def _facts(judged: JudgedAlert) -> RenderableType:
    alert, window = judged.alert, judged.alert.window
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    if judged.planned:
        table.add_row("what was done", Text(f"{judged.planned.fault.sentence}."))
    table.add_row("what logscry says", Text(alert.summary, style="bold"))
    table.add_row("score", Text(_score(alert)))
    length = f"{window.session_events} lines" + ("; its session has ended" if window.final else " so far")
    where = f"{window.topic}/{window.partition}, offsets {window.first.offset} to {window.last.offset}"
    table.add_row("trace", Text(f"{alert.key}: {length} ({where})"))
    return table


def _score(alert: Alert) -> str:
    below = "all" if alert.percentile >= _ALL else f"{alert.percentile:.4g} %"
    return (
        f"{alert.score:.2f} nats, threshold {alert.threshold:.2f}; higher than {below} of the normal windows held out"
    )


def _lines(alert: Alert) -> RenderableType:
    surprising = {event.index: event for event in alert.events}
    texts = _texts(alert)
    table = Table.grid()
    table.add_column(width=_MARK_WIDTH)
    table.add_column(overflow="fold")
    last_shown = -1
    for index in range(-1, alert.window.size + 1):
        near = any(abs(index - place) <= _CONTEXT_LINES for place in surprising)
        event = surprising.get(index)
        if not near or (index not in texts and event is None):
            continue
        if index > last_shown + 1:
            table.add_row("", Text("…", style="dim"))
        last_shown = index
        text = texts.get(index) or _mark_text(index)
        if event is None:
            table.add_row("", Text(text, style="dim", no_wrap=True, overflow="ellipsis"))
        else:
            table.add_row(_MARK, Group(Text(text, style="bold"), _expected(event)))
    return table


def _texts(alert: Alert) -> dict[int, str]:
    """The window's lines by the index of their event: raw where the alert has them, else as templates."""
    if alert.lines:
        # An alert holds the window's last lines.
        first = alert.window.size - len(alert.lines)
        return {first + at: line.text for at, line in enumerate(alert.lines)}
    return {event.index: event.text for event in alert.events}


def _mark_text(index: int) -> str:
    return "(the session begins)" if index < 0 else "(the session ends)"


def _expected(event: AlertEvent) -> RenderableType:
    if not event.expected:
        return Text("  unlike anything in training", style="italic")
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="italic", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    # The one column that gives way on a narrow terminal: it may wrap, but its texts are cut instead.
    table.add_column(style="cyan")
    for at, other in enumerate(event.expected):
        head = "  expected instead" if at == 0 else "or"
        text = Text(other.text, no_wrap=True, overflow="ellipsis")
        table.add_row(head, f"{other.probability:.0%}", text)
    return table


def _summary_rows(tally: Tally, figures: Figures) -> Iterator[tuple[str, Text]]:
    found = len(tally.seconds_to_alert)
    rate = figures.lines / figures.seconds if figures.seconds else 0.0
    yield "lines", Text(f"{figures.lines:,} in {figures.seconds:.0f} s ({rate:.0f}/s)")
    equal = f"{figures.cached:,} were equal to an earlier one"
    yield "windows", Text(f"{figures.windows:,} scored of {figures.expected_windows:,}; {equal}")
    requests = len(tally.seconds_to_alert) + len(tally.false_alarms)
    yield "alerts", Text(f"{figures.alerts:,}, about {requests} requests")
    yield "faults injected", Text(str(len(tally.faults)))
    yield "faults found", Text(str(found), style="green" if found >= MIN_FOUND else "red")
    for planned in tally.missed:
        yield "  missed", Text(f"{planned.fault.kind}: {planned.fault.sentence}", style="red")
    wrong = len(tally.false_alarms)
    yield "false alarms", Text(str(wrong), style="green" if wrong <= MAX_FALSE_ALARMS else "red")
    if tally.median_seconds is not None:
        slowest = max(tally.seconds_to_alert.values())
        yield "fault to alert", Text(f"{tally.median_seconds:.1f} s in the median, {slowest:.1f} s at most")
        yield "", Text(f"(a session has ended too early after a silence of {figures.session_gap_seconds:.0f} s)")
    passed = "passed" if tally.succeeded else "failed"
    bar = f"{passed}: at least {MIN_FOUND} found and at most {MAX_FALSE_ALARMS} false alarm is the bar"
    yield "result", Text(bar, style="bold green" if tally.succeeded else "bold red")
