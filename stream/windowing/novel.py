"""Texts of novel events: templates that the model does not know, kept where their partition's state is."""

from typing import Any

import orjson
from redis import Redis

from stream.redis_client import translated
from stream.windowing.ready import ReadyWindow
from stream.windowing.store import PartitionStore

__all__ = ["NovelTexts"]


class NovelTexts:
    """Looks novel events up by ID."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis: Any = redis
        self._namespace = namespace

    def texts(self, window: ReadyWindow) -> dict[bytes, str]:
        """The texts of the window's novel events, by event ID; known events and forgotten ones are not among them."""
        distinct = sorted({event.event_id for event in window.events()})
        name = PartitionStore(self._redis, self._namespace, window.partition).novel
        with translated():
            found = self._redis.hmget(name, distinct)
        return {
            event_id: str(orjson.loads(value)["text"])
            for event_id, value in zip(distinct, found, strict=True)
            if value is not None
        }
