"""What every piece of state needs of a Redis Cluster: its keys in one slot, and nothing that spans two."""

import json
from typing import Any

import pytest

from stream.windowing.novel import NovelTexts
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionId, PartitionStore
from tests.redis_cluster import RedisCluster, connected

pytestmark = pytest.mark.stack

TOPICS = ("logs", "logs.of-all_things", "1")


def slot_of(redis: Any, key: str) -> int:
    """As the servers count, not as their client does."""
    return int(redis.execute_command("CLUSTER KEYSLOT", key, target_nodes=redis.get_random_node()))


def test_all_keys_of_a_partition_lie_in_one_slot_and_partitions_in_many(redis_cluster: RedisCluster, namespace: str):
    """Whatever the topic is called."""
    with connected(redis_cluster.url) as redis:
        stores = [PartitionStore(redis, namespace, PartitionId(topic, n)) for topic in TOPICS for n in range(8)]
        slots = [{slot_of(redis, key) for key in store.keys} for store in stores]

    assert [len(each) for each in slots] == [1] * len(stores)
    assert len(set.union(*slots)) == len(stores)


def test_partitions_are_remembered_and_forgotten(any_redis: Any, namespace: str):
    """In the order of their numbers."""
    registry = PartitionRegistry(any_redis, namespace)
    for number in (10, 9, 2):
        registry.add(PartitionId("logs", number))
    registry.remove(PartitionId("logs", 9))

    assert registry.all() == [PartitionId("logs", 2), PartitionId("logs", 10)]


def test_texts_of_novel_events_are_found_beside_their_partition_s_state(any_redis: Any, namespace: str):
    """Those that were forgotten have none."""
    partition = PartitionId("logs", 3)
    any_redis.hset(PartitionStore(any_redis, namespace, partition).novel, b"n" * 8, json.dumps({"text": "fire"}))

    assert NovelTexts(any_redis, namespace).texts(partition, [b"m" * 8, b"n" * 8]) == {b"n" * 8: "fire"}


def test_state_is_removed_whole(any_redis: Any, namespace: str):
    """With one command for all keys of a partition, and only for its own."""
    removed, kept = (PartitionStore(any_redis, namespace, PartitionId("logs", n)) for n in range(2))
    for store in (removed, kept):
        for key in store.keys:
            any_redis.set(key, "something")
    removed.remove()

    assert [any_redis.exists(key) for key in removed.keys] == [0] * len(removed.keys)
    assert [any_redis.exists(key) for key in kept.keys] == [1] * len(kept.keys)
