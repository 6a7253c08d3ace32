"""Taking partitions: becoming the owner of their states, and reading on where those stand."""

import time
from collections.abc import Callable, Iterator, Mapping

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from model.errors import StateError
from stream.consumers.assignment import Held
from stream.consumers.commits import Commits
from stream.consumers.identity import TopicIdentity
from stream.consumers.offsets import Range, ranges
from stream.settings import KafkaSettings
from stream.windowing.registry import PartitionRegistry

__all__ = ["Taker"]

log = structlog.get_logger()


class Taker:
    """Takes the partitions that a consumer was assigned.

    Args:
        settings: Where Kafka is, which topic, and where to begin without a state.
        kafka: The member of the group.
        registry: Where to remember that a partition has state.
        owner: The token of this consumer.
        clock: Seconds that never go back.

    Attributes:
        identity: Whether the topic is still the one that was taken.
        commits: What Kafka keeps about the partitions: their positions, and where their states began.
        owner: As given.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        kafka: "KafkaConsumer",
        registry: PartitionRegistry,
        owner: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = TopicIdentity(kafka, settings.logs_topic, clock)
        self.commits = Commits(settings, kafka)
        self._settings = settings
        self._kafka = kafka
        self._registry = registry
        self.owner = owner

    def take(self, held: Mapping[TopicPartition, Held]) -> Iterator[tuple[TopicPartition, int]]:
        """Take the partitions that are not taken yet.

        Yields:
            Each with the first offset that Kafka still has, once its `next_offset` says where its state stands. It is
            to be given to `read_on` when nothing is left to do before.

        Raises:
            StateError: A state belongs to another topic, or has seen offsets that the partition does not hold.
            ConfigurationError, TransientError: See `translated`.
        """
        wanted = {partition: each for partition, each in held.items() if each.next_offset is None}
        if not wanted:
            return
        offsets = ranges(self._settings, wanted)
        topic_id = self.identity.confirm()
        self.commits.find_origins(wanted, offsets, topic_id)
        for partition, each in wanted.items():
            each.next_offset = self._position(each, topic_id, offsets[partition])
            self.remember({partition: each})
            yield partition, offsets[partition].begin

    def remember(self, held: Mapping[TopicPartition, Held]) -> None:
        """Tell workers of the partitions that are taken: they find none of a Redis that came back without its list."""
        self._registry.add(*(each.store.partition for each in held.values() if each.next_offset is not None))

    def read_on(self, partition: TopicPartition, held: Held) -> None:
        """Fetch from where the state stands, unless another consumer has taken the partition since."""
        if held.next_offset is None:
            return
        self.seek(partition, held)
        if not held.full:
            self._kafka.resume(partition)
        log.info("partition_taken", partition=partition.partition, position=held.next_offset)

    def seek(self, partition: TopicPartition, held: Held) -> None:
        """Fetch from the next offset, if Kafka still has the records before it."""
        position = OffsetAndMetadata(held.next_offset, "", held.position_epoch)
        self._kafka._subscription.seek(partition, position)  # noqa: SLF001 -- the public seek takes no epoch

    def take_again(self, held: Mapping[TopicPartition, Held]) -> None:
        """Fetch nothing more from partitions until they are taken once more."""
        for partition, each in held.items():
            each.let_go()
            if partition in self._kafka.assignment():
                self._kafka.pause(partition)

    def _position(self, held: Held, topic_id: str, offsets: Range) -> int:
        origin = held.origin.offset if held.origin else offsets.begin
        position = held.store.take(self.owner, topic_id, max(origin, offsets.begin)).offset
        if position > offsets.end:
            raise StateError(
                f"The state of {held.store.partition} has seen offsets up to {position}, but the partition ends at "
                f"{offsets.end}: records that it counts are gone. Start it anew with: logscry reset"
            )
        return position
