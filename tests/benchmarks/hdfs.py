"""The whole path on real HDFS logs: detection, speed, latency and memory, against block labels.

``make bench-hdfs``, or ``python -m tests.benchmarks.hdfs --help``. Three parts, in one run:

1. Train on ``train.log.gz`` without labels; the threshold comes from held-out normal windows.
2. Throughput: ``test.log.gz``, keyed by block, lies in a topic of 4 partitions. Time from the first partition taken
   until every window, the final ones of the flush included, is scored and its alert acknowledged. The alerts give
   precision, recall and F1 by block. Beside it the bare kafka-python poll loop over the same topic.
3. Latency: the same lines again, at a steady rate, into a fresh topic: from a line's append in Kafka to the append of
   the alert that its window raised.

The last line is one JSON object.
"""

import argparse
import csv
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from deploy.embedded.broker import EmbeddedBroker, offered_apache
from deploy.embedded.stack import Stack
from model.lines.key_rule import KeyRule
from stream.alerts import Alert
from stream.flush import flush
from stream.settings import Settings, load_settings
from stream.windowing.windows import WindowRule
from tests.benchmarks.bare_poll import bare_poll
from tests.benchmarks.hdfs_lines import BLOCK, hdfs_lines
from tests.benchmarks.places import REPOSITORY, data_folder, environment
from tests.service import Line, Place, Service, produce, read_all, running_service, wait
from training.progress import RichProgress
from training.request import TrainingRequest
from training.train import train

PARTITIONS = 4
LATENCY_LINES = 60_000
RULE = WindowRule(size=64, hop=8, session_gap_ms=24 * 3600 * 1000)

console = Console(stderr=True)


@dataclass(frozen=True)
class Options:
    """What to run.

    Attributes:
        data: The folder with ``hdfs/``.
        model: An artefact to use; None trains one.
        seed: Of the training.
        rate: Lines a second of the latency part.
        workers: How many model workers.
    """

    data: Path
    model: Path | None
    seed: int
    rate: int
    workers: int


def main() -> None:
    """Run the benchmark and print the figures."""
    options = _options()
    if not (options.data / "hdfs" / "test.log.gz").is_file():
        console.print(f"No HDFS data under {options.data}: nothing was measured. See docs/benchmarks.md.")
        return
    with ExitStack() as cleanup:
        work = Path(cleanup.enter_context(TemporaryDirectory(prefix="logscry-bench-")))
        model = options.model or _train(options, work / "model")
        broker = offered_apache(environment(), REPOSITORY) or EmbeddedBroker()
        stack = cleanup.enter_context(Stack({"alerts": 1, "dead-letters": 1}, broker=broker))
        lines = list(hdfs_lines(options.data / "hdfs" / "test.log.gz"))
        bench = Bench(stack, model, work)
        console.print(f"{len(lines):,} lines, {PARTITIONS} partitions, {type(broker).__name__}")
        figures = _throughput(bench, lines, options)
        figures |= _latency(bench, lines[:LATENCY_LINES], options)
    for name, value in figures.items():
        console.print(f"{name:>28}: {value}")
    print(json.dumps(figures))  # noqa: T201 -- the benchmark's result


class Bench:
    """The servers and the model, and a fresh topic and namespace for each part."""

    def __init__(self, stack: Stack, model: Path, work: Path) -> None:
        self.stack = stack
        self._place = Place(stack.kafka_address, stack.redis_url, model, work)
        self._number = 0

    @contextmanager
    def service(self) -> Iterator[Service]:
        """A fresh topic; no process is started yet."""
        self._number += 1
        topic = f"logs-{self._number}"
        self.stack.create_topics({topic: PARTITIONS})
        # Lines are read back for people; here nobody reads.
        settings = {"LOGSCRY_ALERTS__INCLUDE_LINES": "false"}
        with running_service(self._place, f"bench{self._number}", topic, settings) as service:
            yield service


def _throughput(bench: Bench, lines: Sequence[Line], options: Options) -> dict[str, Any]:
    with bench.service() as service:
        produce(bench.stack.kafka_address, service.logs_topic, lines)
        bare = [bare_poll(bench.stack.kafka_address, service.logs_topic, PARTITIONS, len(lines))]
        workers = service.start("detect", count=options.workers)  # loading torch is not what is measured
        service.children.start("consume")
        wait(service.stores, service.children.check)
        begin = time.monotonic()
        # In this process: starting Python once more, just to flush, would take a part of the two cores.
        flush(_settings(service), service.redis, timeout_seconds=300)
        service.await_scored()
        seconds = time.monotonic() - begin
        # Before and after: this machine's speed changes within minutes.
        bare.append(bare_poll(bench.stack.kafka_address, service.logs_topic, PARTITIONS, len(lines)))
        alerts = service.alerts()
        windows = sum(int(worker.metric("logscry_worker_windows_scored_total")) for worker in workers)
        hits = sum(int(worker.metric("logscry_worker_cache_hits_total")) for worker in workers)
        peak = int(service.redis.info("memory")["used_memory_peak"])
    rate, bare_rate = len(lines) / seconds, len(bare) / sum(1 / each.lines_per_second for each in bare)
    return {
        **_detection(alerts, options.data / "hdfs" / "test_labels.csv"),
        "lines_per_second": round(rate),
        "bare_poll_lines_per_second": round(bare_rate),
        "ratio_to_bare_poll": round(rate / bare_rate, 3),
        "redis_peak_bytes": peak,
        "windows": windows,
        "cache_hit_share": round(hits / windows, 3),
        "alerts": len(alerts),
    }


def _detection(alerts: Sequence[tuple[Alert, Any]], labels: Path) -> dict[str, Any]:
    with labels.open(newline="", encoding="utf-8") as file:
        abnormal = {row["block_id"]: row["label"] == "1" for row in csv.DictReader(file)}
    first: dict[str, Alert] = {}
    for alert, _ in alerts:
        first.setdefault(alert.key, alert)
    found = sum(abnormal[key] for key in first)
    false = len(first) - found
    precision = found / len(first) if first else 0.0
    recall = found / sum(abnormal.values())
    early = sum(abnormal[key] and not alert.window.final for key, alert in first.items())
    f1 = 2 * precision * recall / (precision + recall) if first else 0.0
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(f1, 4),
        "false_alarms": false,
        "found": found,
        "share_flagged_before_final": round(early / found, 3) if found else 0.0,
    }


def _settings(service: Service) -> Settings:
    given = {"namespace": service.namespace, "kafka.logs_topic": service.logs_topic}
    return load_settings(None, {**given, "kafka.bootstrap_servers": service.place.kafka})


def _latency(bench: Bench, lines: Sequence[Line], options: Options) -> dict[str, Any]:
    """Stream at a steady rate; a window's last line was appended when Kafka says, its alert likewise."""
    address = bench.stack.kafka_address
    with bench.service() as service:
        service.start("detect", count=options.workers)
        service.children.start("consume")
        wait(lambda: len(service.stores()) == PARTITIONS, service.children.check)
        begin = time.monotonic()
        produce(address, service.logs_topic, lines, options.rate)
        console.print(f"streamed at {len(lines) / (time.monotonic() - begin):,.0f} lines/s")
        wait(lambda: service.applied() == len(lines), service.children.check)
        service.await_scored()
        appended = {(r.partition, r.offset): r.timestamp for r in read_all(address, service.logs_topic)}
        waits = sorted(
            record.timestamp - appended[alert.window.partition, alert.window.last.offset]
            for alert, record in service.alerts()
            if not alert.window.final  # a final window waits for silence, not for work
        )
    return {
        "latency_rate": options.rate,
        "latency_alerts": len(waits),
        "latency_p50_ms": _quantile(waits, 0.5),
        "latency_p99_ms": _quantile(waits, 0.99),
    }


def _quantile(ordered: Sequence[int], share: float) -> int | None:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _train(options: Options, output: Path) -> Path:
    request = TrainingRequest(
        inputs=(options.data / "hdfs" / "train.log.gz",),
        output=output,
        key=KeyRule(pattern=BLOCK),
        preset="test",
        rule=RULE,
        seed=options.seed,
    )
    with RichProgress() as progress:
        train(request, progress)
    return output


def _options() -> Options:
    parser = argparse.ArgumentParser(description="The whole path on real HDFS logs.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds hdfs/")
    parser.add_argument("--model", type=Path, default=None, help="artefact to use instead of training one")
    parser.add_argument("--seed", type=int, default=0, help="seed of the training")
    parser.add_argument("--rate", type=int, default=10_000, help="lines a second of the latency part")
    parser.add_argument("--workers", type=int, default=2, help="how many model workers")
    given = parser.parse_args()
    return Options(given.data, given.model, given.seed, given.rate, given.workers)


if __name__ == "__main__":
    main()
