"""Reset: forget a namespace's window state, and where it began."""

import re
import time
from typing import Any

from kafka import KafkaAdminClient

from model.errors import ConfigurationError, KafkaAwayError, StateError
from stream.consumers.clients import new_admin, translated
from stream.live_settings import LiveSettingsStore
from stream.redis_client import translated as translated_redis
from stream.settings import KafkaSettings, Settings
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionId, PartitionStore

__all__ = ["reset_state"]

POLL_SECONDS = 0.2
MARGIN_SECONDS = 2.0

_GONE = ("OK", "GroupIdNotFoundError")


def reset_state(settings: Settings, redis: Any, *, live_settings: bool = False) -> int:  # noqa: ANN401 -- see redis-py
    """Delete the state of every partition of the namespace, and its consumer group with all that it committed.

    It may be run again: what is deleted stays deleted.

    Args:
        settings: Whose.
        redis: A client of one Redis or of a Redis Cluster.
        live_settings: Whether to delete the live settings and their history, too. A process that still runs would store
            them again.

    Returns:
        How many partitions had state.

    Raises:
        StateError: Consumers are running.
        ConfigurationError: Kafka refuses to delete the group.
        TransientError: Kafka or Redis does not answer.
    """
    _delete_group(settings.kafka, settings.namespace)
    registry = PartitionRegistry(redis, settings.namespace)
    partitions = {*registry.all(), *_stored_partitions(redis, settings.namespace)}
    for partition in partitions:
        PartitionStore(redis, settings.namespace, partition).remove()
        registry.remove(partition)
    if live_settings:
        LiveSettingsStore(redis, settings.namespace).remove()
    return len(partitions)


def _stored_partitions(redis: Any, namespace: str) -> set[PartitionId]:  # noqa: ANN401 -- as above
    """Those that have any key in Redis, whatever the list of them says.

    In a cluster the list lies on another server, which may have forgotten; and the topic may have had another name.
    """
    form = re.compile(rf"{re.escape(namespace)}:\{{(.+):(\d+)\}}:".encode())
    with translated_redis():
        names = [form.match(key) for key in redis.scan_iter(f"{namespace}:{{*:*}}:*", count=1000)]
    return {PartitionId(name[1].decode(), int(name[2])) for name in names if name}


def _delete_group(settings: KafkaSettings, group: str) -> None:
    """First, and only while nobody is in it: a consumer that runs would commit again where its state began."""
    killed_seconds = settings.session_timeout_ms / 1000
    deadline = time.monotonic() + killed_seconds + MARGIN_SECONDS
    with new_admin(settings) as admin:
        while (answer := _answer(admin, group)) not in _GONE:
            if answer == "GroupAuthorizationFailedError":
                raise ConfigurationError(f"Kafka does not let this user delete the consumer group {group}: allow it.")
            if time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            elif answer == "NonEmptyGroupError":
                raise StateError(
                    f"Consumers of namespace {group} are running. Stop them first, then run it again: one that was "
                    f"killed counts as running for {killed_seconds:.0f} s (kafka.session_timeout_ms). Nothing was "
                    "deleted."
                )
            else:
                raise KafkaAwayError(f"Kafka cannot delete the consumer group {group} now: {answer}.")


def _answer(admin: "KafkaAdminClient", group: str) -> str:
    with translated(f"deleting the consumer group {group}"):
        return str(admin.delete_groups([group])[group])
