"""``python -m tests.fuzz``: what ``make fuzz`` runs. One decoder after the other, each for so many minutes.

The exit status is 0 only when no decoder failed. The last line is one JSON object: how many examples each decoder was
given, and which failed. A failure is shown with the smallest example that still fails.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Sequence

import orjson
from hypothesis import HealthCheck, given, seed, settings
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tests.fuzz.decoders import DECODERS, Decoder

#: Examples between two looks at the clock.
_ROUND = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; returns the exit status."""
    options = _options(arguments)
    examples: dict[str, int] = {}
    failed: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[found]}"), TimeRemainingColumn())
    console = Console(stderr=True)
    console.print(f"seed {options.seed}", highlight=False)
    with Progress(*columns, console=console) as progress:
        for name in options.decoder:
            task = progress.add_task(name, total=60 * options.minutes, found="")
            try:
                examples[name] = _fuzz(name, options.seed, progress, task)
            except Exception:  # noqa: BLE001 -- whatever leaves a decoder is what is looked for; it is shown
                failed.append(name)
                console.print(f"WRONG: {name}\n{traceback.format_exc()}", markup=False, highlight=False, soft_wrap=True)
    print(orjson.dumps({"examples": examples, "failed": failed}).decode())  # noqa: T201 -- the result
    return 1 if failed else 0


def _fuzz(name: str, first_seed: int, progress: Progress, task: TaskID) -> int:
    """Give a decoder examples until its time is over; returns how many."""
    started, tried = time.monotonic(), 0
    total = progress.tasks[task].total or 0
    while (passed := time.monotonic() - started) < total:
        progress.update(task, completed=passed, found=f"{tried:,} examples")
        tried += _round(DECODERS[name], first_seed + tried)
    progress.update(task, completed=total, found=f"{tried:,} examples")
    return tried


def _round(decoder: Decoder, number: int) -> int:
    """Give a decoder the examples of one seed; returns how many."""
    tried = 0

    @seed(number)
    @settings(max_examples=_ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(decoder.cases)
    def check(case: object) -> None:
        nonlocal tried
        tried += 1
        decoder.check(case)

    check()
    return tried


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    minutes = float(os.environ.get("FUZZ_MINUTES") or 5)
    parser.add_argument("--minutes", type=float, default=minutes, help="for each decoder (default: FUZZ_MINUTES, or 5)")
    parser.add_argument("--seed", type=int, default=time.time_ns() // 1000, help="repeats a run (default: another one)")
    parser.add_argument("--decoder", nargs="*", choices=tuple(DECODERS), default=list(DECODERS), help="which to try")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
