"""Where a partition is begun: at the first start, when it is added later, and when Redis has forgotten."""

from collections.abc import Callable

import pytest
from redis import Redis

from deploy.embedded.broker import Broker, EmbeddedBroker
from model.errors import StateError
from stream.consumers.consumer import Consumer
from stream.live_settings import LiveSettingsStore
from stream.reset import reset_state
from stream.settings import Settings
from stream.windowing.ready_streams import ReadyStreams
from tests.integration.consumers import admin, applied, group_member, settings_of, store_of, turn_until
from tests.service import Line, produce

pytestmark = pytest.mark.stack

LINE = Line(b"k", b"line")


@pytest.fixture
def logs(topic: Callable[..., str]) -> str:
    """A logs topic of two partitions with two old lines each."""
    return topic("logs", partitions=2)


@pytest.fixture
def settings(broker: Broker, namespace: str, logs: str) -> Settings:
    """Of a service that begins with what comes after its first start."""
    for partition in (0, 1):
        produce(broker.address, logs, [LINE] * 2, partition=partition)
    return settings_of(broker.address, namespace, logs, start_at="latest")


def first_start(consumer: Consumer, redis: Redis, settings: Settings) -> None:
    """Let the consumer take both partitions and apply one new line of each."""
    turn_until(consumer, lambda: all(applied(redis, settings, partition) == 2 for partition in (0, 1)))
    for partition in (0, 1):
        produce(settings.kafka.bootstrap_servers, settings.kafka.logs_topic, [LINE], partition=partition)
    turn_until(consumer, lambda: all(applied(redis, settings, partition) == 3 for partition in (0, 1)))


def forget(redis: Redis, settings: Settings, partition: int = 0) -> None:
    """As a Redis that comes back empty does."""
    redis.delete(*store_of(redis, settings, partition).keys)


def events(redis: Redis, settings: Settings, partition: int = 0) -> int:
    """How many events the open session of the only key has."""
    session = redis.hget(store_of(redis, settings, partition).sessions, "k")
    assert isinstance(session, bytes)
    return int.from_bytes(session[:4], "big")


def test_what_redis_forgets_is_replayed_from_where_its_state_began(redis_client: Redis, settings: Settings):
    """While the consumer runs, of one partition alone, without a new line, a rebalance, or a line from before."""
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
        forget(redis_client, settings, 1)
        turn_until(consumer, lambda: applied(redis_client, settings, 1) == 3)

        assert [events(redis_client, settings, partition) for partition in (0, 1)] == [1, 1]
        assert consumer._parts.metrics.records._value.get() == 3


def test_what_redis_forgets_while_no_consumer_runs_is_replayed_too(
    broker: Broker, redis_client: Redis, settings: Settings
):
    """Kafka remembers where the state began, and lines that came meanwhile are not jumped over."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker drops the metadata of commits")
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
    forget(redis_client, settings)
    produce(broker.address, settings.kafka.logs_topic, [LINE], partition=0)
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 4)

        assert events(redis_client, settings) == 2


def test_what_an_operator_chose_outlives_a_redis_that_is_emptied_while_nothing_runs(
    broker: Broker, redis_client: Redis, settings: Settings, namespace: str
):
    """Kafka remembers the live settings too, and nothing is cut by those of the model."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker drops the metadata of commits")
    live = LiveSettingsStore(redis_client, namespace)
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
        chosen = live.set({"window_hop": 3}, "eve")
        turn_until(consumer, lambda: consumer._parts.live.last_seen == chosen)
        consumer._keep_house()
    redis_client.delete(*redis_client.scan_iter(f"{namespace}:*"))
    produce(broker.address, settings.kafka.logs_topic, [LINE] * 5, partition=0)
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 8)

        found = live.get()
        assert found is not None
        assert found == consumer._parts.live.last_seen
        assert found.values() == chosen.values()
        store = store_of(redis_client, settings)
        windows = ReadyStreams(redis_client, {store.partition: store.ready}).all()
        assert [window.session_events for window in windows] == [3, 6]


def test_a_state_of_which_a_part_is_gone_is_made_anew_whole(redis_client: Redis, settings: Settings):
    """Sessions without a position would count their lines twice."""
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
        redis_client.delete(store_of(redis_client, settings).state)
        turn_until(consumer, lambda: applied(redis_client, settings) == 3)

        assert events(redis_client, settings) == 1


def test_workers_find_the_partitions_of_a_redis_that_lost_their_list(
    redis_client: Redis, settings: Settings, namespace: str
):
    """In a cluster it lies on another server than the states."""
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
        redis_client.delete(f"{namespace}:partitions")
        turn_until(consumer, lambda: redis_client.scard(f"{namespace}:partitions") == 2)


def test_after_a_reset_the_setting_decides_again_where_to_begin(redis_client: Redis, settings: Settings):
    """What was there before the reset is left alone, though Kafka still has it."""
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
    assert reset_state(settings, redis_client) == 2
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 3)

        assert redis_client.hlen(store_of(redis_client, settings).sessions) == 0


def test_a_reset_finds_partitions_that_the_list_has_lost(redis_client: Redis, settings: Settings, namespace: str):
    """In a cluster the list lies on another server. No other namespace and no live setting is touched."""
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
    other = f"{namespace}-other:{{{settings.kafka.logs_topic}:0}}:state"
    redis_client.hset(other, "position", 1)
    redis_client.delete(f"{namespace}:partitions")

    assert reset_state(settings, redis_client) == 2
    left = {other.encode(), *(f"{namespace}:{{settings}}:{name}".encode() for name in ("current", "history"))}
    assert set(redis_client.scan_iter(f"{namespace}*")) == left
    assert reset_state(settings, redis_client) == 0


def test_a_reset_of_all_leaves_nothing(redis_client: Redis, settings: Settings, namespace: str):
    """Not even live settings, which an abandoned namespace would keep for ever; a new start has its model's."""
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
        LiveSettingsStore(redis_client, namespace).set({"window_hop": 3}, "eve")
        turn_until(consumer, lambda: consumer._parts.live.current().window_hop == 3)
        consumer._keep_house()
    assert reset_state(settings, redis_client, live_settings=True) == 2
    assert list(redis_client.scan_iter(f"{namespace}*")) == []
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings) == 3)

        assert consumer._parts.live.current().window_hop == 4


def test_a_reset_is_refused_while_consumers_run(
    broker: Broker, redis_client: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    """They would go on from where they are; nothing is deleted."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker deletes groups that have members")
    monkeypatch.setattr("stream.reset.MARGIN_SECONDS", -100.0)  # do not wait for members that were killed
    with group_member(settings, redis_client) as consumer:
        first_start(consumer, redis_client, settings)
        with pytest.raises(StateError, match=r"Consumers of namespace .* are running"):
            reset_state(settings, redis_client)

        assert applied(redis_client, settings) == 3


@pytest.mark.parametrize("start_at", ["earliest", "latest"])
def test_a_partition_that_is_added_is_read_from_its_beginning(
    broker: Broker, redis_client: Redis, settings: Settings, start_at: str
):
    """Its first lines come before any consumer knows of it, also where the first partitions began at their ends."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker adds no partitions")
    logs = settings.kafka.logs_topic
    settings = settings_of(broker.address, settings.namespace, logs, start_at=start_at)
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings, 1) == 2)
        with admin(broker.address) as client:
            client.create_partitions({logs: 3})
        produce(broker.address, logs, [LINE] * 3, partition=2)
        turn_until(consumer, lambda: applied(redis_client, settings, 2) == 3)

        assert events(redis_client, settings, 2) == 3


def test_a_partition_that_was_added_while_no_consumer_ran_is_read_from_its_beginning(
    broker: Broker, redis_client: Redis, settings: Settings
):
    """Kafka remembers how many partitions there were at the first start."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker drops the metadata of commits")
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings, 1) == 2)
    with admin(broker.address) as client:
        client.create_partitions({settings.kafka.logs_topic: 3})
    produce(broker.address, settings.kafka.logs_topic, [LINE] * 3, partition=2)
    with group_member(settings, redis_client) as consumer:
        turn_until(consumer, lambda: applied(redis_client, settings, 2) == 3)

        assert events(redis_client, settings, 2) == 3
