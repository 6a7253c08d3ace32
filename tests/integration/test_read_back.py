"""Raw lines from Kafka, read back by offset."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from deploy.embedded.broker import ApacheKafka, Broker, EmbeddedBroker
from deploy.embedded.ports import wait_until
from deploy.embedded.stack import create_topics
from stream.settings import load_settings
from stream.windowing.store import PartitionId
from stream.worker.read_back import AWAY_SECONDS, KEEP_BYTES, KEEP_SECONDS, ReadBack
from tests.service import Line, produce

pytestmark = pytest.mark.stack


def _state(pid: int | None) -> str:
    """That of a process, as Linux tells it: R, S, D, T (stopped) ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


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
    now = KEEP_SECONDS + 1  # what was read is forgotten
    assert own_broker.pid is not None
    os.kill(own_broker.pid, signal.SIGSTOP)
    assert wait_until(lambda: _state(own_broker.pid) == "T", 10)  # until then it still answers
    assert texts() == []
    os.kill(own_broker.pid, signal.SIGCONT)
    now += AWAY_SECONDS - 1
    assert texts() == []
    now += 2
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets that Kafka is asked for."""
    offsets: list[int] = []
    seek = KafkaConsumer.seek

    def noted(self: "KafkaConsumer", partition: Any, offset: int) -> None:
        offsets.append(offset)
        seek(self, partition, offset)

    monkeypatch.setattr(KafkaConsumer, "seek", noted)
    return offsets


def test_a_record_of_many_windows_is_read_once(broker: Broker, topic: Callable[..., str], asked: list[int]):
    """Its lines are those that a reader finds that keeps nothing."""
    logs = topic("logs")
    many = b"\n".join(b"line %d" % number for number in range(30))
    array = b"[" + b",".join(b'{"msg":"%d"}' % number for number in range(30)) + b"]"
    produce(broker.address, logs, [Line(b"k", many), Line(b"k", array)])
    settings = load_settings(None, {"kafka.bootstrap_servers": broker.address}).kafka
    windows = [[offset << 16 | line for offset in (0, 1) for line in (first, first + 1)] for first in range(29)]

    keeping = ReadBack(settings)
    kept = [keeping.lines(PartitionId(logs, 0), b"k", places) for places in windows]
    assert asked == [0, 1]
    assert keeping.lines(PartitionId(logs, 0), b"other", windows[0]) == []
    keeping.close()

    now = 0.0
    forgetting = ReadBack(settings, lambda: now)
    for places, lines in zip(windows, kept, strict=True):
        now += KEEP_SECONDS + 1
        assert forgetting.lines(PartitionId(logs, 0), b"k", places) == lines
    assert len(asked) == 2 + 2 * len(windows)
    forgetting.close()
    assert [line.value for line in kept[28]] == [b"line 28", b"line 29", b'{"msg":"28"}', b'{"msg":"29"}']


def test_what_is_kept_of_records_is_bounded(broker: Broker, topic: Callable[..., str], asked: list[int]):
    """The record that was asked for longest ago makes room, and is read again."""
    logs = topic("logs")
    value = b"x" * 900_000
    count = KEEP_BYTES // len(value)  # each weighs at least twice its bytes
    produce(broker.address, logs, [Line(b"k", value)] * count)
    read_back = ReadBack(load_settings(None, {"kafka.bootstrap_servers": broker.address}).kafka, lambda: 0.0)

    for offset in [*range(count), count - 1, 0]:
        [line] = read_back.lines(PartitionId(logs, 0), b"k", [offset << 16])
        assert line.value == value
    read_back.close()
    assert asked == [*range(count), 0]
