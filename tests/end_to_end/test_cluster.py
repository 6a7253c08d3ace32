"""The service on a Redis Cluster of three servers: the alerts of one Redis, and no line lost with a server."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from stream.windowing.ready_streams import GROUP
from tests.end_to_end.test_path import FAULTY, alert_ids, faulty_lines, normal_lines
from tests.redis_cluster import ClusterServer, RedisCluster
from tests.service import Place, produce, running_service, wait

pytestmark = pytest.mark.stack

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


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_server_of_the_cluster_that_goes_away_costs_no_line_and_no_alert(
    place: Place, namespace: str, logs: str, how: str
):
    """All processes wait until it is back, and go on from what it holds."""
    with (
        RedisCluster(appendonly=True) as cluster,
        running_service(replace(place, redis=cluster.url), f"{namespace}-three", logs, IMPATIENT) as three,
    ):
        processes = [*three.start("consume"), *three.start("detect")]
        produce(place.kafka, logs, LINES[: len(LINES) // 2])
        wait(lambda: three.applied() == len(LINES) // 2, three.children.check)
        lost = cluster.owner_of(three.stores()[0].state)
        go_away(lost, how)
        produce(place.kafka, logs, LINES[len(LINES) // 2 :])
        wait(lambda: all(waits(process.log.read_bytes()) for process in processes), three.children.check)
        come_back(lost, how)
        cluster.await_whole()
        three.flush()
        three.await_scored()
        assert three.applied() == len(LINES)
        found = alert_ids(three)
    assert found == alerts_of_one_redis(place, namespace, logs)


def go_away(server: ClusterServer, how: str) -> None:
    """Killed, or taking connections but answering nothing."""
    if how == "killed":
        server.kill()
    else:
        os.kill(server.pid or 0, signal.SIGSTOP)


def come_back(server: ClusterServer, how: str) -> None:
    """As it went."""
    if how == "killed":
        server.restart()
    else:
        os.kill(server.pid or 0, signal.SIGCONT)


def waits(log: bytes) -> bool:
    """Whether a process has said that it waits for Redis."""
    return any(b'"waiting"' in entry and b"Redis" in entry for entry in log.splitlines())
