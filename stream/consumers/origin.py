"""Where the state of a partition began, and its rules, as Kafka keeps them for the day on which Redis has forgotten."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, Self

from model.errors import ConfigurationError
from stream.live_values import LiveSettings

__all__ = ["Origin"]


class Origin(NamedTuple):
    """The beginning of a partition's state.

    Attributes:
        offset: The first offset that it has seen.
        topic_id: The topic that the offset is of; empty where the broker tells no ids.
        partitions: How many partitions the topic had at the service's first start: the others were added later.
        live: The live settings as its consumer last saw them; None before it saw any.
    """

    offset: int
    topic_id: str
    partitions: int
    live: LiveSettings | None = None

    def encode(self) -> str:
        """As the metadata of a committed offset, of which Kafka takes 4,096 bytes if nobody changed that."""
        values: dict[str, Any] = {"origin": self.offset, "topic_id": self.topic_id, "partitions": self.partitions}
        return json.dumps(values | ({"live": asdict(self.live)} if self.live else {}))

    @classmethod
    def decode(cls, metadata: str | None) -> Self | None:
        """From the metadata of a committed offset; None where another tool committed it, or the broker keeps none."""
        try:
            values = json.loads(metadata or "")
            return cls(
                int(values["origin"]), str(values["topic_id"]), int(values["partitions"]), _live(values.get("live"))
            )
        except (KeyError, TypeError, ValueError):
            return None


def _live(values: Mapping[str, Any] | None) -> LiveSettings | None:
    """The settings; None where there are none, or those of another version of logscry."""
    try:
        return LiveSettings(**values) if values else None
    except (ConfigurationError, TypeError):
        return None
