"""What the rekey stage makes of records with several lines, and of lines without a key, on a real broker."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from prometheus_client import CollectorRegistry

from deploy.embedded.broker import Broker
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.key_rule import SHARED_KEY, KeyRule, Without
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from stream.consumers.rekey import Rekey, RekeyParts
from stream.telemetry import RekeyMetrics
from tests.integration.consumers import settings_of
from tests.service import Line, produce, read_all, wait
from tests.unit.model.lines.test_otlp import as_proto, logs, record

pytestmark = pytest.mark.stack

FIRST, SECOND = "01" * 16, "02" * 16


class Rekeyed:
    """What came of raw records: the keyed ones, the dead letters, and what was counted."""

    def __init__(self, keyed: list[Any], letters: list[Any], metrics: RekeyMetrics) -> None:
        self.keyed = [(each.key, each.value) for each in keyed]
        self.letters = [json.loads(each.value) for each in letters]
        self.dropped = metrics.dropped._value.get()


@pytest.fixture
def rekeyed(broker: Broker, namespace: str, topic: Callable[..., str]) -> Callable[[KeyRule, list[Line]], Rekeyed]:
    """Passes records through the stage."""

    def pass_through(rule: KeyRule, lines: list[Line]) -> Rekeyed:
        raw, keyed, letters = topic("raw"), topic("keyed"), topic("letters")
        settings = settings_of(broker.address, namespace, keyed, raw_topic=raw, dead_letters_topic=letters)
        metrics = RekeyMetrics(CollectorRegistry())
        stage = Rekey(RekeyParts(settings, KeyExtractor(rule), metrics, threading.Event()))
        stage._consumer.subscribe([raw])
        produce(broker.address, raw, lines)
        wait(lambda: stage.turn() and metrics.records._value.get() == len(lines))
        stage._drop_producer()
        stage._consumer.close(autocommit=False, timeout_ms=2000)
        return Rekeyed(read_all(broker.address, keyed), read_all(broker.address, letters), metrics)

    return pass_through


def test_a_record_of_many_lines_is_parted_between_their_keys(rekeyed: Callable[[KeyRule, list[Line]], Rekeyed]):
    """The log records of a collector's batch go to the sequences of their traces, as OTLP, in their order."""
    value = as_proto(logs(record("a", traceId=FIRST), record("b", traceId=SECOND), record("c", traceId=FIRST)))
    found = rekeyed(KeyRule(fields=("service.name", "traceId")), [Line(None, value)])

    parsed = LineParser(LineFormat("otlp-proto"), Templates()).parse([value for _, value in found.keyed])
    assert [key for key, _ in found.keyed] == [f"cart|{trace}".encode() for trace in (FIRST, SECOND, FIRST)]
    assert [novel.text for novel in parsed.novel.values()] == ["a", "b", "c"]
    assert found.letters == []


@pytest.mark.parametrize(
    ("without", "keys", "letters", "dropped"),
    [("dead-letter", [b"1", b"2"], 1, 0), ("shared", [b"1", SHARED_KEY, b"2"], 0, 0), ("drop", [b"1", b"2"], 0, 1)],
)
def test_lines_without_a_key_are_treated_as_the_rule_says(
    rekeyed: Callable[[KeyRule, list[Line]], Rekeyed], without: Without, keys: list[bytes], letters: int, dropped: int
):
    """They become a dead letter of their own, have one key together, or are counted; their neighbours pass."""
    value = b'[{"id": 1, "msg": "a"}, {"msg": "lost"}, {"id": 2, "msg": "b"}]'
    found = rekeyed(KeyRule(fields=("id",), without=without), [Line(None, value)])

    assert [key for key, _ in found.keyed] == keys
    assert [letter["reason"] for letter in found.letters] == ["no-key"] * letters
    assert [letter["value_bytes"] for letter in found.letters] == [len(b'{"msg":"lost"}')] * letters
    assert found.dropped == dropped


def without_answer(*_: object) -> None:
    """As a Kafka that hangs."""
    raise KafkaTimeoutError("no answer")


def test_what_is_done_again_is_counted_once(broker: Broker, namespace: str, topic: Callable[..., str]):
    """A transaction that was aborted has passed nothing on: no record, no dead letter, nothing dropped."""
    raw, keyed, letters = topic("raw"), topic("keyed"), topic("letters")
    settings = settings_of(broker.address, namespace, keyed, raw_topic=raw, dead_letters_topic=letters)
    metrics = RekeyMetrics(CollectorRegistry())
    keys = KeyExtractor(KeyRule(fields=("id",), without="drop"))
    stage = Rekey(RekeyParts(settings, keys, metrics, threading.Event()))
    stage._consumer.subscribe([raw])
    produce(broker.address, raw, [Line(None, b'[{"id": 1, "msg": "a"}, {"msg": "lost"}]'), Line(b"k", None)])
    producer = stage._ready_producer()

    def turned() -> bool:
        stage._loop._backoff.succeeded()
        stage._loop.turn()
        return bool(metrics.transactions._value.get())

    producer.send_offsets_to_transaction = without_answer  # before the commit: Kafka then aborts the transaction
    wait(turned)
    stage._drop_producer()
    stage._consumer.close(autocommit=False, timeout_ms=2000)

    assert metrics.aborted._value.get() == 1
    counted = [metrics.records, metrics.lines, metrics.dropped, metrics.dead_letters.labels("no-key")]
    assert [each._value.get() for each in counted] == [2, 1, 1, 1]
    if broker.name != "embedded":  # there the records of an aborted transaction stay
        assert [len(read_all(broker.address, name)) for name in (keyed, letters)] == [1, 1]


def test_the_records_own_key_can_be_a_part(rekeyed: Callable[[KeyRule, list[Line]], Rekeyed]):
    """A topic keyed by host becomes one keyed by host and request."""
    found = rekeyed(KeyRule(record_key=True, pattern=r"req=(\d)"), [Line(b"web-1", b"req=7 a"), Line(None, b"req=8 b")])

    assert {key for key, _ in found.keyed} == {b"web-1|7", b"|8"}
