"""The detector alone, on labelled sequences of ready-made event IDs: HDFS's sessions and ADFA-LD's traces.

``make bench-detector``, or ``python -m tests.benchmarks.detector --help``. For each data set and seed: train on the
normal sequences without labels, then ``evaluate`` on the others, beside the lookups; a sequence is one window where 512
events hold it. Then how many windows a second the HDFS model scores, cut as the worker gets them (size 64, hop 8):
distinct ones, and all as they come. F1 on HDFS is at the true rate of abnormal blocks, 2.93 %; the file has 61 %.

The last line is one JSON object: means over the seeds.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from model.artefact import Artefact
from model.content import WindowContent
from model.scoring import Scorer
from stream.windowing.windows import WindowRule
from tests.benchmarks.figures import figures_of
from tests.benchmarks.places import data_folder
from tests.benchmarks.sequences import SEQUENCES
from training.corpus import windows_of
from training.day_files import DayFile
from training.evaluate import Evaluation, EvaluationRequest, evaluate
from training.measures import Measures
from training.progress import RichProgress
from training.request import TrainingRequest
from training.score import ScoringRequest
from training.train import train

WHOLE = WindowRule(size=512, hop=512, session_gap_ms=24 * 3600 * 1000)
AS_THE_WORKER = WindowRule(size=64, hop=8, session_gap_ms=24 * 3600 * 1000)
WINDOWS_A_BATCH = 256

console = Console(stderr=True)


@dataclass(frozen=True)
class Options:
    """What to run.

    Attributes:
        data: The folder with ``hdfs/`` and ``adfa/``.
        seeds: Of each training.
        only: Names of data sets; all where empty.
        preset: How to train.
        keep: Where to leave the models; None throws them away.
    """

    data: Path
    seeds: tuple[int, ...]
    only: tuple[str, ...]
    preset: str
    keep: Path | None


def main() -> None:
    """Run the benchmark and print the figures."""
    options = _options()
    figures: defaultdict[str, list[float]] = defaultdict(list)
    with TemporaryDirectory(prefix="logscry-bench-") as folder:
        for name, sequences in SEQUENCES.items():
            if options.only and name not in options.only:
                continue
            if not sequences.is_in(options.data / name):
                console.print(f"No data for {name} under {options.data}: it is left out. See docs/benchmarks.md.")
                continue
            training, judged, labels = sequences.write(options.data / name, Path(folder) / name)
            for seed in options.seeds:
                model = (options.keep or Path(folder)) / f"{name}-{options.preset}-{seed}"
                request = TrainingRequest((training,), model, preset=options.preset, rule=WHOLE, seed=seed)
                evaluation = _judged(request, judged, labels)
                console.print(_table(name, seed, evaluation))
                for figure, value in _figures(name, evaluation, model, judged).items():
                    figures[figure].append(value)
    console.print({name: [round(value, 5) for value in values] for name, values in figures.items()})
    print(json.dumps({name: round(mean(values), 5) for name, values in figures.items()}))  # noqa: T201 -- the result


def _judged(request: TrainingRequest, judged: Path, labels: Path) -> Evaluation:
    assert request.output is not None
    with RichProgress(console) as progress:
        train(request, progress)
        scoring = ScoringRequest(request.output, (judged,))
        return evaluate(EvaluationRequest(scoring, labels, request.inputs), progress)


def _figures(name: str, evaluation: Evaluation, model: Path, judged: Path) -> dict[str, float]:
    if name != "hdfs":
        return {f"{name}_auc": evaluation.model.auc}
    figures = figures_of(evaluation.model, evaluation.judged - evaluation.abnormal)
    found = {f"hdfs_{each}": getattr(figures, each) for each in ("recall", "false_alarm_rate", "f1", "auc")}
    windows = [content for session in DayFile(judged).sessions() for _, content in windows_of(session, AS_THE_WORKER)]
    speeds = {
        "windows_per_second_distinct": _speed(Artefact.load(model), list(dict.fromkeys(windows))),
        "windows_per_second": _speed(Artefact.load(model), windows),
    }
    return found | speeds


def _speed(artefact: Artefact, windows: Sequence[WindowContent]) -> float:
    scorer = Scorer(artefact)
    begin = time.monotonic()
    for first in range(0, len(windows), WINDOWS_A_BATCH):
        scorer.score(windows[first : first + WINDOWS_A_BATCH])
    return len(windows) / (time.monotonic() - begin)


def _table(name: str, seed: int, evaluation: Evaluation) -> Table:
    sides: Mapping[str, Measures] = {"model": evaluation.model, **evaluation.baselines}
    names = ("", "found", "false alarms", "recall", "false alarm rate", "AUC")
    of_hdfs = ("F1 at 2.93 %",) if name == "hdfs" else ()
    table = Table(*names, *of_hdfs, title=f"{name}, seed {seed}", title_justify="left")
    for side, measures in sides.items():
        recall, rate, f1, auc = figures_of(measures, evaluation.judged - evaluation.abnormal)
        counts = f"{measures.found:,}", f"{measures.false_alarms:,}"
        row = (side, *counts, f"{recall:.5f}", f"{rate:.5f}", f"{auc:.5f}")
        table.add_row(*row, *(f"{f1:.4f}" for _ in of_hdfs))
    return table


def _options() -> Options:
    parser = argparse.ArgumentParser(description="The detector on labelled sequences: HDFS sessions, ADFA traces.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds hdfs/ and adfa/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings")
    parser.add_argument("--only", nargs="*", default=[], choices=list(SEQUENCES), help="only these data sets")
    parser.add_argument("--preset", default="test", help="how to train")
    parser.add_argument("--keep", type=Path, default=None, help="folder to leave the models in")
    given = parser.parse_args()
    return Options(given.data, tuple(given.seeds), tuple(given.only), given.preset, given.keep)


if __name__ == "__main__":
    main()
