"""A partition without new lines, turn by turn, with a clock moved by hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from kafka import TopicPartition
from prometheus_client import CollectorRegistry
from redis import Redis

from deploy.embedded.broker import Broker
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.parser import LineParser
from stream.consumers import applying
from stream.consumers.consumer import Consumer
from stream.consumers.offsets import Range, ranges
from stream.consumers.parts import ConsumerParts
from stream.consumers.records import RecordReader
from stream.live_settings import LiveSettings, LiveSettingsFollower, LiveSettingsStore
from stream.settings import KafkaSettings, load_settings
from stream.telemetry import ConsumerMetrics
from stream.windowing.calls import Work
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.store import PartitionId, PartitionStore
from tests.service import Line, produce, wait

pytestmark = pytest.mark.stack

GAP_SECONDS = 600
GRACE_SECONDS = 60
JSON = LineFormat("json", message="message", time="time")


@dataclass
class Silent:
    """A consumer of one partition, whose clock stands still until it is moved."""

    consumer: Consumer
    store: PartitionStore
    redis: Redis
    broker: Broker
    registry: CollectorRegistry
    seconds: list[float] = field(default_factory=lambda: [100.0])

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and let the consumer keep house before and after."""
        self.turn()
        self.seconds[0] += seconds
        self.turn()

    def turn(self) -> None:
        """A turn that keeps house."""
        self.consumer._housekeeping_at = 0.0
        self.consumer.turn()

    def send(self, *lines: tuple[str, int]) -> None:
        """Write lines of one key, each at its second of an hour, and wait until they are applied."""
        before = self.position
        values = [
            b'{"message": "%s", "time": "2026-03-01T00:%02d:%02dZ"}' % (m.encode(), t // 60, t % 60) for m, t in lines
        ]
        produce(self.broker.address, self.store.partition.topic, [Line(b"k", value) for value in values])

        def applied() -> bool:
            self.consumer.turn()
            return self.position == before + len(lines)

        wait(applied)

    @property
    def position(self) -> int:
        """The next offset."""
        position = self.store.position()
        return position.offset if position else 0

    def windows(self) -> list[tuple[int, bool]]:
        """Events and finality of the windows cut so far."""
        windows = ReadyStreams(self.redis, {self.store.partition: self.store.ready}).all()
        return [(window.session_events, window.final) for window in windows]

    def ended(self, reason: str) -> float:
        """How many sessions ended for a reason."""
        return self.registry.get_sample_value("logscry_consumer_sessions_ended_total", {"reason": reason}) or 0.0


@pytest.fixture
def silent(
    request: pytest.FixtureRequest, broker: Broker, redis_client: Redis, namespace: str, topic: Callable[..., str]
) -> Iterator[Silent]:
    """A gap of ten minutes, a grace of one, an idle time-out of thirty seconds; one partition, or as many as asked."""
    logs = topic("logs", partitions=getattr(request, "param", 1))
    given = {"namespace": namespace, "kafka.bootstrap_servers": broker.address, "kafka.logs_topic": logs}
    settings = load_settings(None, {**given, "kafka.session_timeout_ms": 6000})
    live = LiveSettings(9, 9, GAP_SECONDS * 1000, 1.0, grace_ms=GRACE_SECONDS * 1000)
    follower = LiveSettingsFollower(LiveSettingsStore(redis_client, namespace), live)
    registry = CollectorRegistry()
    reader = RecordReader(LineParser(JSON, Templates()))
    parts = ConsumerParts(settings, follower, redis_client, reader, ConsumerMetrics(registry))
    seconds = [100.0]
    consumer = Consumer(parts, clock=lambda: seconds[0])
    consumer._kafka.subscribe([logs], listener=consumer._assignment)
    store = PartitionStore(redis_client, namespace, PartitionId(logs, 0))
    yield Silent(consumer, store, redis_client, broker, registry, seconds)
    consumer._kafka.close(autocommit=False)


def test_sessions_of_a_silent_partition_end_by_the_clock_on_the_wall(silent: Silent):
    """A gap after the last line, and not before; the next line begins a new session."""
    silent.send(("a", 1), ("b", 2))

    silent.pass_time(GAP_SECONDS - 1)
    assert silent.windows() == []
    silent.pass_time(1)
    assert silent.windows() == [(2, True)]
    assert silent.ended("silence") == 1

    silent.send(("c", 3))
    silent.pass_time(GAP_SECONDS)
    assert silent.windows() == [(2, True), (1, True)]


def test_waits_of_a_silent_partition_end_when_the_grace_has_passed(silent: Silent):
    """The line joins its session, which goes on; stream time does not move."""
    silent.send(("a", 1))
    silent.pass_time(GRACE_SECONDS - 1)
    assert silent.redis.zcard(silent.store.waiting) == 1
    silent.pass_time(1)

    assert silent.redis.zcard(silent.store.waiting) == 0
    assert silent.windows() == []
    silent.send(("b", 2))
    silent.pass_time(GAP_SECONDS)
    assert silent.windows() == [(2, True)]


def test_a_line_in_time_ends_the_silence(silent: Silent):
    """The wait for the gap begins anew."""
    silent.send(("a", 1))
    silent.pass_time(GAP_SECONDS - 1)
    silent.send(("b", 2))
    silent.pass_time(GAP_SECONDS - 1)

    assert silent.windows() == []


def test_what_one_call_leaves_is_ended_by_the_owner_s_next_ticks(silent: Silent, monkeypatch: pytest.MonkeyPatch):
    """A line an hour later leaves nine sessions behind; a call may end two more than it brings keys."""
    cutting = silent.consumer._applier._cutting
    monkeypatch.setattr(silent.consumer._applier, "_cutting", lambda: replace(cutting(), work=Work(ends=2, joins=2)))
    at = b'{"message": "m", "time": "2026-03-01T%02d:00:00Z"}'
    topic = silent.store.partition.topic
    produce(silent.broker.address, topic, [Line(b"%d" % n, at % 0) for n in range(9)])
    wait(lambda: silent.turn() or silent.position == 9)  # type: ignore[func-returns-value]
    produce(silent.broker.address, topic, [Line(b"later", at % 1), Line(b"later", at % 2)])
    wait(lambda: silent.turn() or silent.position == 11)  # type: ignore[func-returns-value]

    for _ in range(12):
        silent.turn()

    assert silent.windows() == [(1, True)] * 10  # the first line of "later" is more than a gap before its second
    assert silent.redis.zcard(silent.store.waiting) == 1


def test_another_owner_s_sessions_are_left_alone(silent: Silent):
    """A consumer that was overtaken while it slept ends nothing."""
    silent.send(("a", 1))
    silent.turn()
    silent.store.take("another", "", start=0)
    silent.seconds[0] += GAP_SECONDS
    silent.turn()

    assert silent.windows() == []
    assert silent.registry.get_sample_value("logscry_consumer_refusals_total", {"reason": "owner"}) == 1
    # Its position is unknown now, and no lag is told of a position that is not known.
    assert silent.registry.get_sample_value("logscry_consumer_lag_records", {"partition": "0"}) == 0


@pytest.mark.parametrize("silent", [3], indirect=True)
def test_kafka_is_asked_once_about_all_partitions_that_fell_silent(
    silent: Silent, namespace: str, monkeypatch: pytest.MonkeyPatch
):
    """A connection for each would keep a consumer of many partitions from its work."""
    asked: list[list[int]] = []

    def counted(settings: KafkaSettings, partitions: list[TopicPartition]) -> dict[TopicPartition, Range]:
        asked.append([each.partition for each in partitions])
        return ranges(settings, partitions)

    monkeypatch.setattr(applying, "ranges", counted)
    logs = silent.store.partition.topic
    stores = [PartitionStore(silent.redis, namespace, PartitionId(logs, number)) for number in range(3)]
    for number in range(3):
        produce(silent.broker.address, logs, [Line(b"k", b'{"message": "a"}')], partition=number)

    def applied() -> bool:
        silent.consumer.turn()
        return [position.offset for store in stores if (position := store.position())] == [1, 1, 1]

    wait(applied)
    silent.pass_time(GAP_SECONDS)
    assert [sorted(numbers) for numbers in asked] == [[0, 1, 2]]
    assert silent.ended("silence") == 3
