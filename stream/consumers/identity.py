"""Whether the logs topic is still the one whose records the states have seen.

A topic that is deleted and made anew keeps its name and gets another id. Every fetch names the id (see `fetch_by_id`),
so Kafka refuses those of a topic that is gone; here that is told apart from a server that is away. A broker older than
Kafka 3.1 is fetched from by name: there it is this question, asked at least each second, that finds it out.
"""

import time
from collections.abc import Callable

from kafka import KafkaConsumer

from model.errors import KafkaAwayError, StateError
from stream.consumers.clients import translated
from stream.consumers.fetch_by_id import fetch_by_id

__all__ = ["TopicIdentity"]

FRESH_SECONDS = 1.0
"""How old Kafka's last word on the topic's id may be when records of it are applied."""

ANSWER_MS = 2_000


class TopicIdentity:
    """The id of a topic, as it was when it was first asked for.

    Args:
        kafka: A consumer that subscribes to the topic.
        topic: Its name.
        clock: Seconds that never go back.
    """

    def __init__(self, kafka: "KafkaConsumer", topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kafka = kafka
        self._manager = kafka._client._manager  # noqa: SLF001 -- kafka-python shows topic ids nowhere else
        self._cluster = self._manager.cluster
        self._topic = topic
        self._clock = clock
        self._id = ""
        self._asked_at: float | None = None

    def confirm(self) -> str:
        """Make sure that the topic is the same as before, by what Kafka says or said within the last second.

        Returns:
            Its id, empty where the broker tells none.

        Raises:
            StateError: It was deleted and made anew.
            ConfigurationError, KafkaAwayError: It was deleted, or see `translated`.
        """
        now = self._clock()
        # kafka-python wants to ask after an error of a fetch: perhaps the topic went away and came back.
        if self._asked_at is None or now - self._asked_at >= FRESH_SECONDS or self._cluster.need_update:
            self._ask()
            self._asked_at = now
        found = str(self._cluster.topic_id(self._topic) or "")
        if self._cluster.partitions_for_topic(self._topic) is None:
            raise KafkaAwayError(f"There is no topic {self._topic} any more: was it deleted? Nothing is read.")
        if self._id and found and found != self._id:
            raise StateError(
                f"Topic {self._topic} was deleted and made anew: its id was {self._id}, Kafka now has {found}. "
                "Its offsets mean other records; none of them was applied. Start the state anew with: logscry reset"
            )
        if found and not self._id:
            fetch_by_id(self._kafka, self._topic, self._cluster.topic_id(self._topic))
            self._id = found
        return found

    def _ask(self) -> None:
        with translated(f"asking for topic {self._topic}"):
            # The answer to a question that is under way may be from before what was fetched last.
            for _ in range(1 + self._cluster.metadata_refresh_in_progress):
                answer = self._manager.call_soon(self._cluster.refresh_metadata)
                self._manager.run(self._manager.wait_for, answer, ANSWER_MS)
