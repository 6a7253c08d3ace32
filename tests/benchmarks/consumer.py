"""One consumer process beside the bare kafka-python poll loop, and what open sessions cost in Redis.

``make bench-consumer``, or ``python -m tests.benchmarks.consumer --help``. HDFS lines keyed by block lie in a topic of
8 partitions. In turns, several times each, medians:

* the bare poll loop reads the topic, alone, in a process of its own;
* a ``logscry consume`` with fresh state reads it: lines a second from the first position that moved to the last. A
  process beside it takes and acknowledges the windows, without scoring them.

Then, in one more run of the same consumer, how much processor time each of its parts takes (``consumer_parts.py``), and
the bytes of Redis for each event of an open session (``window_memory.py``). The last line is one JSON object.
"""

import argparse
import heapq
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console

from deploy.embedded.broker import EmbeddedBroker, offered_apache
from deploy.embedded.stack import Stack
from model.lines.key_rule import KeyRule
from stream.live_settings import LiveSettingsStore
from stream.live_values import LiveSettings
from stream.windowing.windows import WindowRule
from tests.benchmarks.bare_poll import Speed, bare_poll_alone
from tests.benchmarks.consumer_parts import measure_parts
from tests.benchmarks.hdfs_lines import BLOCK, hdfs_lines
from tests.benchmarks.places import REPOSITORY, data_folder, environment
from tests.benchmarks.reader import reader_beside
from tests.benchmarks.window_memory import measure_memory
from tests.service import Place, Service, produce, running_service, wait
from training.progress import RichProgress
from training.request import TrainingRequest
from training.train import train

PARTITIONS = 8
TOPIC = "logs"
RULE = WindowRule(size=64, hop=8, session_gap_ms=24 * 3600 * 1000)

console = Console(stderr=True)


@dataclass(frozen=True)
class Options:
    """What to run.

    Attributes:
        data: The folder with ``hdfs/``.
        model: An artefact to use; None trains one for a moment: a consumer needs its templates alone.
        rounds: How often each side is measured.
        codec: How the producer compresses its batches; None leaves them as they are.
        grace_ms: How far a line may lag behind and still find its place.
    """

    data: Path
    model: Path | None
    rounds: int
    codec: str | None
    grace_ms: int

    @property
    def live(self) -> LiveSettings:
        """The live settings of every consumer."""
        return LiveSettings(RULE.size, RULE.hop, RULE.session_gap_ms, threshold=1000, grace_ms=self.grace_ms)


def main() -> None:
    """Run the benchmark and print the figures."""
    options = _options()
    files = [options.data / "hdfs" / f"{name}.log.gz" for name in ("train", "test")]
    if not all(file.is_file() for file in files):
        console.print(f"No HDFS data under {options.data}: nothing was measured. See docs/benchmarks.md.")
        return
    with ExitStack() as cleanup:
        work = Path(cleanup.enter_context(TemporaryDirectory(prefix="logscry-bench-")))
        model = options.model or _train(files[0], work / "model")
        broker = offered_apache(environment(), REPOSITORY) or EmbeddedBroker()
        stack = cleanup.enter_context(Stack({TOPIC: PARTITIONS}, broker=broker))
        # Both files cover the same days, with blocks of their own: together one stream in the order of its times.
        lines = list(heapq.merge(*map(hdfs_lines, files), key=lambda line: (line.value or b"")[:13]))
        produce(stack.kafka_address, TOPIC, lines, codec=options.codec)
        console.print(f"{len(lines):,} lines, {PARTITIONS} partitions, codec {options.codec}, {type(broker).__name__}")
        place = Place(stack.kafka_address, stack.redis_url, model, work)
        bare, ours = _speeds(place, len(lines), options)
        for part, microseconds in measure_parts(place, TOPIC, len(lines), options.live).items():
            console.print(f"{part:>44}: {microseconds:5.2f} us a line")
    memory = measure_memory(RULE)
    console.print(f"Redis {memory.redis_version}: {memory.bytes_per_event} bytes an event")
    (bare_rate, bare_us), (rate, us) = (tuple(map(median, zip(*speeds, strict=True))) for speeds in (bare, ours))
    console.print(f"medians: {rate:,.0f} of {bare_rate:,.0f} lines/s; {bare_us:.2f} of {us:.2f} us of the processor")
    figures = {
        "lines_per_second": round(rate),
        "ratio_to_bare_poll": round(rate / bare_rate, 3),
        "redis_bytes_per_event": memory.bytes_per_event,
    }
    print(json.dumps(figures))  # noqa: T201 -- the benchmark's result


def _speeds(place: Place, lines: int, options: Options) -> tuple[list[Speed], list[Speed]]:
    """The bare loop's and ours, in turns: this machine's speed changes within minutes."""
    bare: list[Speed] = []
    ours: list[Speed] = []
    for number in range(options.rounds):
        bare.append(bare_poll_alone(place.kafka, TOPIC, PARTITIONS, lines))
        with running_service(place, f"bench{number}", TOPIC) as service, reader_beside(place.redis, service.namespace):
            LiveSettingsStore(service.redis, service.namespace).seed(options.live)
            ours.append(_consumer_speed(service, lines))
        for name, speed in (("bare poll loop", bare[-1]), ("consumer", ours[-1])):
            rate, processor_us = speed
            console.print(f"{name:>24}: {rate:9,.0f} lines/s, {processor_us:5.2f} us of the processor a line")
    return bare, ours


def _consumer_speed(service: Service, lines: int) -> Speed:
    """From the first position that moved to the last."""
    child = service.children.start("consume")
    wait(lambda: len(service.stores()) == PARTITIONS, service.children.check)
    stores = service.stores()

    def applied() -> int:
        return sum(position.offset for store in stores if (position := store.position()))

    wait(applied, service.children.check)
    processor = child.metric("process_cpu_seconds_total")
    first, begin = applied(), time.monotonic()
    wait(lambda: applied() == lines, service.children.check)
    seconds, used = time.monotonic() - begin, child.metric("process_cpu_seconds_total") - processor
    service.await_scored()
    assert child.metric("logscry_consumer_lines_total") == lines
    assert child.metric("logscry_consumer_windows_cut_total") > lines // RULE.hop // 2
    return Speed((lines - first) / seconds, used / (lines - first) * 1e6)


def _train(logs: Path, output: Path) -> Path:
    key = KeyRule(pattern=BLOCK)
    request = TrainingRequest(inputs=(logs,), output=output, key=key, rule=RULE, max_seconds=1)
    with RichProgress() as progress:
        train(request, progress)
    return output


def _options() -> Options:
    parser = argparse.ArgumentParser(description="One consumer beside the bare poll loop, on real HDFS lines.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="folder that holds hdfs/")
    parser.add_argument("--model", type=Path, default=None, help="artefact to use instead of training one")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is measured")
    parser.add_argument("--codec", choices=("gzip", "snappy", "lz4", "zstd"), default=None, help="of the records")
    parser.add_argument("--grace-ms", type=int, default=0, help="grace of the windows, in event time")
    given = parser.parse_args()
    return Options(given.data, given.model, given.rounds, given.codec, given.grace_ms)


if __name__ == "__main__":
    main()
