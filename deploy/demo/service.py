"""The processes of the demo: a broker and a Redis, two consumers and a model worker, with the settings to meet."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.exchange import ALERTS_TOPIC, LOGS_TOPIC
from deploy.embedded.children import Child, Children
from deploy.embedded.ports import wait_until
from deploy.embedded.stack import Stack
from model.errors import TransientError

__all__ = ["TOPICS", "Service", "running_service"]

#: The demo's topics with their partitions.
TOPICS = {LOGS_TOPIC: 4, ALERTS_TOPIC: 1, "dead-letters": 1}

_CONSUMERS = 2
_JOIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """What runs while lines are streamed.

    Attributes:
        stack: The broker and the Redis.
        children: The logscry processes.
        consumers: Those of them that read the logs.
        worker: The one that scores.
    """

    stack: Stack
    children: Children
    consumers: tuple[Child, ...]
    worker: Child

    def windows_scored(self) -> int:
        """How many windows were scored and acknowledged."""
        return int(self.worker.metric("logscry_worker_windows_scored_total"))

    def windows_known(self) -> int:
        """How many of them were equal to an earlier one."""
        return int(self.worker.metric("logscry_worker_cache_hits_total"))


@contextmanager
def running_service(folder: Path) -> Iterator[Service]:
    """Start everything, wait until the consumers have all partitions, and end everything with the block.

    Args:
        folder: Holds the trained model as ``model``; the processes' output goes there.

    Raises:
        TransientError: A server or process did not start; the text holds the end of its output.
    """
    with Stack(TOPICS) as stack, Children(folder, _settings(stack, folder)) as children:
        consumers = tuple(children.start("consume") for _ in range(_CONSUMERS))
        worker = children.start("detect")
        children.await_health()
        _await_partitions(children, consumers)
        yield Service(stack, children, consumers, worker)


def _settings(stack: Stack, folder: Path) -> dict[str, str]:
    return {
        "LOGSCRY_NAMESPACE": "demo",
        "LOGSCRY_KAFKA__BOOTSTRAP_SERVERS": stack.kafka_address,
        # With the embedded broker a consumer group needs half of this to form.
        "LOGSCRY_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "LOGSCRY_REDIS__URL": stack.redis_url,
        "LOGSCRY_MODEL__PATH": str(folder / "model"),
    }


def _await_partitions(children: Children, consumers: tuple[Child, ...]) -> None:
    def all_taken() -> bool:
        children.check()
        return sum(len(child.samples("logscry_consumer_lag_records")) for child in consumers) >= TOPICS[LOGS_TOPIC]

    if not wait_until(all_taken, _JOIN_SECONDS):
        raise TransientError(
            f"the consumers did not take all {TOPICS[LOGS_TOPIC]} partitions within {_JOIN_SECONDS:.0f} s. The end of "
            f"the first one's output:\n{consumers[0].log_tail()}"
        )
