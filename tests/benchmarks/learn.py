"""What `logscry learn` makes of three raw folders, beside a model that was set up by hand.

``make bench-learn``, or ``python -m tests.benchmarks.learn --help``. Three logs of very different make:

* *hdfs*: ``train.log.gz`` of HDFS; judged by block on ``test.log.gz``. By hand: the block is the key, a day of silence.
* *json*: the demo's shop as JSON, a file for each service; judged by request, one in eleven with a fault. By hand:
  ``trace_id``, 3 seconds.
* *bgl*: the first 7,000 lines of the BGL sample; judged by file, on its other 3,000 lines in files of 100, a third of
  which hold one line that BGL's operators marked as an alert. By hand: no key, half an hour.

Both sides have the same seed, preset and bound on the learning; ``learn`` is given nothing else but the folder. Then
``evaluate`` judges each by the same labels. Met, where F1 and AUC differ by at most .01. The last line is one
JSON object.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.demo.faults import FAULTS, make_fault
from deploy.demo.shop import Line, Session, Shop, normal_sessions
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from tests.benchmarks.hdfs_lines import BLOCK
from tests.benchmarks.places import data_folder
from training.evaluate import EvaluationRequest, evaluate
from training.inspection.config_file import key_text
from training.inspection.inspection import inspect_logs
from training.learn import LearnRequest, learn
from training.measures import Measures
from training.progress import RichProgress
from training.request import TrainingRequest
from training.score import ScoringRequest
from training.train import train

CLOSE = 0.01
HOUR_MS = 3600 * 1000
BGL_TRAINING_LINES, BGL_LINES_A_FILE = 7_000, 100
SHOP_SESSIONS, SHOP_TEST_SESSIONS, SHOP_FAULTS = 3_000, 500, 10

console = Console(stderr=True)


@dataclass(frozen=True)
class Case:
    """One log.

    Attributes:
        name: What it is called.
        logs: The folder to learn from.
        judged: The logs to judge by.
        labels: Their labels.
        key: The key that a person would set.
        rule: The window rule that a person would set.
    """

    name: str
    logs: Path
    judged: Path
    labels: Path
    key: KeyRule
    rule: WindowRule


@dataclass(frozen=True)
class Options:
    """What to run.

    Attributes:
        data: The folder with ``hdfs/``, ``bgl_sample/`` and ``loghub_2k/``.
        seconds: Bound on each learning.
        seed: Of each training.
        only: Names of cases; all where empty.
    """

    data: Path
    seconds: float
    seed: int
    only: tuple[str, ...]


def main() -> None:
    """Run the benchmark and print the figures."""
    options = _options()
    figures: dict[str, Any] = {}
    with TemporaryDirectory(prefix="logscry-bench-") as folder:
        for name, make in MAKERS.items():
            if options.only and name not in options.only:
                continue
            case = make(Path(folder) / name, options.data)
            if case is None:
                console.print(f"No data for {name} under {options.data}: it is left out. See docs/benchmarks.md.")
                continue
            figures[name] = _compare(case, Path(folder) / f"{name}-models", options)
    for name, each in figures.items():
        chosen = f"a gap of {each['session_gap_ms'] / 1000:g} s, a hop of {each['window_hop']}"
        console.print(f"{name}: learn chose {each['key']}, {chosen}", markup=False)
    console.print(_table(figures))
    print(json.dumps(figures))  # noqa: T201 -- the benchmark's result


def _compare(case: Case, work: Path, options: Options) -> dict[str, Any]:
    console.rule(case.name)
    logs = str(case.logs)
    with RichProgress(console) as progress:
        train(
            TrainingRequest(
                (logs,), work / "hand", key=case.key, rule=case.rule, seed=options.seed, max_seconds=options.seconds
            ),
            progress,
        )
        found = inspect_logs([logs], progress=progress)
        learn(LearnRequest([logs], work / "learn", max_seconds=options.seconds, seed=options.seed), found, progress)
        sides = {side: _judged(case, work / side, progress) for side in ("hand", "learn")}
    apart = max(abs(getattr(sides["hand"], name) - getattr(sides["learn"], name)) for name in ("f1", "auc"))
    return {
        "key": key_text(found.proposal.key),
        "session_gap_ms": found.proposal.rule.session_gap_ms,
        "window_hop": found.proposal.rule.hop,
        **{side: measures.to_json() for side, measures in sides.items()},
        "apart": round(apart, 4),
        "met": apart <= CLOSE,
    }


def _judged(case: Case, model: Path, progress: RichProgress) -> Measures:
    return evaluate(EvaluationRequest(ScoringRequest(model, (case.judged,)), case.labels), progress).model


def _hdfs(folder: Path, data: Path) -> Case | None:
    source = data / "hdfs"
    if not (source / "train.log.gz").is_file():
        return None
    logs = folder / "logs"
    logs.mkdir(parents=True)
    (logs / "train.log.gz").symlink_to((source / "train.log.gz").resolve())
    rule = WindowRule(64, 8, 24 * HOUR_MS)
    return Case("hdfs", logs, source / "test.log.gz", source / "test_labels.csv", KeyRule(pattern=BLOCK), rule)


def _json(folder: Path, _: Path) -> Case:
    _write_shop(folder / "logs", normal_sessions(SHOP_SESSIONS, seed=1))
    judged, labels = _shop_to_judge()
    _write_shop(folder / "judged", judged)
    _write_labels(folder / "labels.csv", labels)
    rule, key = WindowRule(64, 1, 3_000), KeyRule(fields=("trace_id",))
    return Case("json", folder / "logs", folder / "judged", folder / "labels.csv", key, rule)


def _shop_to_judge() -> tuple[list[Line], dict[str, int]]:
    """Normal requests, one every 60 ms, and after every tenth one with a fault of each kind in turn."""
    shop, kinds = Shop(seed=2), list(FAULTS)
    lines: list[Line] = []
    labels: dict[str, int] = {}
    for number in range(SHOP_TEST_SESSIONS):
        start_ms = 1_795_600_000_000 + 60 * number
        requests: list[tuple[Session, int]] = [(shop.session(), 0)]
        if number % SHOP_FAULTS == 0:
            requests.append((make_fault(kinds[number // SHOP_FAULTS % len(kinds)], shop).session, 1))
        for session, label in requests:
            lines += session.lines(start_ms)
            labels[session.trace_id] = label
    return sorted(lines, key=lambda line: line.time_ms), labels


def _write_shop(folder: Path, lines: list[Line]) -> None:
    folder.mkdir(parents=True)
    by_service: dict[str, list[str]] = {}
    for line in lines:
        time, level, service, _, message = line.text.split(" ", 4)
        value = {"ts": time, "level": level.lower(), "service": service, "trace_id": line.key, "msg": message}
        by_service.setdefault(service, []).append(json.dumps(value))
    for service, texts in by_service.items():
        (folder / f"{service}.jsonl").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")


def _bgl(folder: Path, data: Path) -> Case | None:
    normal, marked = data / "bgl_sample" / "BGL_10k.log", data / "loghub_2k" / "BGL" / "BGL_2k.log"
    if not (normal.is_file() and marked.is_file()):
        return None
    lines = normal.read_bytes().splitlines()
    alerts = [line for line in marked.read_bytes().splitlines() if not line.startswith(b"- ")]
    _write(folder / "logs" / "bgl.log", lines[:BGL_TRAINING_LINES])
    labels: dict[str, int] = {}
    for number, part in enumerate(_parts(lines[BGL_TRAINING_LINES:], BGL_LINES_A_FILE)):
        name, abnormal = f"bgl-{number:02}.log", number % 3 == 0
        if abnormal:  # an alert of another day, with the time of the line before it
            words, before = alerts[7 * number % len(alerts)].split(b" "), part[BGL_LINES_A_FILE // 2].split(b" ")
            part.insert(BGL_LINES_A_FILE // 2 + 1, b" ".join([words[0], *before[1:3], *words[3:]]))
        _write(folder / "judged" / name, part)
        labels[name] = int(abnormal)
    _write_labels(folder / "labels.csv", labels)
    return Case("bgl", folder / "logs", folder / "judged", folder / "labels.csv", KeyRule(), WindowRule())


def _parts(lines: list[bytes], size: int) -> Iterator[list[bytes]]:
    for start in range(0, len(lines), size):
        yield lines[start : start + size]


def _write(path: Path, lines: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def _write_labels(path: Path, labels: dict[str, int]) -> None:
    path.write_text("key,label\n" + "".join(f"{key},{label}\n" for key, label in labels.items()), encoding="utf-8")


MAKERS: dict[str, Callable[[Path, Path], Case | None]] = {"hdfs": _hdfs, "json": _json, "bgl": _bgl}


def _table(figures: dict[str, Any]) -> Table:
    table = Table("logs", "model", "F1", "AUC", "found", "missed", "false")
    for name, each in figures.items():
        for side in ("hand", "learn"):
            judged = each[side]
            cells = [f"{judged['f1']:.4f}", f"{judged['auc']:.4f}"]
            cells += [str(judged[count]) for count in ("found", "missed", "false_alarms")]
            table.add_row(name, side, *cells)
        table.add_row("", "apart" if each["met"] else "[red]apart[/red]", f"{each['apart']:.4f}", end_section=True)
    return table


def _options() -> Options:
    parser = argparse.ArgumentParser(description="logscry learn beside models that were set up by hand.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds the logs")
    parser.add_argument("--seconds", type=float, default=math.inf, help="bound on each learning (default: none)")
    parser.add_argument("--seed", type=int, default=0, help="seed of each training")
    parser.add_argument("--only", nargs="*", default=(), choices=list(MAKERS), help="these logs alone")
    given = parser.parse_args()
    return Options(given.data, given.seconds, given.seed, tuple(given.only))


if __name__ == "__main__":
    main()
