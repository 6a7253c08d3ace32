"""The consumer's loop, turn by turn, on a real broker and a real Redis."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from deploy.embedded.broker import Broker
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.parser import LineParser
from stream.consumers.consumer import Consumer
from stream.consumers.parts import ConsumerParts
from stream.consumers.records import RecordReader
from stream.live_settings import LiveSettings, LiveSettingsFollower, LiveSettingsStore
from stream.settings import load_settings
from stream.telemetry import ConsumerMetrics
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.store import MOST_EVENTS, Cutting, PartitionId, PartitionStore
from stream.windowing.windows import WindowRule
from tests.service import Line, produce, wait

pytestmark = pytest.mark.stack

LINES = MOST_EVENTS // 2 + 1
"""Two records of so many lines do not fit into one script call."""


@pytest.fixture
def logs(topic: Callable[..., str]) -> str:
    """A logs topic of one partition."""
    return topic("logs")


@pytest.fixture
def consumer(broker: Broker, redis_client: Redis, namespace: str, logs: str) -> Iterator[Consumer]:
    """A consumer whose clock stands still: it never keeps house, so that only its batches can notice anything."""
    given = {"namespace": namespace, "kafka.bootstrap_servers": broker.address, "kafka.logs_topic": logs}
    settings = load_settings(None, {**given, "kafka.session_timeout_ms": 6000})
    live = LiveSettingsFollower(LiveSettingsStore(redis_client, namespace), LiveSettings(512, 512, 10**9, 1.0))
    reader = RecordReader(LineParser(LineFormat(), Templates()))
    parts = ConsumerParts(settings, live, redis_client, reader, ConsumerMetrics(CollectorRegistry()))
    made = Consumer(parts, clock=lambda: 1.0)
    made._housekeeping_at = 1.0
    made._kafka.subscribe([logs], listener=made._assignment)
    yield made
    made._kafka.close(autocommit=False)


def test_a_redis_that_went_back_within_a_poll_batch_costs_no_line(
    consumer: Consumer, broker: Broker, redis_client: Redis, namespace: str, logs: str
):
    """The first part is refused; the parts behind it must not be taken for the offsets that are missing."""
    store = PartitionStore(redis_client, namespace, PartitionId(logs, 0))
    big = Line(b"k", b"a\n" * LINES)

    def turn_until(offset: int) -> None:
        def reached() -> bool:
            consumer.turn()
            position = store.position()
            return position is not None and position.offset >= offset

        wait(reached)

    produce(broker.address, logs, [big])
    turn_until(1)
    older = {key: redis_client.dump(key) for key in store.keys}
    produce(broker.address, logs, [big])
    turn_until(2)
    for key, value in older.items():
        redis_client.delete(key)
        if value is not None:
            redis_client.restore(key, 0, value)
    produce(broker.address, logs, [big, big, big])
    turn_until(5)
    store.flush(5, Cutting(WindowRule(512, 512, 10**9)))

    [final] = [w for w in ReadyStreams(redis_client, {store.partition: store.ready}).all() if w.final]
    assert final.session_events == 5 * LINES
