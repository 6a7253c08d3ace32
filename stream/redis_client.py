"""Connecting to Redis, and its errors in our words."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import redis
from redis.exceptions import AuthenticationError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from model.errors import ConfigurationError, RedisAwayError, RedisFullError, StateError

__all__ = ["connect", "translated"]

_FULL = "OOM command"
"""How an older Redis says in a script's error that its memory is full."""

_PASSING = ("BUSY", "MISCONF", "MASTERDOWN", "NOREPLICAS", "READONLY", "TRYAGAIN", "CLUSTERDOWN")
"""States that pass by themselves or by an operator's hand: in a long script, no disk, failing over, electing."""

_NO_DATABASE = re.compile(r"DB index|SELECT is not allowed|value is not an integer")
"""What Redis answers when a connection selects a database that there is not."""


def connect(url: str) -> "redis.Redis":
    """Open a client that returns bytes.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://`` address; it may hold a password and is never logged.

    Raises:
        ConfigurationError: The address cannot be used, there is no such database, or Redis would throw state away.
        TransientError: Redis does not answer.
    """
    try:
        client: redis.Redis = redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5)
        info = _memory(client)
    except (AttributeError, TypeError, ValueError):
        # Options after a '?' are looked at only when redis-py connects. Its errors are neither repeated nor chained:
        # where a password holds a '/' or '?', they take a part of it for a port or an option and show it.
        raise ConfigurationError(
            "redis.url (LOGSCRY_REDIS__URL) is not an address that can be used; it looks like redis://host:6379/0, "
            "rediss://host:6379/0 or unix:///path/to/socket. A '?' begins options of redis-py, such as "
            "?health_check_interval=30; in a password write '/' as %2F, '?' as %3F and '@' as %40."
        ) from None
    _refuse_eviction(info)
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours.

    Raises:
        RedisAwayError: Redis is away, loading, or failing over.
        RedisFullError: Redis has no memory left.
        ConfigurationError: Redis refuses the user.
        StateError: Redis refuses the command: a key holds another type, or a script failed.
    """
    try:
        yield
    except AuthenticationError as exc:
        raise ConfigurationError(f"Redis refuses the user or password of redis.url: {exc}.") from exc
    except ResponseError as exc:
        if isinstance(exc, OutOfMemoryError) or _FULL in str(exc):
            raise RedisFullError(
                "Redis has no memory left (maxmemory) and refuses to write; nothing was lost, consuming waits. "
                "Give it more memory, or let the workers drain the ready streams."
            ) from exc
        if isinstance(exc, ReadOnlyError) or any(word in str(exc) for word in _PASSING):
            raise RedisAwayError(f"Redis cannot do it now: {exc}") from exc
        raise StateError(f"Redis refuses a command: {exc}") from exc
    except RedisError as exc:
        raise RedisAwayError(f"Redis does not answer: {exc}") from exc


def _memory(client: "redis.Redis") -> dict[str, Any]:
    with translated():
        try:
            info: dict[str, Any] = client.info("memory")
        except ResponseError as exc:
            if _NO_DATABASE.search(str(exc)) is None:
                raise
            raise ConfigurationError(
                f"redis.url (LOGSCRY_REDIS__URL) names a database that the server does not have: {exc}. "
                "Allowed are 0 to 15, unless the server's own setting 'databases' differs; a Redis Cluster has 0 alone."
            ) from exc
    return info


def _refuse_eviction(info: Mapping[str, Any]) -> None:
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory", 0) and policy != "noeviction":
        raise ConfigurationError(
            f"Redis may throw state away when its memory is full (maxmemory-policy {policy}). "
            "Windows would be lost without a word: set maxmemory-policy noeviction."
        )
