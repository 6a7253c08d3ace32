"""The service on a Redis Cluster of three servers: the alerts of one Redis, and no line lost with a server."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest

from model.errors import RedisAwayError
from stream.windowing.store import GROUP, PartitionId
from tests.end_to_end.test_path import FAULTY, alert_ids, faulty_lines, normal_lines
from tests.redis_cluster import ClusterServer, RedisCluster
from tests.service import Place, produce, running_service, wait

pytestmark = [pytest.mark.stack, pytest.mark.one_broker]

LINES = [*normal_lines(), *faulty_lines()]
IMPATIENT = {"LOGSCRY_WORKER__CLAIM_IDLE_MS": "1000"}


@pytest.fixture
def logs(topic: Callable[..., str]) -> str:
    """A logs topic whose partitions lie in several servers."""
    return topic("logs", partitions=8)


def alerts_of_one_redis(place: Place, namespace: str, logs: str) -> set[str]:
    """What an undisturbed run on one Redis says of the topic."""
    with running_service(place, f"{namespace}-one", logs) as one:
        one.start("consume")
        one.start("detect")
        one.flush()
        one.await_scored()
        return alert_ids(one)


def test_a_cluster_gives_the_alerts_of_one_redis(place: Place, namespace: str, logs: str, redis_cluster: RedisCluster):
    """Every command works on it, and a worker that stops leaves no name behind."""
    produce(place.kafka, logs, LINES)
    expected = alerts_of_one_redis(place, namespace, logs)

    with running_service(replace(place, redis=redis_cluster.url), f"{namespace}-three", logs) as three:
        three.start("consume", count=2)
        three.start("detect", count=2)
        three.flush()
        three.await_scored()
        assert len({redis_cluster.owner_of(store.state).port for store in three.stores()}) > 1
        assert len(expected) >= len(FAULTY)
        assert alert_ids(three) == expected

        three.children.run("settings", "set", "threshold=9", "--who", "test", "--why", "it can")
        names = three.ready_streams().names.values()
        three.children.stop()
        assert [three.redis.xinfo_consumers(name, GROUP) for name in names] == [[]] * 8
        three.children.run("reset", "--yes")
        assert three.stores() == []
        assert not any(three.redis.exists(name) for name in names)


@contextmanager
def killed(cluster: RedisCluster, server: ClusterServer) -> Iterator[None]:
    """It comes back with what it has on disk."""
    server.kill()
    yield
    server.restart()
    cluster.await_whole()


@contextmanager
def frozen(cluster: RedisCluster, server: ClusterServer) -> Iterator[None]:
    """It takes connections and answers nothing."""
    os.kill(server.pid or 0, signal.SIGSTOP)
    yield
    os.kill(server.pid or 0, signal.SIGCONT)
    cluster.await_whole()


@contextmanager
def replaced(cluster: RedisCluster, server: ClusterServer) -> Iterator[None]:
    """It dies, and a replica that may lack its newest writes takes over."""
    cluster.servers[cluster.servers.index(server)] = cluster.add_replica(server)
    server.kill()
    yield
    cluster.await_whole()


@pytest.mark.parametrize("away", [killed, frozen, replaced])
def test_a_server_of_the_cluster_that_goes_away_costs_no_line_and_no_alert(
    place: Place,
    namespace: str,
    logs: str,
    away: Callable[[RedisCluster, ClusterServer], AbstractContextManager[None]],
):
    """All processes wait until its slots are served again, and go on from what they find there."""
    half = len(LINES) // 2
    with ExitStack() as cleanup:
        cluster = cleanup.enter_context(RedisCluster(appendonly=True))
        lost = cluster.owner_of(f"{{{PartitionId(logs, 0)}}}")
        there = replace(place, redis=next(server.url for server in cluster.servers if server is not lost))
        three = cleanup.enter_context(running_service(there, f"{namespace}-three", logs, IMPATIENT))
        processes = [*three.start("consume"), *three.start("detect")]
        produce(place.kafka, logs, LINES[:half])
        wait(lambda: three.applied() == half, three.children.check)
        with away(cluster, lost):
            produce(place.kafka, logs, LINES[half:])
            wait(lambda: all(waits(process.log.read_bytes()) for process in processes), three.children.check)
        with suppress(RedisAwayError):
            three.applied()  # this client too learns from a failure who has the slots now
        three.flush()
        three.await_scored()
        assert three.applied() == len(LINES)
        found = alert_ids(three)
    assert found == alerts_of_one_redis(place, namespace, logs)


def waits(log: bytes) -> bool:
    """Whether a process has said that it waits for Redis."""
    return any(b'"waiting"' in entry and b"Redis" in entry for entry in log.splitlines())
