"""How large a record may be: what the broker says of a topic, and what our producers send at once."""

import math
import time
from collections.abc import Callable, Iterable, Sequence

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.record.default_records import DefaultRecordBatchBuilder

from model.errors import ConfigurationError
from stream.consumers.clients import MAX_REQUEST_BYTES, new_admin, translated
from stream.settings import KafkaSettings

__all__ = ["DEAD_LETTER_BYTES", "Sizes", "largest_records", "record_bytes", "require_room_for_dead_letters"]

DEAD_LETTER_BYTES = 16 << 10
"""No dead letter is larger, with its key and what Kafka adds: its texts are bounded, and so is the value it keeps."""

AGE_SECONDS = 30.0
"""How long a limit counts before a record is refused by it: an operator may have raised it."""

_LIMIT = "max.message.bytes"


def largest_records(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, int]:
    """How many bytes a record of each topic may have, alone in its batch.

    That is the topic's ``max.message.bytes``, or what our producers send at once if that is less. Of a topic whose
    settings the broker does not tell, or not to this user, the latter, which is also Kafka's default.

    Raises:
        ConfigurationError, KafkaAwayError: See `translated`.
    """
    # Named settings would be enough; a request that names some is one that the embedded broker cannot read.
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
    admin = new_admin(settings)
    try:
        with translated("asking how large a record may be"):
            told = admin.describe_configs(wanted, config_filter="all").get("topic", {})
    finally:
        admin.close()
    limits = {each.name: told.get(each.name, {}).get(_LIMIT, {}).get("value") for each in wanted}
    return {
        topic: MAX_REQUEST_BYTES if limit is None else min(int(limit), MAX_REQUEST_BYTES)
        for topic, limit in limits.items()
    }


def record_bytes(value: bytes, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()) -> int:
    """An upper bound of the bytes of a batch that holds this record alone, not compressed.

    The same that kafka-python holds against its own limit.
    """
    size: int = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, headers)
    return size


def require_room_for_dead_letters(settings: KafkaSettings) -> None:
    """Make sure that the dead letters topic takes every dead letter: what cannot be used must have somewhere to go.

    Raises:
        ConfigurationError: It does not.
        TransientError: Kafka does not answer.
    """
    topic = settings.dead_letters_topic
    largest = largest_records(settings, [topic])[topic]
    if largest < DEAD_LETTER_BYTES:
        raise ConfigurationError(
            f"Topic {topic} (kafka.dead_letters_topic) takes records of at most {largest} bytes, its {_LIMIT}, and a "
            f"dead letter may have up to {DEAD_LETTER_BYTES}. Raise {_LIMIT} of the topic to that at least."
        )


class Sizes:
    """The limits of the topics that are written to, asked for when they are first needed.

    Args:
        settings: How to connect.
        topics: Which topics.
        clock: Seconds that never go back.
    """

    def __init__(
        self, settings: KafkaSettings, topics: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._clock = clock
        self._limits: dict[str, int] = {}
        self._asked_at = 0.0

    def smallest(self) -> int:
        """What every of the topics takes: a batch that is no larger is never refused for its size.

        Raises:
            ConfigurationError, KafkaAwayError: See `largest_records`.
        """
        return min(self._known().values())

    def excess(
        self, topic: str, value: bytes, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> str | None:
        """Why a record does not fit into a topic: the rest of a sentence that begins with it; None where it fits.

        Raises:
            ConfigurationError, KafkaAwayError: See `largest_records`.
        """
        size = record_bytes(value, key, headers)
        if size <= self._known()[topic] or size <= self._known(AGE_SECONDS)[topic]:
            return None
        return f"takes {size} bytes, and topic {topic} takes records of at most {self._known()[topic]} ({_LIMIT})"

    def require(
        self, topic: str, value: bytes, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Make sure that a record which cannot be given up fits into its topic.

        Raises:
            ConfigurationError: It does not; a try again would not help.
            KafkaAwayError: See `largest_records`.
        """
        if excess := self.excess(topic, value, key, headers):
            raise ConfigurationError(
                f"A record of logscry's own {excess}. Raise {_LIMIT} of the topic; with {MAX_REQUEST_BYTES}, about "
                "Kafka's default, everything fits that logscry writes. What was to be written is kept until then."
            )

    def forget(self) -> None:
        """Ask anew: a record was refused, or the broker may be another."""
        self._limits.clear()

    def _known(self, most_seconds: float = math.inf) -> dict[str, int]:
        """The limits, asked for anew where they are older than so many seconds."""
        if not self._limits or self._clock() - self._asked_at > most_seconds:
            self._limits = largest_records(self._settings, self._topics)
            self._asked_at = self._clock()
        return self._limits
