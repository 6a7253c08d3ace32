"""Where a partition ends, also while it grows."""

import threading
from collections.abc import Callable

import pytest
from kafka import KafkaProducer, TopicPartition

from deploy.embedded.broker import Broker, EmbeddedBroker
from model.errors import ConfigurationError, KafkaAwayError
from stream.consumers.clients import reading_consumer
from stream.consumers.offsets import partitions_of, ranges, require_topics
from stream.settings import KafkaSettings, load_settings
from tests.integration.consumers import admin
from tests.service import Line, produce

pytestmark = pytest.mark.stack


def test_the_end_is_behind_the_last_record(broker: Broker, topic: Callable[..., str]):
    """Also of a batch of which the embedded broker names the first record; an empty partition ends at 0."""
    logs = topic("logs", partitions=2)
    produce(broker.address, logs, [Line(b"k", b"v")] * 700, partition=0)
    settings = kafka_settings(broker)

    found = ranges(settings, [TopicPartition(logs, 0), TopicPartition(logs, 1)])

    assert [tuple(found[TopicPartition(logs, number)]) for number in (0, 1)] == [(0, 700), (0, 0)]


def test_deleted_records_are_not_counted_and_those_of_an_open_transaction_are(
    broker: Broker, topic: Callable[..., str], namespace: str
):
    """A range is what Kafka holds, whoever may read it yet."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker deletes no records")
    logs = topic("logs")
    produce(broker.address, logs, [Line(b"k", b"v")] * 5)
    with admin(broker.address) as client:
        client.delete_records({TopicPartition(logs, 0): 2})
    producer = KafkaProducer(bootstrap_servers=broker.address, transactional_id=namespace)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(logs, b"line", b"k").get(timeout=10)
    try:
        [found] = ranges(kafka_settings(broker), [TopicPartition(logs, 0)]).values()
    finally:
        producer.abort_transaction()
        producer.close()

    assert found == (2, 6)


def test_an_end_that_is_not_known_is_not_guessed(
    broker: Broker, topic: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    """Too low a guess would look like a partition that lost what was read."""
    logs = topic("logs")
    produce(broker.address, logs, [Line(b"k", b"v")] * 700)
    monkeypatch.setattr("stream.consumers.offsets.FETCH_SECONDS", 0)  # as if no fetch were answered in time

    with pytest.raises(KafkaAwayError, match="did not tell"):
        ranges(kafka_settings(broker), [TopicPartition(logs, 0)])


def test_a_topic_that_does_not_exist_is_named_with_its_setting(broker: Broker):
    """Neither by a look at the partitions, nor where a service makes sure of its topics at its start."""
    settings = kafka_settings(broker)
    missing = settings.model_copy(update={"logs_topic": "nowhere"})
    consumer = reading_consumer(settings)
    try:
        with pytest.raises(ConfigurationError, match="nowhere does not exist"):
            partitions_of(consumer, "nowhere")
        with pytest.raises(ConfigurationError, match=r"kafka\.logs_topic .* is nowhere"):
            require_topics(missing, ["logs_topic"])
    finally:
        consumer.close()


def test_partitions_are_told_in_order(broker: Broker, topic: Callable[..., str]):
    """Flush goes through them one after the other."""
    logs = topic("logs", partitions=3)
    consumer = reading_consumer(kafka_settings(broker))
    try:
        assert partitions_of(consumer, logs) == [TopicPartition(logs, number) for number in range(3)]
    finally:
        consumer.close()


def kafka_settings(broker: Broker) -> KafkaSettings:
    """How to reach the broker."""
    return load_settings(None, {"kafka.bootstrap_servers": broker.address}).kafka


@pytest.mark.timeout(60)
def test_a_topic_that_never_falls_silent_has_an_end_too(broker: Broker, topic: Callable[..., str]):
    """Lines that keep coming do not keep a consumer from taking its partitions."""
    logs = topic("logs")
    settings = kafka_settings(broker)
    producer = KafkaProducer(bootstrap_servers=broker.address, linger_ms=0)
    stop = threading.Event()
    sent = 0

    def write() -> None:
        nonlocal sent
        while not stop.wait(0.005):
            producer.send(logs, b"line", b"k").get(timeout=10)
            sent += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        [found] = ranges(settings, [TopicPartition(logs, 0)]).values()
    finally:
        stop.set()
        writer.join()
        producer.close()
    assert 0 <= found.end <= sent
