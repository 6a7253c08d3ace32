"""Reading, claiming and acknowledging over many partitions, on one Redis and on a Redis Cluster."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from stream.telemetry import WorkerMetrics
from stream.windowing.ready import ReadyWindow
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import GROUP, PartitionId, PartitionStore
from stream.worker import intake
from stream.worker.intake import Intake
from tests.redis_cluster import RedisCluster, connected

pytestmark = pytest.mark.stack


def with_windows(redis: Any, namespace: str, counts: Iterable[int]) -> ReadyStreams:
    """Partitions 0, 1, 2… with so many ready windows each, of one event."""
    streams = ReadyStreams(redis)
    for number, count in enumerate(counts):
        partition = PartitionId("logs", number)
        name = PartitionStore(redis, namespace, partition).ready
        for place in range(count):
            redis.xadd(name, {"k": "key", "h": bytes((0, 0, 0, 1, 1)), "e": bytes(16) + place.to_bytes(8, "big")})
        PartitionRegistry(redis, namespace).add(partition)
        streams.names[partition] = name
    return streams


def tally(windows: Iterable[ReadyWindow]) -> dict[int, int]:
    """How many windows of each partition."""
    return dict(Counter(window.partition.partition for window in windows))


def workers_of(redis: Any, streams: ReadyStreams) -> set[bytes]:
    """The workers that Redis knows."""
    return {each["name"] for name in streams.names.values() for each in redis.xinfo_consumers(name, GROUP)}


def reads_of(redis: Any) -> int:
    """How often the servers have read from their connections so far."""
    nodes = [node.redis_connection for node in redis.get_primaries()] if hasattr(redis, "get_primaries") else [redis]
    return sum(int(node.info("stats")["total_reads_processed"]) for node in nodes)


def test_a_batch_is_taken_evenly(any_redis: Any, namespace: str):
    """What few partitions leave, the others fill."""
    streams = with_windows(any_redis, namespace, [9, 0, 2, 9])

    assert tally(streams.read("worker", count=12)) == {0: 5, 2: 2, 3: 5}
    assert tally(streams.read("worker", count=12)) == {0: 4, 3: 4}
    assert not streams.read("worker", count=12)


def test_each_partition_has_its_turn_when_there_are_more_than_windows_to_take(any_redis: Any, namespace: str):
    """Also where every look finds enough in the first ones."""
    streams = with_windows(any_redis, namespace, [9] * 5)
    taken = [window for _ in range(5) for window in streams.read("worker", count=2)]

    assert tally(taken) == dict.fromkeys(range(5), 2)


def test_a_look_at_many_partitions_is_a_round_trip_to_each_server(any_redis: Any, namespace: str):
    """Not one to each partition."""
    streams = with_windows(any_redis, namespace, [0] * 64)
    streams.read("worker", count=100)  # makes the groups
    before = reads_of(any_redis)
    own = reads_of(any_redis) - before
    assert not streams.read("worker", count=100)
    assert not streams.claim("worker", count=100, min_idle_ms=0)

    assert reads_of(any_redis) - before - 2 * own <= 2 * 2 * own, "a long pipeline may be read in two parts"


def test_workers_that_start_at_once_do_not_trip_over_each_other(any_redis_url: str, namespace: str):
    """All find no group, and all make it."""
    at_once = 4
    barrier = Barrier(at_once)
    with connected(any_redis_url) as redis:
        with_windows(redis, namespace, [3] * 20)

    def look(worker: int) -> list[ReadyWindow]:
        with connected(any_redis_url) as redis:
            names = {
                each: PartitionStore(redis, namespace, each).ready for each in PartitionRegistry(redis, namespace).all()
            }
            barrier.wait()
            return ReadyStreams(redis, names).read(f"worker-{worker}", count=100)

    with ThreadPoolExecutor(at_once) as pool:
        taken = [window for windows in pool.map(look, range(at_once)) for window in windows]
    assert tally(taken) == dict.fromkeys(range(20), 3)


def test_a_redis_that_forgot_everything_stops_no_worker(any_redis: Any, namespace: str):
    """Its windows come again when Kafka replays them."""
    streams = with_windows(any_redis, namespace, [2, 2])
    held = streams.read("worker", count=10)
    for name in streams.names.values():
        any_redis.delete(name)

    streams.keep("worker", held)
    assert streams.acknowledge(held) == 0
    assert streams.claim("worker", count=10, min_idle_ms=0) == []
    assert streams.forget_workers(0, leaving="worker") == 0
    assert streams.read("worker", count=10) == []


def test_servers_that_forgot_the_scripts_are_told_them(any_redis: Any, namespace: str):
    """A restart empties their script cache."""
    streams = with_windows(any_redis, namespace, [2] * 4)
    any_redis.script_flush()

    assert streams.acknowledge(streams.read("worker", count=10)) == 8
    assert streams.all() == []


def test_claims_keep_to_the_number_asked_for(any_redis: Any, namespace: str):
    """Over all partitions together."""
    streams = with_windows(any_redis, namespace, [3, 3])
    streams.read("dead", count=10)

    assert len(streams.claim("worker", count=4, min_idle_ms=0)) == 4


def test_a_worker_that_leaves_is_forgotten_unless_it_holds_windows(any_redis: Any, namespace: str):
    """With it, Redis would forget that its windows must be given to another."""
    streams = with_windows(any_redis, namespace, [2, 2])
    held = streams.read("leaving", count=10)

    assert streams.forget_workers(60_000, leaving="leaving") == 0
    assert len(streams.claim("other", count=10, min_idle_ms=0)) == len(held)
    assert streams.forget_workers(60_000, leaving="leaving") == 2
    assert workers_of(any_redis, streams) == {b"other"}


def test_dead_workers_are_forgotten_once_what_they_held_is_claimed(
    any_redis: Any, namespace: str, monkeypatch: pytest.MonkeyPatch
):
    """The one that claims has an eye on it."""
    monkeypatch.setattr(intake, "SILENT_MS", 0)
    streams = with_windows(any_redis, namespace, [2, 2])
    streams.read("dead", count=10)
    seconds = [0.0]
    living = Intake(any_redis, namespace, "living", WorkerMetrics(CollectorRegistry()), 0, lambda: seconds[0])

    claimed = living.read(10)
    assert [window.deliveries for window in claimed] == [1] * 4
    assert workers_of(any_redis, streams) == {b"dead", b"living"}
    living.acknowledge(claimed)
    seconds[0] += 1
    assert living.read(10) == []
    assert workers_of(any_redis, streams) == set()


def test_a_worker_leaves_in_silence_while_redis_is_away(any_redis: Any, namespace: str):
    """It has no time to find that out a second time."""
    streams = with_windows(any_redis, namespace, [1])
    worker = Intake(any_redis, namespace, "worker", WorkerMetrics(CollectorRegistry()), 60_000)
    worker.acknowledge(worker.read(10))
    worker._answered = False
    worker.leave()
    assert workers_of(any_redis, streams) == {b"worker"}

    worker.read(10)
    worker.leave()
    assert workers_of(any_redis, streams) == set()


def test_slots_that_move_while_windows_are_dealt_with_are_followed(namespace: str):
    """Windows taken from one server are acknowledged, claimed and read at the next."""
    with RedisCluster() as cluster, connected(cluster.url) as redis:
        streams = with_windows(redis, namespace, [3] * 6)
        held = streams.read("worker", count=12)
        for name in streams.names.values():
            source = cluster.owner_of(name)
            cluster.move(name, cluster.servers[(cluster.servers.index(source) + 1) % 3])

        assert streams.acknowledge(held[:6]) == 6
        assert len(streams.claim("other", count=100, min_idle_ms=0)) == 6
        assert len(streams.read("worker", count=100)) == 6
