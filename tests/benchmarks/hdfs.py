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
import gzip
import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis
from rich.console import Console

from deploy.embedded.broker import EmbeddedBroker, offered_apache
from deploy.embedded.children import Children
from deploy.embedded.stack import Stack
from stream.alerts import Alert, decode_alert
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore
from stream.windowing.windows import WindowRule
from tests.benchmarks.places import REPOSITORY, data_folder, environment
from training.progress import RichProgress
from training.reading import KeySource
from training.train import TrainingRequest, train

BLOCK = "(blk_-?[0-9]+)"
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
    """

    data: Path
    model: Path | None
    seed: int
    rate: int


@dataclass(frozen=True)
class Line:
    """A raw line and its block."""

    key: bytes
    value: bytes


@dataclass
class Run:
    """One stream of lines through the service.

    Attributes:
        alerts: What came on the alerts topic, with the append time of each, ms since 1970.
        seconds: From the first partition taken until all was scored.
        windows: Windows scored.
        cache_hits: Those whose score was known.
    """

    alerts: list[tuple[Alert, int]]
    seconds: float
    windows: int
    cache_hits: int


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
        lines = list(_lines(options.data / "hdfs" / "test.log.gz"))
        bench = Bench(stack, model, work)
        console.print(f"{len(lines):,} lines, {PARTITIONS} partitions, {type(broker).__name__}")
        figures = _throughput(bench, lines, options)
        figures |= _latency(bench, lines[:LATENCY_LINES], options.rate)
    for name, value in figures.items():
        console.print(f"{name:>28}: {value}")
    print(json.dumps(figures))  # noqa: T201 -- the benchmark's result


class Bench:
    """The servers, and one run of the service after another over them."""

    def __init__(self, stack: Stack, model: Path, work: Path) -> None:
        self.stack = stack
        self._model = model
        self._work = work
        self._number = 0

    @contextmanager
    def service(self, consumers: int = 1, workers: int = 1) -> Iterator["Service"]:
        """A fresh topic and namespace, and the processes on it once ``start`` is called."""
        self._number += 1
        names = {name: f"{name}-{self._number}" for name in ("logs", "alerts", "dead-letters")}
        self.stack.create_topics({names["logs"]: PARTITIONS, names["alerts"]: 1, names["dead-letters"]: 1})
        namespace = f"bench{self._number}"
        settings = {
            "LOGSCRY_NAMESPACE": namespace,
            "LOGSCRY_KAFKA__BOOTSTRAP_SERVERS": self.stack.kafka_address,
            "LOGSCRY_KAFKA__LOGS_TOPIC": names["logs"],
            "LOGSCRY_KAFKA__ALERTS_TOPIC": names["alerts"],
            "LOGSCRY_KAFKA__DEAD_LETTERS_TOPIC": names["dead-letters"],
            "LOGSCRY_REDIS__URL": self.stack.redis_url,
            "LOGSCRY_MODEL__PATH": str(self._model),
            "LOGSCRY_WORKER__READ_BACK_LINES": "false",
        }
        with Children(self._work, settings) as children:
            yield Service(self.stack, children, namespace, names, (consumers, workers))


@dataclass
class Service:
    """The processes over one topic."""

    stack: Stack
    children: Children
    namespace: str
    topics: dict[str, str]
    counts: tuple[int, int]

    def start_workers(self) -> None:
        """Start the workers and wait until they are healthy: loading torch is not what is measured."""
        for _ in range(self.counts[1]):
            self.children.start("detect")
        self.children.await_health()

    def start_consumers(self) -> float:
        """Start the consumers and return the moment at which the first partition was taken."""
        for _ in range(self.counts[0]):
            self.children.start("consume")
        redis = Redis.from_url(self.stack.redis_url)
        _wait(lambda: PartitionRegistry(redis, self.namespace).all())
        return time.monotonic()

    def drain(self, ends: dict[int, int]) -> None:
        """Wait until all offsets are applied, flush, and wait until every window is scored."""
        redis = Redis.from_url(self.stack.redis_url)
        stores = [PartitionStore(redis, self.namespace, p) for p in PartitionRegistry(redis, self.namespace).all()]
        self.children.run("flush")  # it waits for the consumers to reach the end itself
        assert all((s.position() or (0,))[0] >= ends.get(s.partition.partition, 0) for s in stores)
        _wait(lambda: all(store.ready_windows() == 0 for store in stores))

    def worker_metric(self, name: str) -> int:
        """A metric summed over the workers."""
        return sum(int(c.metric(name)) for c in self.children.running if c.name.startswith("detect"))

    def alerts(self) -> list[tuple[Alert, int]]:
        """All alerts, with the time Kafka has for each, ms."""
        return [
            (decode_alert(record.value), record.timestamp)
            for record in _read_all(self.stack.kafka_address, self.topics["alerts"])
        ]


def _throughput(bench: Bench, lines: Sequence[Line], options: Options) -> dict[str, Any]:
    with bench.service() as service:
        ends = _produce(service, lines)
        bare = _bare_poll(bench.stack.kafka_address, service.topics["logs"], len(lines))
        service.start_workers()
        redis = Redis.from_url(bench.stack.redis_url)
        begin = service.start_consumers()
        service.drain(ends)
        seconds = time.monotonic() - begin
        alerts = service.alerts()
        windows = service.worker_metric("logscry_worker_windows_scored_total")
        hits = service.worker_metric("logscry_worker_cache_hits_total")
        peak = int(redis.info("memory")["used_memory_peak"])
    rate = len(lines) / seconds
    return {
        **_detection(alerts, options.data / "hdfs" / "test_labels.csv"),
        "lines_per_second": round(rate),
        "bare_poll_lines_per_second": round(bare),
        "ratio_to_bare_poll": round(rate / bare, 3),
        "redis_peak_bytes": peak,
        "windows": windows,
        "cache_hit_share": round(hits / windows, 3),
        "alerts": len(alerts),
    }


def _detection(alerts: Sequence[tuple[Alert, int]], labels: Path) -> dict[str, Any]:
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


def _latency(bench: Bench, lines: Sequence[Line], rate: int) -> dict[str, Any]:
    """Stream at a steady rate; a window's last line was appended when Kafka says, its alert likewise."""
    with bench.service() as service:
        service.start_workers()
        service.start_consumers()
        ends = _produce(service, lines, rate)
        service.drain(ends)
        appended = {
            (record.partition, record.offset): record.timestamp
            for record in _read_all(bench.stack.kafka_address, service.topics["logs"])
        }
        waits = sorted(
            at - appended[alert.window.partition, alert.window.last.offset]
            for alert, at in service.alerts()
            if not alert.window.final
        )
    return {
        "latency_rate": rate,
        "latency_alerts": len(waits),
        "latency_p50_ms": _quantile(waits, 0.5),
        "latency_p99_ms": _quantile(waits, 0.99),
    }


def _quantile(ordered: Sequence[int], share: float) -> int | None:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _produce(service: Service, lines: Sequence[Line], rate: int | None = None) -> dict[int, int]:
    """Write the lines, at a rate where one is given; returns the end offset of each partition."""
    producer = KafkaProducer(
        bootstrap_servers=service.stack.kafka_address, linger_ms=5, batch_size=1 << 17, metrics_enabled=False
    )
    ends: dict[int, int] = {}
    last: dict[int, Any] = {}
    begin = time.monotonic()
    for number, line in enumerate(lines):
        if rate and number % 100 == 0:
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        future = producer.send(service.topics["logs"], line.value, line.key)
        last[number % 64] = future
    producer.flush()
    if rate:
        console.print(f"streamed at {len(lines) / (time.monotonic() - begin):,.0f} lines/s")
    producer.close()
    for record in _read_all(service.stack.kafka_address, service.topics["logs"]):
        ends[record.partition] = record.offset + 1
    return ends


def _bare_poll(address: str, topic: str, lines: int) -> float:
    """Lines a second of a poll loop that does nothing else: the same fetch settings as the consumer's."""
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=2000,
        isolation_level="read_committed",
        metrics_enabled=False,
    )
    consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
    seen, begin = 0, 0.0
    while seen < lines:
        records = sum(map(len, consumer.poll(timeout_ms=200).values()))
        begin = begin or time.monotonic()  # connecting is not what is measured
        seen += records
    seconds = time.monotonic() - begin
    consumer.close()
    return lines / seconds


def _read_all(address: str, topic: str) -> list[Any]:
    consumer = KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=5000
    )
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    records: list[Any] = []
    idle = 0
    while idle < 3:
        found = consumer.poll(timeout_ms=500)
        idle = 0 if found else idle + 1
        for part in found.values():
            records += part
    consumer.close()
    return records


def _wait(done: Callable[[], object], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        time.sleep(0.02)


def _lines(path: Path) -> Iterator[Line]:
    block = re.compile(BLOCK.encode())
    with gzip.open(path) as file:
        for raw in file:
            value = raw.rstrip(b"\r\n")
            match = block.search(value)
            if match is None:
                raise ValueError(f"{path} has a line without a block: {value[:200]!r}")
            yield Line(match[1], value)


def _train(options: Options, output: Path) -> Path:
    request = TrainingRequest(
        inputs=(options.data / "hdfs" / "train.log.gz",),
        output=output,
        key=KeySource(pattern=BLOCK),
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
    parser.add_argument("--rate", type=int, default=5_000, help="lines a second of the latency part")
    given = parser.parse_args()
    return Options(given.data, given.model, given.seed, given.rate)


if __name__ == "__main__":
    main()
