"""Where a consumer's processor time goes: polling, reading lines, calling Redis, and all the rest."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import wraps
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from kafka import KafkaConsumer
from prometheus_client import CollectorRegistry
from redis import Redis

from model.reading_part import ReadingPart
from stream.consumers.consumer import Consumer
from stream.consumers.parts import ConsumerParts
from stream.consumers.records import RecordReader
from stream.live_settings import LiveSettingsFollower, LiveSettingsStore
from stream.live_values import LiveSettings
from stream.settings import load_settings
from stream.telemetry import ConsumerMetrics
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore
from tests.benchmarks.reader import reader_beside
from tests.service import Place, wait

__all__ = ["measure_parts"]

NAMESPACE = "parts"

P = ParamSpec("P")
Result = TypeVar("Result")


def measure_parts(place: Place, topic: str, lines: int, live: LiveSettings) -> dict[str, float]:
    """Run a consumer over a topic in a process of its own.

    Returns:
        Microseconds a line, by part.
    """
    with Redis.from_url(place.redis) as redis, reader_beside(place.redis, NAMESPACE):
        before = _processor_of(redis)
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            seconds = process.submit(_consume, place, topic, lines, live).result()
        seconds["Redis itself, the reader's calls included"] = _processor_of(redis) - before
    return {part: each / lines * 1e6 for part, each in seconds.items()}


def _processor_of(redis: "Redis") -> float:
    used = redis.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


class _Times:
    """Seconds of the processor by part, and of waiting for Redis."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def timed(self, part: str, work: Callable[P, Result]) -> Callable[P, Result]:
        """The same function, its time on the processor added to a part."""

        @wraps(work)
        def measured(*args: P.args, **kwargs: P.kwargs) -> Result:
            processor, clock = time.thread_time(), time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                used = time.thread_time() - processor
                self.seconds[part] += used
                if part == "calling Redis":
                    self.seconds["(waiting for Redis)"] += time.perf_counter() - clock - used

        return measured


def _consume(place: Place, topic: str, lines: int, live: LiveSettings) -> dict[str, float]:
    times, stop = _Times(), threading.Event()
    consumer = Consumer(replace(_timed_parts(place, topic, live, times), stop=stop))
    threading.Thread(target=_stop_at_end, args=(place.redis, lines, stop), daemon=True).start()
    thread, process = time.thread_time(), time.process_time()
    consumer.run()
    thread, process = time.thread_time() - thread, time.process_time() - process
    named = sum(seconds for part, seconds in times.seconds.items() if not part.startswith("("))
    return {**times.seconds, "the rest of the loop": thread - named, "kafka-python's thread": process - thread}


def _timed_parts(place: Place, topic: str, live: LiveSettings, times: _Times) -> ConsumerParts:
    given = {"namespace": NAMESPACE, "kafka.bootstrap_servers": place.kafka, "kafka.logs_topic": topic}
    redis: Redis = Redis.from_url(place.redis)
    reader = RecordReader(ReadingPart.load(place.model).parser())
    # Instance or class attributes, so that nothing inside the consumer has to be known.
    KafkaConsumer.poll = times.timed("polling", KafkaConsumer.poll)
    redis.execute_command = times.timed("calling Redis", redis.execute_command)  # type: ignore[method-assign]
    reader.read = times.timed("reading lines", reader.read)  # type: ignore[method-assign]
    follower = LiveSettingsFollower(LiveSettingsStore(redis, NAMESPACE), live)
    return ConsumerParts(load_settings(None, given), follower, redis, reader, ConsumerMetrics(CollectorRegistry()))


def _stop_at_end(url: str, lines: int, stop: threading.Event) -> None:
    """Ask for the positions five times a second: this thread's own time counts among the others'."""
    redis: Redis = Redis.from_url(url)
    registry = PartitionRegistry(redis, NAMESPACE)
    stores: dict[object, PartitionStore] = {}

    def reached() -> bool:
        time.sleep(0.2)
        for partition in registry.all():
            stores.setdefault(partition, PartitionStore(redis, NAMESPACE, partition))
        return sum(position.offset for store in stores.values() if (position := store.position())) == lines

    wait(reached)
    stop.set()
