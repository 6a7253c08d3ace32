"""The consumer's loop, turn by turn, on a real broker and a real Redis."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer, TopicPartition
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
from stream.windowing.calls import MOST_EVENTS, Cutting
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.store import PartitionId, PartitionStore
from stream.windowing.windows import WindowRule
from tests.integration.consumers import applied, group_member, settings_of, turn_until
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


def recover(consumer: Consumer) -> None:
    """After a failure, turn until a turn shows that the servers answer again."""
    consumer._loop._backoff.failed()
    consumer._set_aside()

    def recovered() -> bool:
        consumer._loop.turn()
        return consumer._loop._backoff.failures == 0

    wait(recovered, seconds=30)


def test_a_consumer_of_full_ready_streams_is_well_again_after_a_failure(
    broker: Broker, redis_client: Redis, namespace: str, logs: str
):
    """It reads nothing until workers come, which is no sign that a server is away."""
    settings = settings_of(broker.address, namespace, logs)
    redis = settings.redis.model_copy(update={"max_ready_bytes": 1_000})
    consumer_settings = settings.consumer.model_copy(update={"poll_records": 50})
    settings = settings.model_copy(update={"redis": redis, "consumer": consumer_settings})
    with group_member(settings, redis_client) as consumer:
        produce(broker.address, logs, [Line(b"k", b"line")] * 200)
        turn_until(consumer, lambda: any(each.full for each in consumer._held.values()))
        recover(consumer)

        assert all(each.full for each in consumer._held.values())
        assert applied(redis_client, settings) < consumer._kafka.highwater(TopicPartition(logs, 0)) == 200


def test_a_consumer_before_an_open_transaction_is_well_again_after_a_failure(
    broker: Broker, redis_client: Redis, namespace: str, logs: str
):
    """The partition goes on behind it, and nothing of that is to be had until the transaction ends."""
    settings = settings_of(broker.address, namespace, logs)
    producer = KafkaProducer(bootstrap_servers=broker.address, transactional_id=namespace, metrics_enabled=False)
    producer.init_transactions()
    with group_member(settings, redis_client) as consumer:
        produce(broker.address, logs, [Line(b"k", b"line")])
        turn_until(consumer, lambda: applied(redis_client, settings) == 1)
        producer.begin_transaction()
        producer.send(logs, b"line", b"k")
        producer.flush()
        turn_until(consumer, lambda: consumer._kafka.highwater(TopicPartition(logs, 0)) == 2)
        recover(consumer)
        producer.commit_transaction()
        turn_until(consumer, lambda: applied(redis_client, settings) >= 2)
    producer.close()


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
