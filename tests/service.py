"""logscry's own processes over topics of their own: what end-to-end tests and benchmarks drive."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from deploy.embedded.children import Child, Children
from deploy.embedded.stack import create_topics
from stream.alerts import Alert, decode_alert
from stream.redis_client import close, connect
from stream.windowing.ready import ReadyWindow
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore

__all__ = ["Line", "Place", "Service", "produce", "read_all", "running_service", "wait"]


@dataclass(frozen=True)
class Line:
    """A record to write."""

    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Place:
    """Where the servers and the model are.

    Attributes:
        kafka: ``host:port``.
        redis: URL.
        model: Artefact folder.
        work: Folder for the processes' output.
    """

    kafka: str
    redis: str
    model: Path
    work: Path


@dataclass
class Service:
    """Processes over one logs topic, in one namespace."""

    place: Place
    children: Children
    namespace: str
    logs_topic: str
    alerts_topic: str
    dead_letters_topic: str

    @cached_property
    def redis(self) -> Any:
        """A client as the processes have it, of one Redis or of a Redis Cluster."""
        return connect(self.place.redis)

    def start(self, *arguments: str, count: int = 1) -> list[Child]:
        """Start processes and wait until they are healthy."""
        started = [self.children.start(*arguments) for _ in range(count)]
        self.children.await_health()
        return started

    def kill(self, child: Child) -> None:
        """End a process with SIGKILL, as a crash would."""
        child.process.kill()
        child.process.wait()
        self.children.running.remove(child)

    def stores(self) -> list[PartitionStore]:
        """The window state of every partition that a consumer took."""
        registry = PartitionRegistry(self.redis, self.namespace)
        return [PartitionStore(self.redis, self.namespace, partition) for partition in registry.all()]

    def applied(self) -> int:
        """How many offsets all partitions' states have seen."""
        return sum(position.offset for store in self.stores() if (position := store.position()))

    def flush(self) -> None:
        """Run ``logscry flush``: it waits for the consumers itself."""
        self.children.run("flush")

    def await_scored(self) -> None:
        """Wait until no window waits."""
        wait(lambda: all(store.ready_windows() == 0 for store in self.stores()), self.children.check)

    def ready_windows(self) -> list[ReadyWindow]:
        """Every window that waits, without taking it."""
        return self.ready_streams().all()

    def ready_streams(self) -> ReadyStreams:
        """The ready streams of every partition that a consumer took."""
        return ReadyStreams(self.redis, {store.partition: store.ready for store in self.stores()})

    def alerts(self) -> list[tuple[Alert, Any]]:
        """All alerts, each with its Kafka record."""
        return [(decode_alert(record.value), record) for record in read_all(self.place.kafka, self.alerts_topic)]

    def dead_letters(self) -> list[Any]:
        """All dead letters, as Kafka records."""
        return read_all(self.place.kafka, self.dead_letters_topic)


@contextmanager
def running_service(
    place: Place, namespace: str, logs_topic: str, settings: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Give a logs topic an alerts topic and a dead letters topic; the processes started on it end with the block."""
    topics = {name: f"{name}-{namespace}" for name in ("alerts", "dead-letters")}
    create_topics(place.kafka, dict.fromkeys(topics.values(), 1))
    environment = {
        "LOGSCRY_NAMESPACE": namespace,
        "LOGSCRY_KAFKA__BOOTSTRAP_SERVERS": place.kafka,
        "LOGSCRY_KAFKA__LOGS_TOPIC": logs_topic,
        "LOGSCRY_KAFKA__ALERTS_TOPIC": topics["alerts"],
        "LOGSCRY_KAFKA__DEAD_LETTERS_TOPIC": topics["dead-letters"],
        "LOGSCRY_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "LOGSCRY_REDIS__URL": place.redis,
        "LOGSCRY_MODEL__PATH": str(place.model),
        **(settings or {}),
    }
    with Children(place.work, environment) as children:
        service = Service(place, children, namespace, logs_topic, topics["alerts"], topics["dead-letters"])
        try:
            yield service
        finally:
            if "redis" in vars(service):
                close(service.redis)


def produce(  # noqa: PLR0913 -- one way to write records, its choices by name
    address: str,
    topic: str,
    lines: Sequence[Line],
    rate: int | None = None,
    *,
    partition: int | None = None,
    codec: str | None = None,
) -> None:
    """Write records and wait until all are acknowledged.

    Args:
        address: The broker.
        topic: Where to.
        lines: What.
        rate: Lines a second; None writes as fast as it can.
        partition: Where to; None lets the key decide.
        codec: How to compress them; None leaves them as they are.
    """
    producer = KafkaProducer(
        bootstrap_servers=address, linger_ms=5, batch_size=1 << 17, compression_type=codec, metrics_enabled=False
    )
    begin = time.monotonic()
    sent = []
    for number, line in enumerate(lines):
        if rate and number % 100 == 0:
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        sent.append(producer.send(topic, line.value, line.key, partition=partition))
    producer.flush()
    for future in sent:
        future.get(timeout=0)
    producer.close()


def read_all(address: str, topic: str) -> list[Any]:
    """Every record of a topic, partition after partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_poll_records=5000,
    )
    consumer.assign([TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())])
    records: list[Any] = []
    idle = 0
    while idle < 3:
        found = consumer.poll(timeout_ms=400)
        idle = 0 if found else idle + 1
        for part in found.values():
            records += part
    consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def wait(done: Callable[[], object], check: Callable[[], None] = lambda: None, seconds: float = 120.0) -> None:
    """Wait for a condition; ``check`` may raise when it can no longer come true."""
    deadline = time.monotonic() + seconds
    while not done():
        check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {seconds:.0f} s")
        time.sleep(0.02)
