"""One command for each of many keys in few round trips, on one Redis or over the servers of a Redis Cluster."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from redis.cluster import RedisCluster
from redis.exceptions import AskError, ConnectionError, ResponseError, TimeoutError, TryAgainError  # noqa: A004

__all__ = ["Command", "pipelined"]

Command = Callable[[Any, str], object]
"""Gives a command about a key to a client or to a pipeline."""


def pipelined(redis: Any, keys: Sequence[str], command: Command) -> list[Any]:  # noqa: ANN401 -- of two kinds, see below
    """Send a command for each key, all for the same server at once.

    redis-py's own pipeline of a cluster asks the server beforehand, one by one, which keys are in an XREADGROUP, and
    after a failure sends each command again by itself, each with its own wait.

    Args:
        redis: A client of one Redis or of a Redis Cluster.
        keys: Keys of any slots.
        command: Called once for each, more often where a slot has moved meanwhile.

    Returns:
        The answers in the order of the keys; what Redis refused is a ``ResponseError`` in its place.

    Raises:
        RedisError, RedisClusterException: A server does not answer; what the others did is done.
    """
    if not isinstance(redis, RedisCluster):
        return _sent(redis, keys, command)
    answers: dict[str, Any] = {}
    for node, held in _by_node(redis, keys).items():
        answers |= zip(held, _sent_to(redis, node, held, command), strict=True)
    return [_redirected(redis, key, command, answers[key]) for key in keys]


def _sent(client: Any, keys: Sequence[str], command: Command) -> list[Any]:  # noqa: ANN401
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        command(pipeline, key)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    return answers


def _by_node(cluster: Any, keys: Sequence[str]) -> dict[Any, list[str]]:  # noqa: ANN401
    held = defaultdict(list)
    for key in keys:
        held[cluster.get_node_from_key(key)].append(key)
    return held


def _sent_to(cluster: Any, node: Any, keys: Sequence[str], command: Command) -> list[Any]:  # noqa: ANN401
    try:
        return _sent(cluster.get_redis_connection(node), keys, command)
    except (ConnectionError, TimeoutError):
        # Whoever tries again must find the servers that have its slots by then.
        cluster.nodes_manager.initialize(last_failed_node_name=node.name)
        raise


def _redirected(cluster: Any, key: str, command: Command, answer: Any) -> Any:  # noqa: ANN401
    """The answer of the server that has the slot now: the client itself follows, and remembers."""
    if not isinstance(answer, AskError | TryAgainError):
        return answer
    try:
        return command(cluster, key)
    except ResponseError as exc:
        return exc
