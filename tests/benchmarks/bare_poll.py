"""The bare kafka-python poll loop: what a consumer that does nothing with its records reaches, and ours is held to."""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition

__all__ = ["Speed", "bare_poll", "bare_poll_alone"]


class Speed(NamedTuple):
    """How fast a process reads.

    Attributes:
        lines_per_second: By the clock.
        processor_us: Microseconds of the processor that it takes for a line: other processes change this little.
    """

    lines_per_second: float
    processor_us: float


def bare_poll(address: str, topic: str, partitions: int, records: int) -> Speed:
    """Read a topic of so many records to its end, with the fetch settings of the consumer.

    It is timed from the end of the first poll on: connecting is not what is measured.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=2000,
        isolation_level="read_committed",
        metrics_enabled=False,
    )
    consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
    first = 0
    while not first:
        first = sum(map(len, consumer.poll(timeout_ms=200).values()))
    seen, begin, processor = first, time.monotonic(), time.process_time()
    while seen < records:
        seen += sum(map(len, consumer.poll(timeout_ms=200).values()))
    seconds, used = time.monotonic() - begin, time.process_time() - processor
    consumer.close()
    return Speed((records - first) / seconds, used / (records - first) * 1e6)


def bare_poll_alone(address: str, topic: str, partitions: int, records: int) -> Speed:
    """The same in a process of its own, as a consumer is one."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(bare_poll, address, topic, partitions, records).result()
