"""What open sessions cost in Redis: bytes an event, less the empty server."""

import random
import time
from dataclasses import dataclass

import numpy as np
from redis import Redis

from deploy.embedded.redis_server import EmbeddedRedis
from stream.windowing.batches import EventColumns
from stream.windowing.calls import Cutting
from stream.windowing.ready_streams import ReadyStreams
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionId, PartitionStore
from stream.windowing.windows import WindowRule
from tests.benchmarks.reader import drained
from tests.service import wait

__all__ = ["Memory", "measure_memory"]

KEYS = 50_000
EVENTS = 20
"""Of each key."""
PARTITIONS = 8
NAMESPACE = "memory"


@dataclass(frozen=True)
class Memory:
    """What was found.

    Attributes:
        bytes_per_event: Bytes of Redis for each event of an open session, keys and all included.
        redis_version: The server's.
    """

    bytes_per_event: float
    redis_version: str


def measure_memory(rule: WindowRule) -> Memory:
    """Fill a fresh server through the store, 20 events for each of 50,000 keys such as HDFS has, in turns.

    The windows that this cuts are taken and acknowledged, as if they were scored.
    """
    with EmbeddedRedis() as server, Redis.from_url(server.url) as redis:
        empty = _settled(redis)
        chance = random.Random(0)
        for number in range(PARTITIONS):
            _fill(redis, number, rule, chance)
        streams = ReadyStreams(redis)
        while drained(redis, streams, NAMESPACE):
            pass
        assert not any(redis.xlen(name) for name in streams.names.values())
        used = _settled(redis) - empty
        return Memory(round(used / (KEYS * EVENTS), 1), str(redis.info("server")["redis_version"]))


def _fill(redis: "Redis", number: int, rule: WindowRule, chance: random.Random) -> None:
    partition = PartitionId("logs", number)
    store = PartitionStore(redis, NAMESPACE, partition)
    store.take("owner", "", 0)
    PartitionRegistry(redis, NAMESPACE).add(partition)
    keys = [b"blk_%d" % chance.randrange(-(1 << 63), 1 << 63) for _ in range(KEYS // PARTITIONS)]
    event_ids = [chance.randbytes(8) for _ in range(30)]
    for turn in range(EVENTS):
        offsets = np.arange(turn * len(keys), (turn + 1) * len(keys))
        times_ms = 1_226_262_931_000 + offsets // 10 * 1000  # ten lines a second, as HDFS has them
        events = EventColumns(keys, times_ms, chance.choices(event_ids, k=len(keys)), offsets << 16)
        batch = events.batch(int(offsets[0]), int(offsets[-1]) + 1)
        assert store.apply("owner", batch, Cutting(rule)).open_sessions == len(keys)


def _settled(redis: "Redis") -> int:
    """The bytes in use once the server has given back the buffers of its last calls."""
    least = [int(redis.info("memory")["used_memory"])]

    def settled() -> bool:
        time.sleep(1)  # Redis looks after its clients' buffers once a second
        least.append(int(redis.info("memory")["used_memory"]))
        return len(least) > 4 and least[-1] >= min(least[-4:-1])

    wait(settled)
    return least[-1]
