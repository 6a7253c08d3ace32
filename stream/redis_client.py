"""Connecting to Redis, and its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import AuthenticationError, OutOfMemoryError, RedisError, ResponseError

from model.errors import ConfigurationError, StateError, TransientError

__all__ = ["connect", "translated"]


def connect(url: str) -> "redis.Redis":
    """Open a client that returns bytes.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://`` address; it may hold a password and is never logged.

    Raises:
        ConfigurationError: The address cannot be read, or Redis would throw state away.
        TransientError: Redis does not answer.
    """
    try:
        client: redis.Redis = redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5)
    except ValueError as exc:
        raise ConfigurationError(
            "redis.url (LOGSCRY_REDIS__URL) is not an address; it looks like redis://host:6379/0, "
            "rediss://host:6379/0 or unix:///path/to/socket."
        ) from exc
    _refuse_eviction(client)
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours.

    Raises:
        TransientError: Redis is away, loading, or full.
        ConfigurationError: Redis refuses the user.
        StateError: Redis refuses the command: a key holds another type, or a script failed.
    """
    try:
        yield
    except AuthenticationError as exc:
        raise ConfigurationError(f"Redis refuses the user or password of redis.url: {exc}.") from exc
    except OutOfMemoryError as exc:
        raise TransientError(
            "Redis has no memory left (maxmemory) and refuses to write; nothing was lost, consuming waits. "
            "Give it more memory, or let the workers drain the ready streams."
        ) from exc
    except ResponseError as exc:
        raise StateError(f"Redis refuses a command: {exc}") from exc
    except RedisError as exc:
        raise TransientError(f"Redis does not answer: {exc}") from exc


def _refuse_eviction(client: "redis.Redis") -> None:
    with translated():
        info = client.info("memory")
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory", 0) and policy != "noeviction":
        raise ConfigurationError(
            f"Redis may throw state away when its memory is full (maxmemory-policy {policy}). "
            "Windows would be lost without a word: set maxmemory-policy noeviction."
        )
