"""Members of the rekey stage's group that are put out of it, on a real Kafka."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kafka.admin import MemberToRemove
from prometheus_client import CollectorRegistry

from deploy.embedded.broker import Broker, EmbeddedBroker
from model.errors import KafkaAwayError
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from stream.consumers.keying import Passing
from stream.consumers.rekey import Rekey, RekeyParts
from stream.settings import Settings
from stream.telemetry import RekeyMetrics
from tests.integration.consumers import admin, settings_of
from tests.service import Line, produce, read_all, wait

pytestmark = pytest.mark.stack

LINES = [b"k=%d line %d" % (number % 3, number) for number in range(30)]


@contextmanager
def group_member(settings: Settings) -> Iterator[Rekey]:
    """A rekey stage within the test's own process, turned by hand."""
    keys = KeyExtractor(KeyRule(pattern=r"k=(\d)"))
    stage = Rekey(RekeyParts(settings, keys, RekeyMetrics(CollectorRegistry()), threading.Event()))
    stage._consumer.subscribe([settings.kafka.raw_topic])
    try:
        yield stage
    finally:
        stage._drop_producer()
        stage._consumer.close(autocommit=False, timeout_ms=2000)


def turn_until(stage: Rekey, done: Callable[[], object]) -> None:
    """Let the stage turn until a condition holds; its waits are taken out."""

    def turned() -> object:
        stage._loop._backoff.succeeded()
        stage._loop.turn()
        return done()

    wait(turned)


def put_out(settings: Settings, stage: Rekey) -> None:
    """Have Kafka forget a member, as it does with one that was silent for too long, and the member learn of it."""
    member = stage._consumer.group_metadata()
    with admin(settings.kafka.bootstrap_servers) as client:
        client.remove_group_members(member.group_id, [MemberToRemove(member_id=member.member_id)])
    wait(lambda: stage._consumer.group_metadata().member_id != member.member_id)


@pytest.fixture
def settings(broker: Broker, namespace: str, topic: Callable[..., str]) -> Settings:
    """Of a stage whose raw topic holds the lines."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker shows the records of aborted transactions")
    raw, keyed, letters = topic("raw"), topic("keyed"), topic("letters")
    produce(broker.address, raw, [Line(None, value) for value in LINES])
    return settings_of(broker.address, namespace, keyed, raw_topic=raw, dead_letters_topic=letters)


def test_a_member_that_learns_in_a_transaction_that_it_is_out_of_the_group_does_not_commit(settings: Settings):
    """kafka-python then names no member at all, and offsets that name none Kafka takes from anybody."""
    with group_member(settings) as late, group_member(settings) as heir:
        send_all = late._send_all

        def send_all_and_be_put_out(producer: object, passing: Passing) -> None:
            late._send_all = send_all  # type: ignore[method-assign]
            send_all(producer, passing)
            put_out(settings, late)
            turn_until(heir, lambda: heir._parts.metrics.records._value.get() == len(LINES))

        late._send_all = send_all_and_be_put_out  # type: ignore[method-assign]
        turn_until(late, lambda: late._send_all == send_all)
        turn_until(late, lambda: late._consumer.group_metadata().member_id)
        assert late._parts.metrics.aborted._value.get() == 1
        assert late._parts.metrics.records._value.get() == 0
    found = read_all(settings.kafka.bootstrap_servers, settings.kafka.logs_topic)
    assert sorted(record.value for record in found) == sorted(LINES)


def test_a_member_that_knows_that_it_is_out_of_the_group_begins_no_transaction(settings: Settings):
    """It may learn of it between reading a batch and passing it on; the next turn joins the group again."""
    with group_member(settings) as stage:
        turn_until(stage, stage._consumer.assignment)
        put_out(settings, stage)
        with pytest.raises(KafkaAwayError, match="gone on without this member"):
            stage._membership()
        turn_until(stage, lambda: stage._consumer.group_metadata().member_id)
        assert stage._membership().generation_id > 0
