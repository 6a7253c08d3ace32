"""What is committed to Kafka for the group: positions, and with each the origin of the partition's state.

The position is there for lag tools. The origin is there for the day on which Redis has forgotten: it says from where
Kafka is to replay. It is committed before the state is made, so that there is never a state without one. With it go
the live settings, so that a consumer that starts on an empty Redis cuts the windows that were cut before.
"""

from collections.abc import Mapping

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from stream.consumers.assignment import Held
from stream.consumers.clients import translated
from stream.consumers.offsets import Range
from stream.consumers.origin import Origin
from stream.live_values import LiveSettings
from stream.settings import KafkaSettings

__all__ = ["Commits"]

log = structlog.get_logger()

ANSWER_MS = 2_000


class Commits:
    """The committed offsets of one consumer's group.

    Args:
        settings: Which topic, and where to begin at the first start.
        kafka: A member of the group.
    """

    def __init__(self, settings: KafkaSettings, kafka: "KafkaConsumer") -> None:
        self._settings = settings
        self._kafka = kafka
        self._first_partitions: int | None = None

    def find_origins(
        self, held: Mapping[TopicPartition, Held], offsets: Mapping[TopicPartition, Range], topic_id: str
    ) -> None:
        """Give partitions the origins of their states; those of new states are committed first.

        Raises:
            ConfigurationError, KafkaAwayError: See `translated`.
            RedisAwayError: Redis does not answer.
        """
        unknown = {partition: each for partition, each in held.items() if each.origin is None}
        with translated("looking up committed offsets"):
            for partition, each in unknown.items():
                each.origin = self._committed(partition, topic_id, each)
            new = {p: self._new_origin(p, each, offsets[p], topic_id) for p, each in unknown.items() if not each.origin}
        if not new:
            return
        with translated("committing where states begin"):
            self._kafka.commit({p: _commit(origin.offset, origin) for p, origin in new.items()}, timeout_ms=ANSWER_MS)
        for partition, origin in new.items():
            held[partition].origin = origin

    def commit(self, held: Mapping[TopicPartition, Held], live: LiveSettings | None) -> None:
        """Commit the positions of the partitions that are taken, and the live settings, without waiting."""
        offsets = {
            partition: _commit(each.next_offset, each.origin._replace(live=live), each.position_epoch)
            for partition, each in held.items()
            if each.next_offset is not None and each.origin is not None
        }
        if offsets:
            try:
                self._kafka.commit_async(offsets)
            except KafkaError as exc:  # the state is what counts, and its origin is committed
                log.info("commit_failed", error=repr(exc))

    def _committed(self, partition: TopicPartition, topic_id: str, held: Held | None = None) -> Origin | None:
        committed = self._kafka.committed(partition, metadata=True, timeout_ms=ANSWER_MS)
        origin = Origin.decode(committed.metadata) if committed else None
        if origin is None or origin.topic_id != topic_id:
            return None
        if held is not None:
            held.learn_epoch(committed.leader_epoch, committed.offset)
        return origin

    def _new_origin(self, partition: TopicPartition, held: Held, offsets: Range, topic_id: str) -> Origin:
        partitions = self._partitions_at_first(topic_id)
        added_later = partition.partition >= partitions
        # With a state and no origin, the group's offsets have expired, or another tool has changed them: if Redis
        # forgets then, rather too many lines are replayed than too few.
        from_the_beginning = self._settings.start_at == "earliest" or added_later or held.store.position() is not None
        return Origin(offsets.begin if from_the_beginning else offsets.end, topic_id, partitions)

    def _partitions_at_first(self, topic_id: str) -> int:
        if self._first_partitions is None:
            topic = self._settings.logs_topic
            now = sorted(self._kafka.partitions_for_topic(topic))
            origins = (self._committed(TopicPartition(topic, number), topic_id) for number in now)
            self._first_partitions = next((origin.partitions for origin in origins if origin), len(now))
        return self._first_partitions


def _commit(offset: int, origin: Origin, epoch: int = -1) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, origin.encode(), epoch)
