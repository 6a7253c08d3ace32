"""Event IDs: how right and how fast, beside drain3 with the same job in the same run.

Run with ``python -m tests.benchmarks.templates [--data DIR] [--accuracy-only]``; ``DIR`` holds ``loghub_2k`` and
``hdfs``. The last line is one JSON object.

Everything is measured with the one default configuration. How right: grouping accuracy (GA), parsing accuracy (PA) and
the F1 of template accuracy (FTA), all as ``tests/benchmarks/template_measures.py`` defines them; templates are compared
after the literature's correction rules, found and true ones alike.
"""

# ruff: noqa: T201  (a benchmark prints)
import argparse
import csv
import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from model.events.masking import forget_words
from model.events.mining import Miner
from model.events.recognition import Recogniser
from model.events.shapes import shapes
from model.events.templates import Templates
from model.lines.detection import detect_format
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from tests.benchmarks.template_measures import corrected, grouping_accuracy, parsing_accuracy, template_accuracy

BATCH = 2000

ROUNDS = 3

#: Columns of the header of a BGL line.
_BGL_COLUMNS = 9
_MASK_NAME = re.compile("<(?:BLK|IP|NUM)>")


@dataclass(frozen=True, slots=True)
class System:
    """The messages of one system with their true events and the corrected texts of their true templates."""

    name: str
    messages: list[bytes]
    truth: list[str]
    true_texts: list[str]


class Rightness(NamedTuple):
    """How right the events of one system are, each 0 to 1."""

    grouping: float
    parsing: float
    template_f1: float


def read_systems(folder: Path) -> list[System]:
    """Read the systems of a loghub folder."""
    systems = []
    for path in sorted(folder.glob("*/*_structured.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        messages = [row["Content"].encode() for row in rows]
        true_texts = [corrected(row["EventTemplate"]) for row in rows]
        systems.append(System(path.parent.name, messages, [row["EventId"] for row in rows], true_texts))
    return systems


def rightness(system: System, events: Sequence[Hashable], texts: Sequence[str]) -> Rightness:
    """Hold the event and the template text that each message was given against the truth."""
    found = [corrected(text) for text in texts]
    return Rightness(
        grouping_accuracy(events, system.truth),
        parsing_accuracy(found, system.true_texts),
        template_accuracy(found, system.true_texts).f1,
    )


def mined(messages: Sequence[bytes]) -> Templates:
    """Mine templates from messages."""
    miner = Miner()
    miner.add(shapes(messages))
    return miner.finish()


def event_ids(recogniser: Recogniser, messages: Sequence[bytes]) -> list[bytes]:
    """Give the event IDs of messages in batches."""
    found: list[bytes] = []
    for start in range(0, len(messages), BATCH):
        found += recogniser.event_ids(shapes(messages[start : start + BATCH]))
    return found


def new_recogniser(templates: Templates) -> Recogniser:
    """Begin with empty caches, as a new consumer does."""
    forget_words()
    return Recogniser(templates, bytes.strip, cache_size=100_000)


def our_rightness(system: System, templates: Templates) -> Rightness:
    """Measure the templates on the messages that they were mined from."""
    recogniser = new_recogniser(templates)
    events = event_ids(recogniser, system.messages)
    return rightness(system, events, [recogniser.text_of(event) or "" for event in events])


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

    def texts(self, events: Sequence[int]) -> list[str]:
        """Give what the template of each cluster has become in the end, its masks' names as ``<*>``."""
        drain = self._miner.drain
        final = {event: _MASK_NAME.sub("<*>", drain.id_to_cluster[event].get_template()) for event in set(events)}
        return [final[event] for event in events]

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


def drain_rightness(system: System, *, masked: bool) -> Rightness:
    """Measure drain3 on the messages, in one pass."""
    drain = Drain(masked=masked)
    events = drain.events(system.messages)
    return rightness(system, events, drain.texts(events))


def measure_accuracy(systems: Sequence[System]) -> Rightness:
    """Print a row for each system and one of the means; give our means."""
    print(f"{'':<12} {'ours':^20} {'drain3':^20} {'drain3 with masks':^20} {'templates':^15}")
    print(f"{'system':<12}" + f" {'GA':>6} {'PA':>6} {'FTA':>6}" * 3 + f" {'found':>7} {'true':>7}")
    rows = []
    for system in systems:
        templates = mined(system.messages)
        measured = (our_rightness(system, templates), *(drain_rightness(system, masked=m) for m in (False, True)))
        rows.append([figure for each in measured for figure in each])
        print(f"{system.name:<12}" + _figures(rows[-1]) + f" {len(templates):7} {len(set(system.truth)):7}")
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    print(f"{'mean':<12}" + _figures(means))
    return Rightness(*means[:3])


def _figures(row: Sequence[float]) -> str:
    return "".join(f" {figure:6.3f}" for figure in row)


def measure_each_speed(systems: Sequence[System]) -> float:
    """Print the messages a second of each system; give the slowest."""
    speeds = {system.name: _speed(mined(system.messages), system.messages) for system in systems}
    for name, speed in speeds.items():
        print(f"{name}: message -> event ID {speed:,.0f}/s")
    return min(speeds.values())


def measure_speed(name: str, messages: Sequence[bytes]) -> tuple[float, float]:
    """Print and give (ratio to drain3 with masks, messages a second of drain3 with masks)."""
    ours = _speed(mined(messages), messages)
    plain, masked = drain_speed(messages, masked=False), drain_speed(messages, masked=True)
    print(
        f"{name}: message -> event ID {ours:,.0f}/s; drain3 {plain:,.0f}/s, with masks {masked:,.0f}/s: "
        f"{ours / masked:.1f} x drain3 with masks"
    )
    return ours / masked, masked


def measure_lines(lines: Sequence[bytes], drain: float) -> tuple[float, float]:
    """Print and give raw lines a second to (time, event ID), and those with the key too over drain3's messages."""
    line_format = detect_format(lines[:BATCH])
    templates = mined(LineParser(line_format, Templates()).message_shapes(lines))
    keys = KeyExtractor(KeyRule(pattern=r"(blk_-?\d+)"), line_format)

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
    print(
        f"HDFS raw line -> (time, event ID) {speed:,.0f}/s; with the key by expression {keyed:,.0f}/s: "
        f"{keyed / drain:.1f} x drain3 with masks on messages alone"
    )
    return speed, keyed / drain


def _speed(templates: Templates, messages: Sequence[bytes]) -> float:
    return lines_per_second(lambda: event_ids(new_recogniser(templates), messages), len(messages))


def _shuffled(systems: Sequence[System]) -> list[bytes]:
    messages = [message for system in systems for message in system.messages]
    random.Random(0).shuffle(messages)
    return messages


def _bgl_messages(folder: Path) -> list[bytes]:
    """The messages of the BGL sample behind the nine columns of their header; none where it is not there."""
    path = folder / "bgl_sample" / "BGL_10k.log"
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return [columns[-1] for line in lines if len(columns := line.split(b" ", _BGL_COLUMNS)) > _BGL_COLUMNS]


def _arguments() -> argparse.Namespace:
    default = os.environ.get("LOGSCRY_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(default), help="holds loghub_2k and hdfs")
    parser.add_argument("--accuracy-only", action="store_true", help="measure no speed, and need no hdfs")
    return parser.parse_args()


def measure_speeds(systems: Sequence[System], folder: Path) -> dict[str, Any]:
    """Print all speeds; give those of the last line."""
    slowest = measure_each_speed(systems)
    lines = gzip.decompress((folder / "hdfs" / "test.log.gz").read_bytes()).splitlines()
    ratio, drain = measure_speed("HDFS", [line.split(b": ", 1)[1] for line in lines])
    speed, keyed_ratio = measure_lines(lines, drain)
    shuffled, _ = measure_speed("16 systems shuffled", _shuffled(systems))
    others = {"bgl": measure_speed("BGL sample", messages)[0]} if (messages := _bgl_messages(folder)) else {}
    return {
        "lines_per_second": int(round(speed, -3)),
        "ratio_to_drain3_masked": round(ratio, 1),
        "slowest_system_lines_per_second": int(round(slowest, -3)),
        "keyed_lines_to_drain3_masked": round(keyed_ratio, 1),
        "ratios": {name: round(each, 1) for name, each in {"shuffled": shuffled, **others}.items()},
    }


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    folder, raw = arguments.data, arguments.data / "hdfs" / "test.log.gz"
    if not (folder / "loghub_2k").is_dir() or not (arguments.accuracy_only or raw.is_file()):
        print(f"no data: {folder} holds no loghub_2k or no hdfs/test.log.gz; name their folder with --data")
        sys.exit(0)
    systems = read_systems(folder / "loghub_2k")
    accuracy = measure_accuracy(systems)
    result = {
        "mean_grouping_accuracy": round(accuracy.grouping, 4),
        "mean_parsing_accuracy": round(accuracy.parsing, 4),
        "mean_template_accuracy_f1": round(accuracy.template_f1, 4),
    }
    print(json.dumps(result if arguments.accuracy_only else result | measure_speeds(systems, folder)))


if __name__ == "__main__":
    main()
