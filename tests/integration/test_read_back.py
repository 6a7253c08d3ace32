"""Raw lines from Kafka, read back by offset."""

import os
import signal
from collections.abc import Callable

import pytest

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker
from deploy.embedded.stack import create_topics
from stream.settings import load_settings
from stream.windowing.store import PartitionId
from stream.worker.read_back import AWAY_SECONDS, ReadBack
from tests.service import Line, produce

pytestmark = pytest.mark.stack


def test_a_kafka_that_gives_no_record_is_not_asked_for_every_line(own_broker: ApacheKafka | EmbeddedBroker):
    """It is asked again some time later: a batch of alerts waits for it once, not as often as it has lines."""
    create_topics(own_broker.address, {"logs": 1})
    produce(own_broker.address, "logs", [Line(b"k", b"first\nsecond"), Line(b"k", b"third")])
    now = 0.0
    settings = load_settings(None, {"kafka.bootstrap_servers": own_broker.address})
    read_back = ReadBack(settings.kafka, lambda: now)

    def texts() -> list[bytes]:
        return [line.value for line in read_back.lines(PartitionId("logs", 0), b"k", [1, 1 << 16])]

    assert texts() == [b"second", b"third"]
    assert own_broker.pid is not None
    os.kill(own_broker.pid, signal.SIGSTOP)
    assert texts() == []
    os.kill(own_broker.pid, signal.SIGCONT)
    now = AWAY_SECONDS - 1
    assert texts() == []
    now = AWAY_SECONDS + 1
    assert texts() == [b"second", b"third"]
    read_back.close()


def test_a_line_of_another_key_is_left_out(broker: Broker, topic: Callable[..., str]):
    """Where a topic was made anew, what stands at a window's offsets is not the window's."""
    logs = topic("logs")
    produce(
        broker.address, logs, [Line(b"k", b"first"), Line(b"other", b"secret"), Line(None, b"no"), Line(b"k", b"last")]
    )
    read_back = ReadBack(load_settings(None, {"kafka.bootstrap_servers": broker.address}).kafka)

    found = read_back.lines(PartitionId(logs, 0), b"k", [offset << 16 for offset in range(4)])
    assert [(line.place >> 16, line.value) for line in found] == [(0, b"first"), (3, b"last")]
    read_back.close()
