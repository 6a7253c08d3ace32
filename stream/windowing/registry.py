"""Which partitions have state, so that workers find their ready streams without asking Kafka."""

from typing import Any

from redis import Redis

from stream.redis_client import translated
from stream.windowing.store import PartitionId

__all__ = ["PartitionRegistry"]


class PartitionRegistry:
    """The set of partitions that some consumer of the namespace has taken."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis: Any = redis
        self._key = f"{namespace}:partitions"

    def add(self, *partitions: PartitionId) -> None:
        """Remember partitions, known ones as well."""
        if partitions:
            with translated():
                self._redis.sadd(self._key, *map(str, partitions))

    def all(self) -> list[PartitionId]:
        """Every partition that has state, in order."""
        with translated():
            names = [name.decode() for name in self._redis.smembers(self._key)]
        split = (name.rpartition(":") for name in names)
        return sorted(PartitionId(topic, int(number)) for topic, _, number in split)

    def remove(self, partition: PartitionId) -> None:
        """Forget a partition whose state was removed."""
        with translated():
            self._redis.srem(self._key, str(partition))
