"""Joining the consumer group, with the bare member and no consumer around it."""

import time
from collections.abc import Callable

import pytest
from kafka import KafkaConsumer

from deploy.embedded.broker import Broker, EmbeddedBroker
from deploy.embedded.stack import create_topics
from stream.consumers.assignment import Assignment
from stream.consumers.clients import new_consumer, poll
from stream.settings import load_settings
from tests.service import wait

pytestmark = pytest.mark.stack

POLL_MS = 5
"""So short that no join is done within one poll, as long polls are on a busy machine."""

ATTEMPTS = 3
SECONDS = 30.0


def test_a_member_whose_polls_are_shorter_than_its_join_is_given_its_partitions(
    broker: Broker, namespace: str, topic: Callable[..., str]
):
    """It joins once more when it learns of the topic's partitions while it joins, and must not forget to finish."""
    for attempt in range(ATTEMPTS):
        logs = topic("logs", partitions=4)
        settings = load_settings(None, {"kafka.bootstrap_servers": broker.address, "kafka.session_timeout_ms": 6000})
        member = new_consumer(settings.kafka, f"{namespace}-{attempt}", 100)
        assignment = Assignment(member)
        member.subscribe([logs], listener=assignment)
        assert held_at_last(member, assignment) == [0, 1, 2, 3]
        member.close(autocommit=False)


def test_a_member_takes_the_partitions_of_a_topic_that_comes_later(broker: Broker, namespace: str):
    """What Kafka answers while it does not poll is not thrown away."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker gives a member that joins once more what it had before")
    settings = load_settings(None, {"kafka.bootstrap_servers": broker.address, "kafka.session_timeout_ms": 6000})
    member = new_consumer(settings.kafka, namespace, 10, without_commit="earliest")  # nothing here says where to begin
    later = f"later-{namespace}"
    member.subscribe([later])

    def joined() -> bool:
        poll(member, POLL_MS)
        return bool(member._coordinator.stable())

    def taken() -> bool:
        poll(member, POLL_MS)
        return len(member.assignment()) == 3

    wait(joined)
    create_topics(broker.address, {later: 3})
    member._client.cluster.request_update()
    wait(taken)
    member.close(autocommit=False, timeout_ms=2000)


def held_at_last(member: KafkaConsumer, assignment: Assignment) -> list[int]:
    """Poll without a pause until some partitions have been held for a hundred polls."""
    held: list[int] = []
    quiet, deadline = 0, time.monotonic() + SECONDS
    while quiet < 100 and time.monotonic() < deadline:
        poll(member, POLL_MS)
        changes = assignment.changes()
        quiet = quiet + 1 if held and not changes else 0
        for assigned, partitions in changes:
            held = sorted(partition.partition for partition in partitions) if assigned else []
    return held
