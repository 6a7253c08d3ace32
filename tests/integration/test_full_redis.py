"""A Redis without memory refuses whole calls, and nothing that workers need to give it some."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from deploy.embedded.redis_server import EmbeddedRedis
from model.errors import RedisFullError
from stream.live_settings import LiveSettings, LiveSettingsStore
from stream.windowing.batches import batch_of
from stream.windowing.calls import Cutting, Ending, Novel
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionId, PartitionStore
from stream.windowing.windows import Event, WindowRule

pytestmark = pytest.mark.stack

LOGS_0, LOGS_1 = PartitionId("logs", 0), PartitionId("logs", 1)
CUTTING = Cutting(WindowRule(size=4, hop=2, session_gap_ms=50, grace_ms=10), novel_events=10)
EVENTS = [Event(b"k%d" % (n % 3), 1000 + 5 * n, n.to_bytes(8, "big"), n << 16) for n in range(40)]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    """A Redis of these tests alone: they take its memory away."""
    with EmbeddedRedis() as running:
        yield running


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """A client; Redis is empty, and has all the memory that it wants."""
    with Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 0)
        client.flushall()
        yield client


@pytest.fixture
def store(redis: Redis, namespace: str) -> PartitionStore:
    """A partition with windows in its ready stream, open sessions and waiting events, applied up to offset 20."""
    made = PartitionStore(redis, namespace, LOGS_0)
    made.take("owner", "id", 0)
    applied = made.apply("owner", batch_of(EVENTS[:20], 0, 20), CUTTING)
    assert min(applied.windows, applied.open_sessions, applied.waiting_events) > 0
    return made


def full(redis: Redis) -> None:
    """Take all memory away: every command that may need some is refused."""
    redis.config_set("maxmemory", 1)


def contents(redis: Redis) -> dict[Any, Any]:
    """All that Redis holds."""
    return {key: redis.dump(key) for key in redis.scan_iter()}


REFUSED: dict[str, Callable[[PartitionStore], object]] = {
    "take": lambda store: store.take("another", "id", 0),
    "apply": lambda store: store.apply("owner", batch_of(EVENTS[20:], 20, 40), CUTTING),
    "advance": lambda store: store.advance("owner", 20, CUTTING, Ending.SESSIONS),
    "flush": lambda store: store.flush(20, CUTTING),
}


@pytest.mark.parametrize("operation", REFUSED)
def test_what_needs_memory_is_refused_whole_and_done_later(redis: Redis, store: PartitionStore, operation: str):
    """No script stops half-way: nothing has changed, and the same call succeeds once there is memory."""
    full(redis)
    before = contents(redis)
    with pytest.raises(RedisFullError):
        REFUSED[operation](store)
    assert contents(redis) == before
    redis.config_set("maxmemory", 0)
    REFUSED[operation](store)
    assert contents(redis) != before


def test_a_partition_without_state_is_not_half_made(redis: Redis, store: PartitionStore, namespace: str):
    """Taking it is refused whole, too."""
    full(redis)
    before = contents(redis)
    with pytest.raises(RedisFullError):
        PartitionStore(redis, namespace, LOGS_1).take("owner", "id", 0)
    assert contents(redis) == before
    assert store.position() is not None


def test_live_settings_are_changed_whole_or_not_at_all(redis: Redis, namespace: str):
    """Version, values and history stay as they were."""
    live = LiveSettingsStore(redis, namespace)
    live.seed(LiveSettings(4, 2, 50, 1.0))
    full(redis)
    before = contents(redis)
    with pytest.raises(RedisFullError):
        live.set({"threshold": 2.0}, "who")
    assert contents(redis) == before
    assert live.seed(LiveSettings(4, 2, 50, 3.0)).threshold == 1.0


def test_a_worker_that_comes_to_a_full_redis_drains_it(redis: Redis, store: PartitionStore, namespace: str):
    """It has read no stream before; it takes windows, keeps, claims and removes them, and leaves."""
    PartitionRegistry(redis, namespace).add(LOGS_0)
    full(redis)
    streams = ReadyStreams(redis, {LOGS_0: store.ready})
    assert PartitionRegistry(redis, namespace).all() == [LOGS_0]
    assert LiveSettingsStore(redis, namespace).get() is None

    windows = streams.read("dead", 100)
    assert windows == streams.all()
    streams.keep("dead", windows)
    claimed = streams.claim("new", 100, 0)
    assert [window.stream_id for window in claimed] == [window.stream_id for window in windows]
    assert streams.acknowledge(claimed) == len(windows)
    assert store.ready_windows() == 0
    streams.forget_workers(0, leaving="new")


def test_novel_events_are_counted_once_there_is_memory(redis: Redis, store: PartitionStore):
    """What a refused call would have counted is counted by the call that succeeds, once."""
    novel = [Novel(b"eventid1", b'{"text": "new"}', 3)]
    batch = replace(batch_of(EVENTS[20:], 20, 40), novel=novel)
    full(redis)
    with pytest.raises(RedisFullError):
        store.apply("owner", batch, CUTTING)
    redis.config_set("maxmemory", 0)
    for _ in range(2):
        store.apply("owner", batch, CUTTING)
    assert redis.hgetall(store.novel_counts) == {b"eventid1": b"3"}
