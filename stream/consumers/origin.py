"""Where the state of a partition began, as Kafka keeps it for the day on which Redis has forgotten."""

import json
from typing import NamedTuple, Self

__all__ = ["Origin"]


class Origin(NamedTuple):
    """The beginning of a partition's state.

    Attributes:
        offset: The first offset that it has seen.
        topic_id: The topic that the offset is of; empty where the broker tells no ids.
        partitions: How many partitions the topic had at the service's first start: the others were added later.
    """

    offset: int
    topic_id: str
    partitions: int

    def encode(self) -> str:
        """As the metadata of a committed offset."""
        return json.dumps({"origin": self.offset, "topic_id": self.topic_id, "partitions": self.partitions})

    @classmethod
    def decode(cls, metadata: str | None) -> Self | None:
        """From the metadata of a committed offset; None where another tool committed it, or the broker keeps none."""
        try:
            values = json.loads(metadata or "")
            return cls(int(values["origin"]), str(values["topic_id"]), int(values["partitions"]))
        except (KeyError, TypeError, ValueError):
            return None
