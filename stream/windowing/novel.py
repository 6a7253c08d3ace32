"""Texts of novel events: templates that the model does not know, kept where their partition's state is."""

from collections.abc import Sequence
from typing import Any

import orjson
from redis import Redis

from stream.redis_client import translated
from stream.windowing.store import PartitionId, PartitionStore

__all__ = ["NovelTexts"]


class NovelTexts:
    """Looks novel events up by ID."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis: Any = redis
        self._namespace = namespace

    def texts(self, partition: PartitionId, event_ids: Sequence[bytes]) -> dict[bytes, str]:
        """The texts of novel events of a partition, by event ID; forgotten ones are not among them.

        With no events there is nothing to ask Redis for: so it is with most windows.

        Raises:
            RedisAwayError: Redis does not answer.
        """
        if not event_ids:
            return {}
        name = PartitionStore(self._redis, self._namespace, partition).novel
        with translated():
            found = self._redis.hmget(name, event_ids)
        return {
            event_id: str(orjson.loads(value)["text"])
            for event_id, value in zip(event_ids, found, strict=True)
            if value is not None
        }
