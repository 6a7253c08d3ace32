"""What a pretrained encoder buys: ``python -m tests.benchmarks.transfer --help``.

On HDFS's sessions: detectors that learn from 50, 200, 1,000 and all normal sessions, from the first two layers of
all-MiniLM-L6-v2 that read the templates' texts, from an encoder of the same size from scratch, and from that of the
preset test, for the same steps. Each is judged twice: by its whole score, and by its network alone, without counts.
The last line is one JSON object: recall, false alarm rate, F1 at the true rate and AUC of each.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from tests.benchmarks.figures import Figures, mean_figures
from tests.benchmarks.places import data_folder
from tests.benchmarks.study import NETWORK_ALONE, Variant, judge_each, learn_from, read_data

MINILM_HIDDEN = 384

console = Console(stderr=True)


def main() -> None:
    """Run the study and print the figures."""
    parser = argparse.ArgumentParser(description="Detectors with and without a pretrained encoder on HDFS's sessions.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds hdfs/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings")
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    parser.add_argument("--sessions", type=int, nargs="+", default=[50, 200, 1_000, 12_000], help="to learn from")
    parser.add_argument("--only", nargs="*", default=[], help="only variants whose names hold one of these words")
    parser.add_argument("--cross-fit", action="store_true", help="judge all of few sessions, as logscry train does")
    given = parser.parse_args()
    cross_fit = given.cross_fit
    variants = {
        "pretrained": Variant(given.steps, pretrained=True, cross_fit=cross_fit),
        "scratch, as large": Variant(given.steps, hidden=MINILM_HIDDEN, cross_fit=cross_fit),
        "scratch, preset test": Variant(given.steps, cross_fit=cross_fit),
    }
    results: dict[str, Figures] = {}
    with TemporaryDirectory(prefix="logscry-bench-") as folder:
        data = read_data(given.data, Path(folder))
        for sessions in given.sessions:
            for name, variant in variants.items():
                label = f"{name}, {min(sessions, len(data.training))} sessions"
                if given.only and not any(word in label for word in given.only):
                    continue
                seeds = [
                    judge_each(learn_from(data, sessions, seed), variant, seed, [variant.combination, NETWORK_ALONE])
                    for seed in given.seeds
                ]
                for how, judged in zip((label, f"{label}, network alone"), zip(*seeds, strict=True), strict=True):
                    results[how] = mean_figures(judged)
                    console.print(f"{how}: {results[how]}; F1 {[round(each.f1, 4) for each in judged]}")
    print(json.dumps({name: each._asdict() for name, each in results.items()}))  # noqa: T201 -- the result


if __name__ == "__main__":
    main()
