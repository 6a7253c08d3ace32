"""Batches that kafka-python cannot read, on real brokers: what is behind them is read, and so are other partitions."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker
from deploy.embedded.stack import create_topics
from stream.consumers.clients import reading_consumer
from stream.consumers.unpacking import MAX_BATCH_BYTES
from stream.consumers.unreadable import UnreadableRecord
from stream.settings import load_settings
from tests.raw_batches import Raw, batch_of, produce_batch, with_bad_header_name
from tests.service import wait

pytestmark = pytest.mark.stack

GOOD = [Raw(b"one"), Raw(b"two")]


def reading(address: str, topic: str, partitions: int = 1) -> Iterator["KafkaConsumer"]:
    """A consumer as the service makes one."""
    consumer = reading_consumer(load_settings(None, {"kafka.bootstrap_servers": address}).kafka)
    consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
    try:
        yield consumer
    finally:
        consumer.close()


def polled(consumer: "KafkaConsumer", count: int) -> list[Any]:
    """So many records."""
    found: list[Any] = []

    def enough() -> bool:
        for records in consumer.poll(timeout_ms=200).values():
            found.extend(records)
        return len(found) >= count

    wait(enough, seconds=30)
    return found


def test_records_whose_headers_have_bad_names_are_read(broker: Broker, topic: Callable[..., str]):
    """Kafka takes a name that is no UTF-8; the records have their keys and values, and so have those behind them."""
    logs = topic("logs", partitions=2)
    bad = with_bad_header_name(batch_of([Raw(b"bad", headers=[("name", b"v")]), Raw(b"beside")]), b"name")
    for batch, partition in ((batch_of(GOOD), 0), (bad, 0), (batch_of(GOOD), 0), (batch_of(GOOD), 1)):
        assert produce_batch(broker.address, logs, batch, partition) == "NoError"
    for consumer in reading(broker.address, logs, partitions=2):
        records = polled(consumer, 8)

    assert [r.value for r in records if r.partition == 0] == [b"one", b"two", b"bad", b"beside", b"one", b"two"]
    assert [r.offset for r in records if r.partition == 0] == list(range(6))
    assert [r.value for r in records if r.partition == 1] == [b"one", b"two"]


def test_a_batch_that_was_damaged_on_a_disk_stops_nothing(own_broker: ApacheKafka | EmbeddedBroker):
    """One record says which offsets are lost; those before and behind them are read."""
    create_topics(own_broker.address, {"logs": 1})
    doomed = batch_of([Raw(b"three, whose disk is failing"), Raw(b"four")])
    if isinstance(own_broker, EmbeddedBroker):  # it keeps what it is given, checksum and all
        doomed = doomed.replace(b"failing", b"at fail")
    for batch in (batch_of(GOOD), doomed, batch_of(GOOD)):
        assert produce_batch(own_broker.address, "logs", batch) == "NoError"
    if isinstance(own_broker, ApacheKafka):
        damage(own_broker, b"failing")
    for consumer in reading(own_broker.address, "logs"):
        records = polled(consumer, 5)

    assert [(r.offset, r.value) for r in records] == [(0, b"one"), (1, b"two"), (3, None), (4, b"one"), (5, b"two")]
    [lost] = [record for record in records if isinstance(record, UnreadableRecord)]
    assert lost.error.reason == "unreadable"
    assert "offsets 2 to 3" in lost.error.detail


def test_a_small_batch_that_holds_too_much_stops_nothing(broker: Broker, topic: Callable[..., str]):
    """Kilobytes that would unpack to more than the bound: one record says so, and what is behind them is read."""
    logs = topic("logs")
    for batch in (batch_of([Raw(bytes(MAX_BATCH_BYTES))], "zstd"), batch_of(GOOD)):
        assert produce_batch(broker.address, logs, batch) == "NoError"
    for consumer in reading(broker.address, logs):
        records = polled(consumer, 3)

    assert [(r.offset, r.value) for r in records] == [(0, None), (1, b"one"), (2, b"two")]
    assert "holds more than" in records[0].error.detail


def damage(broker: ApacheKafka, text: bytes) -> None:
    """Change what lies on the broker's disk: it sends files as they are."""
    for segment in (broker.folder or Path()).rglob("logs-0/*.log"):
        at = segment.read_bytes().find(text)
        if at >= 0:
            with segment.open("r+b") as file:
                file.seek(at)
                file.write(b"X" * len(text))
            return
    raise AssertionError(f"{text!r} is in none of the broker's files")


def test_kafka_refuses_what_would_be_unreadable(broker: Broker, topic: Callable[..., str]):
    """A batch with a wrong checksum never reaches a consumer of Apache Kafka; the embedded broker looks at none."""
    logs = topic("logs")
    said = produce_batch(broker.address, logs, batch_of(GOOD).replace(b"two", b"too"))

    assert said == ("NoError" if broker.name == "embedded" else "CorruptRecordError")
