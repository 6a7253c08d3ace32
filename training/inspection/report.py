"""An inspection for the terminal. What comes out of logs is shown as it is written and never obeyed."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from model.artefact import Artefact
from training.inspection.config_file import config_file, config_path, format_name, key_text, train_command
from training.inspection.durations import duration_text
from training.inspection.inspection import Inspection
from training.inspection.key_candidates import KeyFigures
from training.inspection.line_parts import Kind, Part
from training.visible import visible

__all__ = ["print_inspection", "print_learnt", "print_next"]

_STYLES: dict[Kind, str] = {
    "header": "dim",
    "time": "cyan",
    "level": "yellow",
    "key": "bold green",
    "variable": "magenta",
    "message": "",
}
#: Where there are no colours, these stand under the parts.
_MARKS: dict[Kind, str] = {"header": "h", "time": "t", "level": "l", "key": "k", "variable": "v", "message": " "}
_ROWS = 3
_TEMPLATES = 10
_CANDIDATES = 6


def print_inspection(console: Console, inspection: Inspection) -> None:
    """Print what was found and what is proposed."""
    _print_head(console, inspection)
    _print_lines(console, inspection)
    _print_templates(console, inspection)
    _print_keys(console, inspection)
    _print_proposal(console, inspection)


def _print_head(console: Console, inspection: Inspection) -> None:
    sample, detection = inspection.sample, inspection.detection
    line_format, speed = detection.line_format, inspection.lines_per_second
    looked = "all lines" if sample.whole else "a sample: the beginning, and places all over the rest"
    files = f"{len(sample.paths):,} file{'s' if len(sample.paths) > 1 else ''}, {_size(sample.size_bytes)}"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_row("logs", Text(f"{len(sample.lines):,} lines looked at ({looked}) of {files}"))
    having = f"{detection.confidence:.0%} of {detection.lines:,} lines"
    table.add_row("format", Text(f"{visible(_format(inspection))}, {having}"))
    table.add_row("time", Text(_time(line_format.has_time, line_format.zone)))
    if inspection.unreadable:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(inspection.unreadable.items()))
        table.add_row("unreadable", Text(reasons))
    table.add_row("speed", Text(f"{speed:,.0f} lines a second to key, time and event, in one process"))
    console.print(table)


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"


def _format(inspection: Inspection) -> str:
    line_format = inspection.detection.line_format
    if line_format.kind == "json":
        return f"json, the message in {line_format.message or 'its usual field'}"
    name = format_name(line_format)
    if line_format.kind == "text":
        return "text without a known header" if name == "text" else f"text with the header {name}"
    return name


def _time(stated: bool, zone: str) -> str:  # noqa: FBT001 -- one private caller
    if not stated:
        return "the lines state none; in Kafka, the time of their record counts"
    return f"stated by the lines; where they name no zone, {zone} is meant (--time-zone says another)"


def _print_lines(console: Console, inspection: Inspection) -> None:
    plain = console.no_color or console.color_system is None
    _print_title(console, "Lines, taken apart")
    for parts in inspection.examples:
        if plain:
            _print_marked(console, _cut(parts, _ROWS * console.width))
        else:
            text = Text(overflow="fold")
            for part, shown in _cut(parts, _ROWS * console.width):
                text.append(shown, style=_STYLES[part])
            console.print(text)
    names = [(f"{_MARKS[kind]} = {kind}" if plain else kind, style) for kind, style in _STYLES.items()]
    console.print(Text("   ").join(Text(name, style) for name, style in names if not name.startswith(" ")))


def _print_marked(console: Console, shown: Sequence[tuple[Kind, str]]) -> None:
    rows: list[tuple[str, str]] = [("", "")]
    for kind, text in shown:
        for character in text:
            if cell_len(rows[-1][0] + character) > console.width:
                rows.append(("", ""))
            line, marks = rows[-1]
            rows[-1] = (line + character, marks + _MARKS[kind] * cell_len(character))
    for line, marks in rows:
        for row in (line, marks.rstrip()) if marks.strip() else (line,):
            console.print(Text(row, no_wrap=True))


def _cut(parts: Sequence[Part], cells: int) -> list[tuple[Kind, str]]:
    """The parts as they are shown, as many as there is room for."""
    shown: list[tuple[Kind, str]] = []
    room = cells - 1
    for part in parts:
        text = visible(part.text)
        while cell_len(text) > room:
            text = text[: max(0, len(text) - max(1, (cell_len(text) - room) // 2))]
        shown.append((part.kind, text))
        room -= cell_len(text)
        if len(text) < len(visible(part.text)):
            return [*shown, (part.kind, "…")]
    return shown


def _print_templates(console: Console, inspection: Inspection) -> None:
    templates, lines = inspection.templates, sum(each.count for each in inspection.templates)
    _print_title(console, f"{len(templates):,} template{'' if len(templates) == 1 else 's'}")
    table = Table(box=None, pad_edge=False)
    table.add_column("lines", justify="right")
    table.add_column("share", justify="right")
    table.add_column("template", overflow="fold")
    for each in templates[:_TEMPLATES]:
        table.add_row(f"{each.count:,}", f"{each.count / max(1, lines):.1%}", Text(visible(each.text)[:300]))
    console.print(table)
    if rest := templates[_TEMPLATES:]:
        console.print(Text(f"and {len(rest):,} more, in {sum(each.count for each in rest):,} of the lines"))


def _print_keys(console: Console, inspection: Inspection) -> None:
    _print_title(console, "Candidates for the key: whose sequence a line belongs to")
    figures = inspection.ranking.figures
    if not figures:
        console.print("None: the lines have no fields, and nothing in them looks like an identifier.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("key", overflow="fold", ratio=1)
    for column in ("lines", "keys", "a key", "guessed", "score"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in figures[:_CANDIDATES]:
        table.add_row(_key_cell(each), *_key_numbers(each), style="bold" if each is inspection.ranking.best else "")
    console.print(table)
    console.print(
        "lines: that have it. a key: lines of a key, in the median. guessed: how much easier its predecessor makes an "
        "event to guess, in the log as a whole → in the key. score: lines x guessed in the key x not alone in its key "
        "x not decided by the event.",
        style="dim",
        markup=False,
        highlight=False,
    )


def _key_cell(figures: KeyFigures) -> Text:
    text = Text(visible(key_text(figures.candidate.rule)))
    return text.append(f"\n{figures.objection}", style="dim") if figures.objection else text


def _key_numbers(figures: KeyFigures) -> list[str]:
    guessed = " → ".join(f"{round(100 * each)}%" for each in (figures.log_predictability, figures.predictability))
    return [
        f"{figures.share:.0%}",
        f"{figures.keys:,}",
        f"{figures.median_lines:,.0f}",
        guessed,
        f"{figures.score:.2f}",
    ]


def _print_proposal(console: Console, inspection: Inspection) -> None:
    proposal = inspection.proposal
    _print_title(console, "Proposed")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("key", Text(visible(key_text(proposal.key)), style="bold green"))
    table.add_row("session gap", Text(f"{duration_text(proposal.rule.session_gap_ms)}: {_gap_reason(inspection)}"))
    table.add_row(
        "window", Text(f"{proposal.rule.size} events, cut every {proposal.rule.hop}: {_hop_reason(proposal.rule.hop)}")
    )
    table.add_row("preset", Text(f"{proposal.preset}: small, from scratch, minutes on a laptop"))
    console.print(table)
    for doubt in proposal.doubts:
        console.print(Text.assemble(("note: ", "yellow"), visible(doubt)))


def _gap_reason(inspection: Inspection) -> str:
    gap = inspection.gap
    if gap.longest_ms is None:
        return "a guess, no silence could be measured"
    if not inspection.proposal.key.names_a_key:
        return f"the longest silence of the log is {_about(gap.longest_ms)}"
    if gap.comes_back:
        return "after such a silence keys begin anew"
    return f"the longest silence within a key is {_about(gap.longest_ms)}"


def _about(milliseconds: int) -> str:
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if milliseconds >= 2 * size:
            return f"{milliseconds / size:.1f} {unit}"
    return f"{milliseconds} ms"


def _hop_reason(hop: int) -> str:
    return "sessions are short, so every line is judged when it comes" if hop == 1 else "and once more at the end"


def print_next(console: Console, inspection: Inspection, logs: Sequence[str], model: Path) -> None:
    """Print what to do with an inspection.

    Args:
        console: Where to.
        inspection: What was found.
        logs: What was looked at, as it was named.
        model: The artefact's folder.
    """
    proposal = inspection.proposal
    _print_title(console, "A settings file to start from (--output FILE writes it)")
    settings = "\n".join(map(visible, config_file(proposal, logs, model).splitlines()))
    console.print(Text(settings), soft_wrap=True)
    _print_title(console, "Next")
    console.print(Text(visible(train_command(proposal, logs, model))), soft_wrap=True)
    console.print("logscry learn does it in one step: it looks, and trains with what is proposed.", highlight=False)


def print_learnt(console: Console, artefact: Artefact, model: Path) -> None:
    """Print what was learnt, and the command that comes next."""
    settings = config_path(model)
    _print_title(console, "Learnt")
    what = f"{len(artefact.templates):,} templates, alerts above {artefact.threshold:.3f} nats"
    console.print(Text(f"Model {artefact.version} is in {model}: {what}. Its card: {model / 'README.md'}"))
    _print_title(console, "Next")
    console.print(Text(f"logscry up --model {shlex.quote(str(model))}"), soft_wrap=True)
    console.print(
        Text(
            "It reads lines from the topic logs-raw, gives each its key, and publishes alerts. Where Kafka and Redis "
            "are, and other names of topics, are settings: edit the file that is beside the model, and say"
        )
    )
    console.print(Text(f"logscry up --config {shlex.quote(str(settings))}"), soft_wrap=True)


def _print_title(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold underline"))
