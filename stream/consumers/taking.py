"""Taking partitions: becoming the owner of their states, and reading on where those stand."""

from collections.abc import Iterator, Mapping

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from model.errors import StateError
from stream.consumers.assignment import Held
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
        identity: Whether the topic is still the same.
        registry: Where to remember that a partition has state.
        owner: The token of this consumer.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        kafka: "KafkaConsumer",
        identity: TopicIdentity,
        registry: PartitionRegistry,
        owner: str,
    ) -> None:
        self._settings = settings
        self._kafka = kafka
        self._identity = identity
        self._registry = registry
        self._owner = owner

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
        topic_id = self._identity.confirm()
        for partition, each in wanted.items():
            each.next_offset = self._position(each, topic_id, offsets[partition])
            self._registry.add(each.store.partition)
            yield partition, offsets[partition].begin

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
        position = OffsetAndMetadata(held.next_offset, "", held.epoch)
        self._kafka._subscription.seek(partition, position)  # noqa: SLF001 -- the public seek takes no epoch

    def take_again(self, held: Mapping[TopicPartition, Held]) -> None:
        """Fetch nothing more from partitions until they are taken once more."""
        for partition, each in held.items():
            each.next_offset = None
            if partition in self._kafka.assignment():
                self._kafka.pause(partition)

    def _position(self, held: Held, topic_id: str, offsets: Range) -> int:
        start = offsets.begin if self._settings.start_at == "earliest" else offsets.end
        position = held.store.take(self._owner, topic_id, start).offset
        if position > offsets.end:
            raise StateError(
                f"The state of {held.store.partition} has seen offsets up to {position}, but the partition ends at "
                f"{offsets.end}: records that it counts are gone. Start it anew with: logscry reset"
            )
        return position
