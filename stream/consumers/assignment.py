"""Which partitions this consumer has, as Kafka's group coordination tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from queue import SimpleQueue

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from stream.consumers.origin import Origin
from stream.windowing.store import Applied, PartitionStore

__all__ = ["Assignment", "Held", "Rejoining"]


@dataclass(slots=True)
class Held:
    """An assigned partition.

    Attributes:
        store: Its window state.
        origin: Where its state began; None until that is known.
        next_offset: The offset that the next batch begins at; None until the partition is taken.
        epoch: The newest leader epoch of the records that were applied, -1 where none is known: by it Kafka tells
            whether it still has those records.
        full: Whether it is paused because its ready stream is.
        silent_since: When it was first seen to have no further records, by the consumer's clock; None while it has.
        last: What the last call did.
    """

    store: PartitionStore
    origin: Origin | None = None
    next_offset: int | None = None
    epoch: int = -1
    full: bool = False
    silent_since: float | None = None
    last: Applied | None = None

    def let_go(self) -> None:
        """Know nothing of its state any more, until it is taken again."""
        self.next_offset, self.silent_since, self.last = None, None, None


class Rejoining(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python ships no types
    """Keeps a member that began to join its group at it until it has joined.

    kafka-python 3.0.12 forgets that it is joining when a poll ends meanwhile and the reason for joining has gone by
    then, as a difference in metadata does. It then has no partitions, and is never given any again.

    Args:
        consumer: The member.
    """

    def __init__(self, consumer: "KafkaConsumer") -> None:
        self.consumer = consumer

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """It has joined."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002
        """It begins to join: let it need to until it has."""
        self.consumer._coordinator.request_rejoin()  # noqa: SLF001

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Likewise."""
        self.on_partitions_revoked(lost)


class Assignment(Rejoining):
    """Follows rebalances.

    kafka-python calls the listener on its own thread, in the middle of a rebalance: there it only parks new partitions
    (paused, at an offset that is never read) so that nothing is fetched before their state says where to begin. All
    else happens on the consumer's thread, in `changes`.
    """

    def __init__(self, consumer: "KafkaConsumer") -> None:
        super().__init__(consumer)
        self._changes: SimpleQueue[tuple[bool, set[TopicPartition]]] = SimpleQueue()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Park the partitions and remember them."""
        partitions = set(assigned)
        for partition in partitions:
            self.consumer.seek(partition, 0)
            self.consumer.pause(partition)
        self._changes.put((True, partitions))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Remember that the partitions are gone."""
        super().on_partitions_revoked(revoked)
        self._changes.put((False, set(revoked)))

    def changes(self) -> list[tuple[bool, set[TopicPartition]]]:
        """What happened since the last call, oldest first: (True, assigned) or (False, revoked)."""
        happened = []
        while not self._changes.empty():
            happened.append(self._changes.get())
        return happened
