"""A Redis that comes back older, or without anything, under a consumer that has nothing to read."""

from collections.abc import Callable

import pytest
from redis import Redis

from deploy.embedded.broker import Broker
from stream.live_settings import LiveSettingsStore
from stream.settings import Settings
from stream.windowing.ready_streams import ReadyStreams
from tests.integration.consumers import applied, group_member, settings_of, store_of, turn_until
from tests.service import Line, produce

pytestmark = pytest.mark.stack

LINES = [Line(b"k", b"line")] * 12


@pytest.fixture(params=["earliest", "latest"])
def settings(request: pytest.FixtureRequest, broker: Broker, topic: Callable[..., str], namespace: str) -> Settings:
    """Of a service over one partition, whichever end it begins at."""
    return settings_of(broker.address, namespace, topic("logs"), start_at=request.param)


def cut(redis: Redis, settings: Settings) -> set[int]:
    """How many events the session had at each window in the ready stream."""
    store = store_of(redis, settings)
    streams = ReadyStreams(redis, {store.partition: store.ready})
    return {window.session_events for window in streams.all()}


def test_a_state_that_went_back_is_brought_up_again_though_no_line_comes(redis_client: Redis, settings: Settings):
    """As after a restart that lost the newest second: the same windows, and no line twice."""
    kafka, store = settings.kafka, store_of(redis_client, settings)
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 0)
        produce(kafka.bootstrap_servers, kafka.logs_topic, LINES[:6])
        turn_until(consumer, lambda: applied(redis_client, settings) == 6)
        older = {key: redis_client.dump(key) for key in store.keys}
        produce(kafka.bootstrap_servers, kafka.logs_topic, LINES[6:])
        turn_until(consumer, lambda: applied(redis_client, settings) == 12)
        for key, value in older.items():
            redis_client.delete(key)
            if value is not None:
                redis_client.restore(key, 0, value)

        turn_until(consumer, lambda: applied(redis_client, settings) == 12)

        assert consumer._parts.metrics.records._value.get() == 18
        assert cut(redis_client, settings) == {4, 8, 12}


def test_with_everything_the_live_settings_are_gone_and_the_last_seen_ones_rule_the_replay(
    redis_client: Redis, settings: Settings, namespace: str
):
    """An operator's change is not undone by a Redis that comes back empty."""
    kafka, live = settings.kafka, LiveSettingsStore(redis_client, namespace)
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 0)
        consumer._parts.live.current()
        live.set({"window_hop": 3}, "me")
        turn_until(consumer, lambda: consumer._parts.live.current().window_hop == 3)
        produce(kafka.bootstrap_servers, kafka.logs_topic, LINES)
        turn_until(consumer, lambda: applied(redis_client, settings) == 12)
        redis_client.delete(*redis_client.keys(f"{namespace}:*"))

        turn_until(consumer, lambda: applied(redis_client, settings) == 12)

        found = live.get()
        assert found is not None
        assert found.window_hop == 3
        assert cut(redis_client, settings) == {3, 6, 9, 12}
