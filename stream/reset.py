"""Reset: forget a namespace's window state."""

from typing import Any

from stream.settings import Settings
from stream.windowing.registry import PartitionRegistry
from stream.windowing.store import PartitionStore

__all__ = ["reset_state"]


def reset_state(settings: Settings, redis: Any) -> int:  # noqa: ANN401 -- redis-py types every mode of its client
    """Delete the state of every partition of the namespace.

    Returns:
        How many partitions had state.

    Raises:
        TransientError: Redis does not answer; it may be run again.
    """
    registry = PartitionRegistry(redis, settings.namespace)
    partitions = registry.all()
    for partition in partitions:
        PartitionStore(redis, settings.namespace, partition).remove()
        registry.remove(partition)
    return len(partitions)
