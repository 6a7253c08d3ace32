"""What each part of the detector is worth: ``python -m tests.benchmarks.ablation --help``.

On HDFS's sessions, each whole; every variant is trained for the same steps, and its threshold found from held-out
normal sessions. The last line is one JSON object: recall, false alarm rate, F1 at the true rate and AUC of each.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from model.evidence import Combination
from tests.benchmarks.figures import Figures, mean_figures
from tests.benchmarks.places import data_folder
from tests.benchmarks.study import NETWORK_ALONE, Variant, judge, one_random_mask, read_data

console = Console(stderr=True)


def variants(steps: int) -> Mapping[str, Variant]:
    """The detector as it is, and with one part less; those with a pretrained encoder beside each other."""
    return {
        "as it is (preset test)": Variant(steps),
        "without familiarity": Variant(steps, combination=NETWORK_ALONE),
        "familiar or not, no distance": Variant(steps, combination=Combination(familiar_reach=1e-9, most_distance=0.0)),
        "without BOS and EOS": Variant(steps, marks=False),
        "one random mask": Variant(steps, surprise=one_random_mask),
        "pretrained, with template texts": Variant(steps, pretrained=True),
        "pretrained, without template texts": Variant(steps, pretrained=True, texts=False),
    }


def main() -> None:
    """Run the study and print the figures."""
    parser = argparse.ArgumentParser(description="The detector on HDFS's sessions with one part less at a time.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds hdfs/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings")
    parser.add_argument("--steps", type=int, default=600, help="of each training")
    parser.add_argument("--only", nargs="*", default=[], help="only variants whose names hold one of these words")
    given = parser.parse_args()
    results: dict[str, Figures] = {}
    with TemporaryDirectory(prefix="logscry-bench-") as folder:
        data = read_data(given.data, Path(folder))
        for name, variant in variants(given.steps).items():
            if given.only and not any(word in name for word in given.only):
                continue
            seeds = [judge(data, variant, seed) for seed in given.seeds]
            results[name] = mean_figures(seeds)
            console.print(f"{name}: {results[name]}; AUC {[round(each.auc, 5) for each in seeds]}")
    print(json.dumps({name: each._asdict() for name, each in results.items()}))  # noqa: T201 -- the result


if __name__ == "__main__":
    main()
