"""A consumer within the test's own process, turned by hand: what happens between two turns is the test's to choose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient
from prometheus_client import CollectorRegistry
from redis import Redis

from deploy.embedded.stack import create_topics
from model.errors import TransientError
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.parser import LineParser
from stream.consumers.consumer import Consumer
from stream.consumers.parts import ConsumerParts
from stream.consumers.records import RecordReader
from stream.live_settings import LiveSettings, LiveSettingsFollower, LiveSettingsStore
from stream.settings import Settings, load_settings
from stream.telemetry import ConsumerMetrics
from stream.windowing.store import PartitionId, PartitionStore
from tests.service import wait

__all__ = ["admin", "applied", "create_again", "group_member", "settings_of", "store_of", "turn_until"]


def settings_of(address: str, namespace: str, logs: str, **kafka: object) -> Settings:
    """The settings of a service over one topic; those of the group kafka may be given."""
    given = {"bootstrap_servers": address, "logs_topic": logs, "session_timeout_ms": 6000, **kafka}
    return load_settings(None, {"namespace": namespace, **{f"kafka.{name}": value for name, value in given.items()}})


@contextmanager
def group_member(settings: Settings, redis: "Redis", reader: RecordReader | None = None) -> Iterator[Consumer]:
    """A consumer of plain lines, or of what a reader reads; its windows hold 8 events and are cut at each fourth."""
    live = LiveSettingsFollower(LiveSettingsStore(redis, settings.namespace), LiveSettings(8, 4, 10**9, 1.0))
    reader = reader or RecordReader(LineParser(LineFormat(), Templates()))
    consumer = Consumer(ConsumerParts(settings, live, redis, reader, ConsumerMetrics(CollectorRegistry())))
    consumer._kafka.subscribe([settings.kafka.logs_topic], listener=consumer._assignment)
    try:
        yield consumer
    finally:
        consumer._kafka.close(autocommit=False, timeout_ms=2000)


def turn_until(consumer: Consumer, done: Callable[[], object]) -> None:
    """Let the consumer turn until a condition holds; waits for servers that are away are taken out."""

    def turned() -> object:
        consumer._loop._backoff.succeeded()
        consumer._loop.turn()
        return done()

    wait(turned)


def store_of(redis: "Redis", settings: Settings, partition: int = 0) -> PartitionStore:
    """The state of a partition."""
    return PartitionStore(redis, settings.namespace, PartitionId(settings.kafka.logs_topic, partition))


def applied(redis: "Redis", settings: Settings, partition: int = 0) -> int:
    """The position of a partition, -1 without state."""
    position = store_of(redis, settings, partition).position()
    return -1 if position is None else position.offset


@contextmanager
def admin(address: str) -> Iterator[KafkaAdminClient]:
    """A client that changes topics and groups."""
    client = KafkaAdminClient(bootstrap_servers=address)
    try:
        yield client
    finally:
        client.close()


def create_again(address: str, topic: str, partitions: int = 1) -> None:
    """Create a topic that was just deleted: deleting takes a broker a moment."""

    def created() -> bool:
        try:
            create_topics(address, {topic: partitions})
        except TransientError:  # the old one is not gone yet
            return False
        return True

    wait(created)
