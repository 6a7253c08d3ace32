"""A topic that goes away, or comes back as another one, while a consumer reads it."""

from collections.abc import Callable

import pytest
from redis import Redis

from deploy.embedded.broker import Broker
from model.errors import StateError
from tests.integration.consumers import (
    admin,
    applied,
    create_again,
    group_member,
    settings_of,
    store_of,
    turn_until,
)
from tests.service import Line, produce

pytestmark = pytest.mark.stack


@pytest.fixture
def logs(topic: Callable[..., str]) -> str:
    """A logs topic of one partition."""
    return topic("logs")


def test_records_of_a_topic_made_anew_are_never_applied_to_the_old_state(
    broker: Broker, redis_client: Redis, namespace: str, logs: str
):
    """Nobody turns meanwhile, and the new topic is longer than the old position when it is looked at."""
    settings = settings_of(broker.address, namespace, logs)
    with group_member(settings, redis_client) as consumer:
        produce(broker.address, logs, [Line(b"old", b"line")] * 3)
        turn_until(consumer, lambda: applied(redis_client, settings) == 3)
        with admin(broker.address) as client:
            client.delete_topics([logs])
        create_again(broker.address, logs)
        produce(broker.address, logs, [Line(b"new", b"line")] * 20)

        with pytest.raises(StateError, match=r"made anew.*logscry reset"):
            turn_until(consumer, lambda: False)

        assert applied(redis_client, settings) == 3
        assert redis_client.hkeys(store_of(redis_client, settings).sessions) == [b"old"]


def test_a_deleted_topic_stays_deleted_and_its_consumer_says_so(
    broker: Broker, redis_client: Redis, namespace: str, logs: str
):
    """Asking a broker for a topic creates it where the broker may, with a number of partitions that nobody chose."""
    settings = settings_of(broker.address, namespace, logs)
    with group_member(settings, redis_client) as consumer, admin(broker.address) as client:
        turn_until(consumer, lambda: applied(redis_client, settings) == 0)
        client.delete_topics([logs])
        failed = consumer._parts.metrics.failed_turns.labels("kafka")
        turn_until(consumer, lambda: failed._value.get() >= 5)

        assert logs not in client.list_topics()
