"""Which partitions this consumer has, as Kafka's group coordination tells it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from queue import SimpleQueue

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from stream.consumers.origin import Origin
from stream.windowing.calls import Applied
from stream.windowing.store import PartitionStore

__all__ = ["Assignment", "Held"]


@dataclass(slots=True)
class Held:
    """An assigned partition.

    Attributes:
        store: Its window state.
        origin: Where its state began; None until that is known.
        next_offset: The offset that the next batch begins at; None until the partition is taken.
        epoch: The leader epoch of the newest record whose epoch is known, -1 where none is: by it Kafka tells whether
            it still has that record.
        epoch_stop: One past that record.
        full: Whether it is paused because its ready stream is.
        silent_since: When it was first seen to have no further records, by the consumer's clock; None while it has.
        last: What the last call did.
    """

    store: PartitionStore
    origin: Origin | None = None
    next_offset: int | None = None
    epoch: int = -1
    epoch_stop: int = -1
    full: bool = False
    silent_since: float | None = None
    last: Applied | None = None

    @property
    def position_epoch(self) -> int:
        """The leader epoch that goes with the next offset.

        It is unknown where another consumer has applied newer records: they may be of a newer epoch, and behind the end
        of the one that is known here Kafka would take them for lost.
        """
        return self.epoch if self.next_offset is not None and self.next_offset <= self.epoch_stop else -1

    def learn_epoch(self, epoch: int, stop: int) -> None:
        """Remember the leader epoch of the record before the offset ``stop``, if none newer is known."""
        if stop > self.epoch_stop:
            self.epoch, self.epoch_stop = epoch, stop

    def let_go(self) -> None:
        """Know nothing of its state any more, until it is taken again."""
        self.next_offset, self.silent_since, self.last = None, None, None


@dataclass
class Assignment(ConsumerRebalanceListener):  # type: ignore[misc] # kafka-python ships no types
    """Follows rebalances.

    kafka-python calls the listener on its own thread, in the middle of a rebalance: there it only parks new partitions
    (paused, at an offset that is never read) so that nothing is fetched before their state says where to begin. All
    else happens on the consumer's thread, in `changes`.
    """

    consumer: "KafkaConsumer"
    _changes: "SimpleQueue[tuple[bool, set[TopicPartition]]]" = field(default_factory=SimpleQueue)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Park the partitions and remember them."""
        partitions = set(assigned)
        for partition in partitions:
            self.consumer.seek(partition, 0)
            self.consumer.pause(partition)
        self._changes.put((True, partitions))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Remember that the partitions are gone."""
        self._changes.put((False, set(revoked)))

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Likewise: another consumer may have them already, and its owner token keeps us out."""
        self.on_partitions_revoked(lost)

    def changes(self) -> list[tuple[bool, set[TopicPartition]]]:
        """What happened since the last call, oldest first: (True, assigned) or (False, revoked)."""
        happened = []
        while not self._changes.empty():
            happened.append(self._changes.get())
        return happened
