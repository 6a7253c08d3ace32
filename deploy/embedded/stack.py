"""A Kafka broker and a Redis, started together and cleaned up together."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.embedded.broker import Broker, EmbeddedBroker
from deploy.embedded.redis_server import EmbeddedRedis
from model.errors import TransientError

__all__ = ["Stack", "create_topics"]


class Stack:
    """The servers that logscry needs, on free ports of 127.0.0.1, for as long as a ``with`` block lasts.

    However the block ends (its last line, an exception, Ctrl-C, or a signal that kills the process), no process and no
    folder stays behind. Several stacks can run side by side.

    Example::

        with Stack({"logs": 4, "alerts": 1}) as stack:
            print(stack.kafka_address, stack.redis_url)

    Attributes:
        broker: The Kafka broker.
        redis: The Redis server.
    """

    def __init__(
        self,
        topics: Mapping[str, int] | None = None,
        *,
        broker: Broker | None = None,
        redis: EmbeddedRedis | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            topics: Topics to create, with their partition counts.
            broker: Another broker than a new embedded one, not yet started.
            redis: Another Redis than a new one that keeps nothing on disk, not yet started.
        """
        self.broker: Broker = broker or EmbeddedBroker()
        self.redis = redis or EmbeddedRedis()
        self._topics = dict(topics or {})
        self._cleanup = ExitStack()

    @property
    def kafka_address(self) -> str:
        """The broker's ``host:port``."""
        return self.broker.address

    @property
    def redis_url(self) -> str:
        """The URL of the Redis, password included."""
        return self.redis.url

    def create_topics(self, topics: Mapping[str, int]) -> None:
        """Create topics; see :func:`create_topics`."""
        create_topics(self.kafka_address, topics)

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            for server in (self.broker, self.redis):
                # First: a start that is interrupted half-way is cleaned up as well.
                cleanup.callback(server.stop)
                server.start()
            if self._topics:
                self.create_topics(self._topics)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()


def create_topics(kafka_address: str, topics: Mapping[str, int]) -> None:
    """Create topics with one replica and wait until every partition has a leader.

    Args:
        kafka_address: ``host:port`` of the broker.
        topics: Names and partition counts.

    Raises:
        TransientError: The broker refused (a topic of that name exists) or did not answer.
    """
    wanted = {name: {"num_partitions": count, "replication_factor": 1} for name, count in topics.items()}
    try:
        with KafkaAdminClient(bootstrap_servers=kafka_address) as admin:
            admin.create_topics(wanted, wait_for_metadata=True)
    except KafkaError as error:
        raise TransientError(f"the broker on {kafka_address} did not create {sorted(wanted)}: {error}") from error
