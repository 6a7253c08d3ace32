"""``python -m tests.chaos``: what ``make chaos`` runs. Ten seeds, then three mutants that must be noticed.

The exit status is 0 only when no window is lost, doubled or out of order, every kind of refusal was met, and every
mutant was noticed by its windows. The last line is one JSON object.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from rich.console import Console

from deploy.embedded.broker import ApacheKafka, RunningBroker, offered_apache
from model.errors import LogscryError
from tests.chaos.mutants import MUTANTS, ROOT, environment_of, mutated_copy
from tests.chaos.run import LINES, Outcome, run_seed
from tests.chaos.scene import Stage
from tests.toy_model import toy_artefact

MUST_OCCUR = ("gap_refusals", "owner_refusals", "overlaps", "claims", "broker_kills")
"""What the faults are there for: where one of these was never met, nothing was tried."""

console = Console(stderr=True)


@dataclass
class Results:
    """What the seeds and the mutants came to.

    Attributes:
        seeds: Seeds that were run to their end.
        total: Their sum.
        problems: A sentence for each thing that is wrong.
        mutants_caught: Names of the mutants whose windows differed.
    """

    seeds: list[int] = field(default_factory=list)
    total: Outcome = field(default_factory=Outcome)
    problems: list[str] = field(default_factory=list)
    mutants_caught: list[str] = field(default_factory=list)

    def require_everything(self) -> None:
        """Add a problem for each thing that had to occur and did not."""
        occurred = self.total.counts + Counter(repeated_alerts=self.total.verdict.repeated_alerts)
        for name in (*MUST_OCCUR, "repeated_alerts"):
            if not occurred[name]:
                self.problems.append(f"no {name} in any seed: the test did not try what it is there for")

    def as_json(self) -> bytes:
        """The last line."""
        verdict, counts = self.total.verdict, self.total.counts
        names = ("lines", "windows", "lost", "doubled", "reordered", "missing_alerts", "repeated_alerts")
        return orjson.dumps(
            {
                "seeds": len(self.seeds),
                **{name: getattr(verdict, name) for name in names},
                **{name: counts[name] for name in MUST_OCCUR},
                "mutants_caught": len(self.mutants_caught),
            }
        )


@dataclass(frozen=True)
class Runs:
    """Runs seeds, each in a folder of its own.

    Attributes:
        broker: Running, for all of them.
        folder: For the model and everything that processes write.
        lines: Log lines of a seed.
    """

    broker: ApacheKafka | RunningBroker
    folder: Path
    lines: int

    def run(self, seed: int, mutant: str | None = None) -> Outcome:
        """Run one seed, on logscry or on a mutant of it."""
        name = f"seed {seed}" if mutant is None else f"seed {seed} without the {mutant} check"
        work = self.folder / name.replace(" ", "-")
        work.mkdir()
        environment = {} if mutant is None else environment_of(mutated_copy(MUTANTS[mutant], work / "code"))
        stage = Stage(self.broker, self.folder / "model", work, environment)
        with console.status(name) as status:
            outcome = run_seed(seed, stage, self.lines, lambda what: status.update(f"{name}: {what}"))
        console.print(f"{name}: {outcome.verdict} {dict(outcome.counts)}", highlight=False)
        return outcome


def main() -> int:
    """Run what the arguments say; returns the exit status."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    broker = offered_apache(os.environ, ROOT)
    if broker is None:
        console.print(
            "The chaos test needs an Apache Kafka that it may kill: a control script at ../shared/kafka/kafka."
        )
        return 1
    if isinstance(broker, RunningBroker) and options.seeds:
        console.print(
            f"The chaos test kills its broker, and the one on {broker.address} (LOGSCRY_TEST_KAFKA) is not its "
            "own: unset the variable, and have a control script at ../shared/kafka/kafka. "
            "With --seeds 0 the mutants run on it."
        )
        return 1
    results = Results()
    with tempfile.TemporaryDirectory(prefix="logscry-chaos-") as folder:
        toy_artefact().save(Path(folder) / "model")
        try:
            runs = Runs(broker.start(), Path(folder), options.lines)
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                _try_seed(runs, seed, results)
            for mutant in options.mutant:
                _try_mutant(runs, options.first_seed, mutant, results)
        finally:
            broker.stop()
    if options.seeds:
        results.require_everything()
    for problem in results.problems:
        console.print(f"WRONG: {problem}", highlight=False)
    print(results.as_json().decode())  # noqa: T201 -- the result, for whoever reads standard output
    return 1 if results.problems else 0


def _try_seed(runs: Runs, seed: int, results: Results) -> None:
    try:
        outcome = runs.run(seed)
    except (LogscryError, TimeoutError) as error:
        results.problems.append(f"seed {seed} did not come to its end: {error}")
        return
    results.seeds.append(seed)
    results.total += outcome
    if not outcome.right:
        results.problems.append(f"seed {seed}: {outcome.verdict} {dict(outcome.counts)}")
        results.problems += outcome.differences


def _try_mutant(runs: Runs, seed: int, mutant: str, results: Results) -> None:
    try:
        outcome = runs.run(seed, mutant)
    except (LogscryError, TimeoutError) as error:
        results.problems.append(f"the mutant without the {mutant} check did not come to its end: {error}")
        return
    if outcome.verdict.windows_differ:
        results.mutants_caught.append(mutant)
    else:
        results.problems.append(f"without {MUTANTS[mutant].without} the windows are the same: {outcome.counts}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first-seed", type=int, default=1, help="the first of them")
    parser.add_argument("--lines", type=int, default=LINES, help="log lines of a seed")
    parser.add_argument("--mutant", nargs="*", choices=tuple(MUTANTS), default=list(MUTANTS), help="which to try")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
