"""Where a partition ends, also while it grows."""

import threading
from collections.abc import Callable

import pytest
from kafka import KafkaProducer, TopicPartition

from deploy.embedded.broker import Broker
from stream.consumers.offsets import ranges
from stream.settings import load_settings
from tests.service import Line, produce

pytestmark = pytest.mark.stack


def test_the_end_is_behind_the_last_record(broker: Broker, topic: Callable[..., str]):
    """Also of a batch of which the embedded broker names the first record; an empty partition ends at 0."""
    logs = topic("logs", partitions=2)
    produce(broker.address, logs, [Line(b"k", b"v")] * 700, partition=0)
    settings = load_settings(None, {"kafka.bootstrap_servers": broker.address}).kafka

    found = ranges(settings, [TopicPartition(logs, 0), TopicPartition(logs, 1)])

    assert [tuple(found[TopicPartition(logs, number)]) for number in (0, 1)] == [(0, 700), (0, 0)]


@pytest.mark.timeout(60)
def test_a_topic_that_never_falls_silent_has_an_end_too(broker: Broker, topic: Callable[..., str]):
    """Lines that keep coming do not keep a consumer from taking its partitions."""
    logs = topic("logs")
    settings = load_settings(None, {"kafka.bootstrap_servers": broker.address}).kafka
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
