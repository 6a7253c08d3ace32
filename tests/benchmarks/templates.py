"""Event IDs: how right and how fast, beside drain3 with the same job in the same run.

Run with ``python -m tests.benchmarks.templates [--data DIR]``; ``DIR`` holds ``loghub_2k`` and ``hdfs``. The last line
is one JSON object.

Grouping accuracy (GA) is the share of lines whose group, the lines that were given the same event, is exactly a group
of the truth. Everything is measured with the one default configuration. Source: Zhu et al., "Tools and Benchmarks for
Automated Log Parsing", ICSE-SEIP 2019, section 3.2.
"""

# ruff: noqa: T201  (a benchmark prints)
import argparse
import csv
import gzip
import json
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.events.masking import forget_words
from model.events.mining import Miner
from model.events.recognition import Recogniser
from model.events.shapes import shapes
from model.events.templates import Templates
from model.lines.detection import detect_format
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser

BATCH = 2000

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class System:
    """The messages of one system with their true events."""

    name: str
    messages: list[bytes]
    truth: list[str]


def grouping_accuracy(found: Sequence[Hashable], truth: Sequence[str]) -> float:
    """Give the share of lines whose group is exactly a true group (0 to 1)."""
    sizes = Counter(truth)
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for event, true_event in zip(found, truth, strict=True):
        groups[event].append(true_event)
    right = (group for group in groups.values() if len(set(group)) == 1 and sizes[group[0]] == len(group))
    return sum(map(len, right)) / len(truth)


def read_systems(folder: Path) -> list[System]:
    """Read the systems of a loghub folder."""
    systems = []
    for path in sorted(folder.glob("*/*_structured.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        messages = [row["Content"].encode() for row in rows]
        systems.append(System(path.parent.name, messages, [row["EventId"] for row in rows]))
    return systems


def mined(messages: Sequence[bytes]) -> Templates:
    """Mine templates from messages."""
    miner = Miner()
    miner.add(shapes(messages))
    return miner.finish()


def event_ids(templates: Templates, messages: Sequence[bytes]) -> list[bytes]:
    """Give the event IDs of messages in batches, beginning with empty caches, as a new consumer does."""
    forget_words()
    recogniser = Recogniser(templates, bytes.strip, cache_size=100_000)
    found: list[bytes] = []
    for start in range(0, len(messages), BATCH):
        found += recogniser.event_ids(shapes(messages[start : start + BATCH]))
    return found


def lines_per_second(work: Callable[[], object], lines: int) -> float:
    """Measure the best of a few rounds."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return lines / min(seconds)


class Drain:
    """drain3 with its defaults, with or without the masks of its documentation."""

    def __init__(self, *, masked: bool) -> None:
        from drain3 import TemplateMiner  # noqa: PLC0415  (only this benchmark needs it)
        from drain3.masking import MaskingInstruction  # noqa: PLC0415
        from drain3.template_miner_config import TemplateMinerConfig  # noqa: PLC0415

        config = TemplateMinerConfig()
        if masked:
            config.masking_instructions = [
                MaskingInstruction(r"blk_-?\d+", "BLK"),
                MaskingInstruction(r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?", "IP"),
                MaskingInstruction(r"\b\d+\b", "NUM"),
            ]
        self._miner = TemplateMiner(config=config)

    def events(self, messages: Sequence[bytes]) -> list[int]:
        """Learn messages in one pass; each gets the cluster that it joined."""
        add = self._miner.add_log_message
        return [add(message.decode())["cluster_id"] for message in messages]

    def match(self, messages: Sequence[bytes]) -> list[object]:
        """Match messages with what was learnt, without learning."""
        match = self._miner.match
        return [match(message.decode()) for message in messages]


def drain_speed(messages: Sequence[bytes], *, masked: bool) -> float:
    """Messages a second of drain3, learning or matching what it has learnt, whichever is faster."""
    drain = Drain(masked=masked)
    seconds = []
    for work in (drain.events, drain.match):
        start = time.perf_counter()
        work(messages)
        seconds.append(time.perf_counter() - start)
    return len(messages) / min(seconds)


@dataclass(slots=True)
class Accuracy:
    """Grouping accuracy of all systems, and the speed of the slowest."""

    ours: list[float]
    slowest: float


def measure_accuracy(systems: Sequence[System]) -> Accuracy:
    """Print a row for each system."""
    rows = []
    print(f"{'system':<12} {'GA':>6} {'drain3':>7} {'masked':>7} {'templates':>10} {'true':>5} {'lines/s':>11}")
    for system in systems:
        templates = mined(system.messages)
        ours = grouping_accuracy(event_ids(templates, system.messages), system.truth)
        theirs = [grouping_accuracy(Drain(masked=m).events(system.messages), system.truth) for m in (False, True)]
        speed = _speed(templates, system.messages)
        rows.append((ours, *theirs, speed))
        print(
            f"{system.name:<12} {ours:6.3f} {theirs[0]:7.3f} {theirs[1]:7.3f} "
            f"{len(templates):10} {len(set(system.truth)):5} {speed:11,.0f}"
        )
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    print(f"{'mean':<12} {means[0]:6.3f} {means[1]:7.3f} {means[2]:7.3f}")
    return Accuracy([row[0] for row in rows], min(row[3] for row in rows))


def measure_speed(name: str, messages: Sequence[bytes]) -> tuple[float, float]:
    """Print and give (our messages a second, ratio to drain3 with masks)."""
    ours = _speed(mined(messages), messages)
    plain, masked = drain_speed(messages, masked=False), drain_speed(messages, masked=True)
    print(
        f"{name}: message -> event ID {ours:,.0f}/s; drain3 {plain:,.0f}/s, with masks {masked:,.0f}/s: "
        f"{ours / masked:.1f} x drain3 with masks"
    )
    return ours, ours / masked


def measure_lines(lines: Sequence[bytes]) -> float:
    """Print and give raw lines a second to (time, event ID)."""
    line_format = detect_format(lines[:BATCH])
    templates = mined(LineParser(line_format, Templates()).message_shapes(lines))
    keys = KeyExtractor(KeyRule(pattern=r"(blk_-?\d+)"))

    def parse(*, with_key: bool) -> None:
        forget_words()
        parser = LineParser(line_format, templates)
        for start in range(0, len(lines), BATCH):
            batch = lines[start : start + BATCH]
            parser.parse(batch)
            if with_key:
                keys.extract(batch)

    speed = lines_per_second(lambda: parse(with_key=False), len(lines))
    keyed = lines_per_second(lambda: parse(with_key=True), len(lines))
    print(f"HDFS raw line -> (time, event ID) {speed:,.0f}/s; with the key by expression {keyed:,.0f}/s")
    return speed


def _speed(templates: Templates, messages: Sequence[bytes]) -> float:
    return lines_per_second(lambda: event_ids(templates, messages), len(messages))


def _shuffled(systems: Sequence[System]) -> list[bytes]:
    messages = [message for system in systems for message in system.messages]
    random.Random(0).shuffle(messages)
    return messages


def _data_folder() -> Path:
    default = os.environ.get("LOGSCRY_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(default), help="holds loghub_2k and hdfs")
    folder: Path = parser.parse_args().data
    return folder


def main() -> None:
    """Measure and print."""
    folder = _data_folder()
    raw = folder / "hdfs" / "test.log.gz"
    if not (folder / "loghub_2k").is_dir() or not raw.is_file():
        print(f"no data: {folder} holds no loghub_2k or no hdfs/test.log.gz; name their folder with --data")
        sys.exit(0)
    systems = read_systems(folder / "loghub_2k")
    accuracy = measure_accuracy(systems)
    lines = gzip.decompress(raw.read_bytes()).splitlines()
    _, ratio = measure_speed("HDFS", [line.split(b": ", 1)[1] for line in lines])
    measure_speed("16 systems shuffled", _shuffled(systems))
    speed = measure_lines(lines)
    result = {
        "mean_grouping_accuracy": round(sum(accuracy.ours) / len(accuracy.ours), 4),
        "lines_per_second": int(round(speed, -3)),
        "ratio_to_drain3_masked": round(ratio, 1),
        "slowest_system_lines_per_second": int(round(accuracy.slowest, -3)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
