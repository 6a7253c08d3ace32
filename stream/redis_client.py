"""Connecting to Redis, one server or a cluster, and its errors in our words."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.retry import Retry

from model.errors import ConfigurationError, LogscryError, RedisAwayError, RedisFullError, StateError

__all__ = ["close", "connect", "translated"]

ANSWER_SECONDS = 3
CONNECT_SECONDS = 2
"""How long a server that hangs can hold up a process, which must be able to stop within five seconds."""

_FULL = "OOM command"
"""How an older Redis says in a script's error that its memory is full."""

_PASSING_ERRORS = (ReadOnlyError, ClusterDownError, TryAgainError, AskError)
"""States of a server that pass by themselves: failing over, electing, moving slots. ``MovedError`` is an AskError."""

_PASSING_WORDS = ("BUSY", "MISCONF", "NOREPLICAS", "-READONLY")
"""Likewise, where redis-py has no class of its own, or the error comes out of a script."""

_CLUSTER_AWAY = re.compile(r"cannot be connected|not covered|could not agree")
"""What redis-py says of a cluster none of whose servers answers, or that is being put together."""

_NO_DATABASE = re.compile(r"DB index|SELECT is not allowed|value is not an integer")
"""What Redis answers when a connection selects a database that there is not."""


def connect(url: str) -> "redis.Redis | RedisCluster":
    """Open a client that returns bytes: of a Redis Cluster where the server is in cluster mode.

    It repeats nothing by itself: whoever calls backs off, and looks at its stop signal before it tries again.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://`` address, of any server of a cluster; it may hold a password and
            is never logged.

    Raises:
        ConfigurationError: The address cannot be used, there is no such database, or Redis would throw state away.
        RedisAwayError: Redis does not answer.
    """
    options: dict[str, Any] = {
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    try:
        with ExitStack() as unwanted:
            single: redis.Redis = redis.Redis.from_url(url, **options)
            unwanted.callback(close, single)
            if _info(single, "cluster").get("cluster_enabled"):
                return _cluster(url, options)
            _refuse_eviction(_info(single, "memory"))
            unwanted.pop_all()
            return single
    except (AttributeError, TypeError, ValueError):
        # Options after a '?' are looked at only when redis-py connects. Its errors are neither repeated nor chained:
        # where a password holds a '/' or '?', they take a part of it for a port or an option and show it.
        raise ConfigurationError(
            "redis.url (LOGSCRY_REDIS__URL) is not an address that can be used; it looks like redis://host:6379/0, "
            "rediss://host:6379/0 or unix:///path/to/socket. A '?' begins options of redis-py, such as "
            "?health_check_interval=30; in a password write '/' as %2F, '?' as %3F and '@' as %40."
        ) from None


def close(client: "redis.Redis | RedisCluster") -> None:
    """Close a client's connections; redis-py's own ``close`` leaves those of a cluster to the garbage collector."""
    client.close()
    if isinstance(client, RedisCluster):
        client.disconnect_connection_pools()  # type: ignore[no-untyped-call]


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours.

    Raises:
        RedisAwayError: Redis is away, loading, failing over, or a cluster that is not whole now.
        RedisFullError: Redis has no memory left.
        ConfigurationError: Redis refuses the user.
        StateError: Redis refuses the command: a key holds another type, or a script failed.
    """
    try:
        yield
    except (RedisError, RedisClusterException) as exc:
        raise _translation(exc) from exc


def _translation(exc: RedisError | RedisClusterException) -> LogscryError:
    match exc:
        case AuthenticationError() | NoPermissionError() | RedisClusterException(__cause__=AuthenticationError()):
            return ConfigurationError(f"Redis refuses the user or password of redis.url, or what it may do: {exc}.")
        case ResponseError() if isinstance(exc, OutOfMemoryError) or _FULL in str(exc):
            return RedisFullError(
                "Redis has no memory left (maxmemory) and refuses to write; nothing was lost, consuming waits. "
                "Give it more memory, or let the workers drain the ready streams."
            )
        case ResponseError() if isinstance(exc, _PASSING_ERRORS) or any(word in str(exc) for word in _PASSING_WORDS):
            return RedisAwayError(f"Redis cannot do it now: {exc}")
        case ResponseError():
            return StateError(f"Redis refuses a command: {exc}")
        case RedisClusterException() if not isinstance(exc, SlotNotCoveredError) and not _CLUSTER_AWAY.search(str(exc)):
            return StateError(f"A command cannot be given to a Redis Cluster: {exc}")
    return RedisAwayError(f"Redis does not answer: {exc}")


def _cluster(url: str, options: Mapping[str, Any]) -> RedisCluster:
    if url.startswith("unix://"):
        raise ConfigurationError(
            "redis.url (LOGSCRY_REDIS__URL) is the socket of a server in cluster mode; the others are on other "
            "machines, so give the address of one of them, such as redis://host:6379/0."
        )
    with translated():
        cluster = RedisCluster.from_url(url, **options)
        with ExitStack() as unwanted:
            unwanted.callback(close, cluster)
            for node in cluster.get_primaries():  # type: ignore[no-untyped-call]
                _refuse_eviction(cluster.info("memory", target_nodes=node))
            unwanted.pop_all()
    return cluster


def _info(client: "redis.Redis", section: str) -> dict[str, Any]:
    with translated():
        try:
            info: dict[str, Any] = client.info(section)
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
