"""The proxy of the chaos test: what it does to batches on their way to Redis, and what it leaves alone."""

from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.embedded.redis_server import EmbeddedRedis
from tests.chaos.proxy import RedisProxy

APPLY = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
"""Stands for the call that applies a batch: it is known by its key."""


@pytest.fixture
def proxy(redis_server: EmbeddedRedis) -> Iterator[RedisProxy]:
    """A proxy in front of the shared Redis."""
    with RedisProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def through(proxy: RedisProxy, redis_url: str, redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A client of the proxy."""
    with client_through(proxy, redis_url, redis_server.port) as client:
        yield client


def client_through(proxy: RedisProxy, url: str, port: int) -> redis.Redis:
    """A client with one connection, which tries everything once."""
    return redis.Redis.from_url(
        url.replace(f":{port}/", f":{proxy.port}/"),
        single_connection_client=True,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=10,
    )


@pytest.fixture
def key(namespace: str) -> str:
    """A key that only the call which applies a batch is given."""
    return f"{namespace}:{{logs:3}}:novel-counts"


def apply(client: redis.Redis, key: str, number: int) -> object:
    """Apply a batch."""
    return client.eval(APPLY, 1, key, str(number))


def test_requests_and_answers_of_every_kind_go_through(through: redis.Redis, key: str):
    """Numbers, texts of any bytes, nothing, lists in lists, maps, errors, pipelines."""
    with through.pipeline(transaction=False) as pipe:
        pipe.set(key, b"\r\n\x00" * 50_000)
        pipe.get(key)
        pipe.get(f"{key}:none")
        pipe.xadd(f"{key}:stream", {"a": b"1"}, id="1-1")
        pipe.xrange(f"{key}:stream")
        pipe.hset(f"{key}:map", mapping={"b": 2})
        pipe.hgetall(f"{key}:map")
        answers = pipe.execute()

    assert answers[1:] == [b"\r\n\x00" * 50_000, None, b"1-1", [(b"1-1", {b"a": b"1"})], 1, {b"b": b"2"}]
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        through.lpush(key, "x")


def test_a_batch_whose_answer_is_lost_is_applied(
    proxy: RedisProxy, through: redis.Redis, redis_client: redis.Redis, key: str
):
    """Its client is told nothing, and the next batch is as usual; other calls are left alone."""
    proxy.lose_answers(1)
    assert through.set(f"{key}:other", 1)

    with pytest.raises(redis.ConnectionError):
        apply(through, key, 5)

    assert redis_client.get(key) == b"5"
    assert apply(through, key, 2) == 7


def test_a_delayed_batch_arrives_just_before_the_next_of_its_partition(
    proxy: RedisProxy, through: redis.Redis, redis_client: redis.Redis, key: str
):
    """Batches of other partitions do not bring it."""
    proxy.delay_requests(1)

    with pytest.raises(redis.ConnectionError):
        apply(through, key, 5)

    assert apply(through, key.replace("logs:3", "logs:4"), 1) == 1
    assert redis_client.get(key) is None
    assert apply(through, key, 2) == 7


def test_cut_connections_are_made_anew_by_the_client(proxy: RedisProxy, through: redis.Redis, key: str):
    """The server is there, only the connections are not."""
    through.set(key, 1)
    proxy.cut_all()

    with pytest.raises(redis.ConnectionError):
        through.get(key)
    assert through.get(key) == b"1"


def test_a_client_does_not_notice_that_a_server_was_replaced_behind_a_proxy_that_holds():
    """Its connection lasts, password included; only the data tell."""
    with (
        EmbeddedRedis() as server,
        RedisProxy(server.port) as proxy,
        client_through(proxy, server.url, server.port) as through,
    ):
        through.set("key", 1)
        proxy.hold()
        server.kill()
        server.restart()
        proxy.release()

        assert through.get("key") is None
