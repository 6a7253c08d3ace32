"""Where partitions begin and end."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition

from model.errors import ConfigurationError, KafkaAwayError
from stream.consumers.clients import reading_consumer, translated
from stream.settings import KafkaSettings

__all__ = ["Range", "partitions_of", "ranges", "require_topics"]

FETCH_SECONDS = 2.0
"""How long to wait for the high watermarks."""


class Range(NamedTuple):
    """The offsets ``[begin, end)`` that a partition holds; records of open transactions included."""

    begin: int
    end: int


def partitions_of(consumer: "KafkaConsumer", topic: str) -> list[TopicPartition]:
    """The partitions of a topic.

    Raises:
        ConfigurationError: There is no such topic.
        TransientError: Kafka does not answer.
    """
    with translated(f"looking for topic {topic}"):
        numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise ConfigurationError(
            f"Topic {topic} does not exist. Create it with as many partitions as consumers should ever share, "
            "or name another one."
        )
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def require_topics(settings: KafkaSettings, names: Iterable[str]) -> None:
    """Make sure that topics exist: a mistyped one would otherwise be created by a broker that is set up to do so.

    Args:
        settings: Where Kafka is, and the topics.
        names: Names of settings, such as ``logs_topic``.

    Raises:
        ConfigurationError: One does not exist.
        TransientError: Kafka does not answer.
    """
    consumer = reading_consumer(settings)
    try:
        for name in names:
            topic = getattr(settings, name)
            with translated(f"looking for topic {topic}"):
                if not consumer.partitions_for_topic(topic):
                    raise ConfigurationError(
                        f"kafka.{name} (LOGSCRY_KAFKA__{name.upper()}) is {topic}, and there is no such topic. "
                        "Create it, or name another one."
                    )
    finally:
        consumer.close()


def ranges(settings: KafkaSettings, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Range]:
    """The offsets that partitions hold now.

    The embedded broker answers with the offset behind the first record of the last batch. What it says along with
    fetched records, the high watermark, is right, so the end is the larger of both. An end that is too low would make a
    state look as if it had seen too much: without the watermark there is none.

    Raises:
        ConfigurationError, KafkaAwayError: See `translated`; or a partition was not fetched from in time.
    """
    wanted = list(partitions)
    consumer = reading_consumer(settings)
    try:
        with translated("asking for offsets"):
            consumer.assign(wanted)
            begins, ends = consumer.beginning_offsets(wanted), consumer.end_offsets(wanted)
            for partition in wanted:
                consumer.seek(partition, ends[partition])
            deadline = time.monotonic() + FETCH_SECONDS
            while any(consumer.highwater(p) is None for p in wanted) and time.monotonic() < deadline:
                consumer.poll(timeout_ms=50)
            watermarks = {partition: consumer.highwater(partition) for partition in wanted}
    finally:
        consumer.close()
    if silent := [p for p, watermark in watermarks.items() if watermark is None]:
        raise KafkaAwayError(f"Kafka did not tell within {FETCH_SECONDS:.0f} s where {silent[0]} ends.")
    return {p: Range(begins[p], max(ends[p], watermarks[p])) for p in wanted}
