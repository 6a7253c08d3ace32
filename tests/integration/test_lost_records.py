"""Records that Kafka no longer has while a consumer runs: deleted before they were read, or lost after.

One broker whose file is cut shows what an election of a replica that lagged behind shows: a partition that ends before
offsets that were read, and gives those offsets to other records afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaError
from redis import Redis

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker
from deploy.embedded.stack import create_topics
from model.errors import StateError
from stream.consumers.consumer import Consumer
from stream.settings import Settings
from stream.windowing.calls import Batch, Cutting
from stream.windowing.windows import WindowRule
from tests.integration.consumers import admin, applied, group_member, settings_of, store_of, turn_until
from tests.service import Line, produce, wait

pytestmark = pytest.mark.stack

LOGS = "logs"


@pytest.mark.parametrize("written_since", [0, 30])
def test_a_partition_that_lost_what_was_read_stops_the_consumer(
    own_broker: ApacheKafka | EmbeddedBroker, redis_client: Redis, namespace: str, written_since: int
):
    """Also when it has grown past the position again with other records."""
    if isinstance(own_broker, EmbeddedBroker):
        pytest.skip("the embedded broker keeps its records in memory: nothing is left after a kill")
    create_topics(own_broker.address, {LOGS: 1})
    settings = settings_of(own_broker.address, namespace, LOGS)
    with group_member(settings, redis_client) as consumer:
        for _ in range(10):
            produce(own_broker.address, LOGS, [Line(b"k", b"line")])
        turn_until(consumer, lambda: applied(redis_client, settings) == 10)
        own_broker.kill()
        failed = consumer._parts.metrics.failed_turns.labels("kafka")
        turn_until(consumer, lambda: failed._value.get() > 0)
        cut_in_half(own_broker)
        own_broker.restart()
        produce(own_broker.address, LOGS, [Line(b"other", b"line")] * written_since)

        with pytest.raises(StateError, match=r"logscry reset"):
            turn_until(consumer, lambda: False)

        assert applied(redis_client, settings) == 10


def test_a_consumer_goes_on_behind_what_another_read_after_an_election(
    own_broker: ApacheKafka | EmbeddedBroker, redis_client: Redis, namespace: str
):
    """What it read itself is of an older election than the position: nothing is lost by that."""
    if isinstance(own_broker, EmbeddedBroker):
        pytest.skip("the embedded broker holds no elections")
    settings = settings_of(own_broker.address, namespace, LOGS)
    with after_an_election(own_broker, redis_client, settings) as consumer:
        read_by_another(redis_client, settings)
        produce(own_broker.address, LOGS, [Line(b"k", b"line")])

        turn_until(consumer, lambda: applied(redis_client, settings) == 21)


def test_a_new_consumer_goes_on_behind_what_was_committed_before_an_election(
    own_broker: ApacheKafka | EmbeddedBroker, redis_client: Redis, namespace: str
):
    """Commits follow behind: whoever read the newer records was killed before it committed."""
    if isinstance(own_broker, EmbeddedBroker):
        pytest.skip("the embedded broker holds no elections")
    settings = settings_of(own_broker.address, namespace, LOGS)
    with after_an_election(own_broker, redis_client, settings):
        read_by_another(redis_client, settings)
    produce(own_broker.address, LOGS, [Line(b"k", b"line")])

    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 21)


@contextmanager
def after_an_election(broker: ApacheKafka, redis: Redis, settings: Settings) -> Iterator[Consumer]:
    """A consumer that has read and committed ten records before an election; ten more were written since."""
    create_topics(broker.address, {LOGS: 1})
    with group_member(settings, redis) as consumer:
        produce(broker.address, LOGS, [Line(b"k", b"line")] * 10)
        turn_until(consumer, lambda: consumer._kafka.committed(TopicPartition(LOGS, 0)) == 10)
        broker.kill()
        broker.restart()
        produce(broker.address, LOGS, [Line(b"k", b"line")] * 10)
        yield consumer


def read_by_another(redis: Redis, settings: Settings) -> None:
    """Another consumer takes the partition and applies the ten records."""
    store = store_of(redis, settings)
    store.take("another", topic_id="", start=0)
    assert store.apply("another", Batch(10, 20), Cutting(WindowRule())).refusal is None


def cut_in_half(broker: ApacheKafka) -> None:
    """Take the newest records of the only partition from a broker that does not run."""
    assert broker.folder is not None
    [segment] = broker.folder.glob(f"**/{LOGS}-0/*.log")
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size // 2)


def test_records_deleted_while_a_consumer_does_not_read_are_counted_and_passed_over(
    broker: Broker, redis_client: Redis, namespace: str, topic
):
    """A partition that waits for workers falls behind retention; what is left is applied."""
    logs = topic("logs")
    partition = TopicPartition(logs, 0)
    settings = settings_of(broker.address, namespace, logs)
    with group_member(settings, redis_client) as consumer:
        produce(broker.address, logs, [Line(b"k", b"line")])
        turn_until(consumer, lambda: applied(redis_client, settings) == 1)
        consumer._kafka.pause(partition)
        wait(lambda: not consumer._kafka._fetcher.in_flight_fetches())
        produce(broker.address, logs, [Line(b"k", b"line")] * 5)
        try:
            with admin(broker.address) as client:
                client.delete_records({partition: 4})
        except KafkaError as exc:
            pytest.skip(f"this broker deletes no records: {exc!r}")
        consumer._kafka.resume(partition)

        turn_until(consumer, lambda: applied(redis_client, settings) == 6)

        metrics = consumer._parts.metrics
        assert (metrics.deleted_unread._value.get(), metrics.records._value.get()) == (3, 3)
