"""What a consumer is made of."""

import threading
from dataclasses import dataclass, field
from typing import Any

from stream.consumers.records import RecordReader
from stream.live_settings import LiveSettingsFollower
from stream.settings import Settings
from stream.telemetry import ConsumerMetrics

__all__ = ["ConsumerParts"]


@dataclass(frozen=True)
class ConsumerParts:
    """What a consumer works with.

    Attributes:
        settings: The static settings.
        live: The live settings.
        redis: A client that returns bytes.
        reader: Records to events.
        metrics: Where it counts.
        stop: Set when the process is to end.
    """

    settings: Settings
    live: LiveSettingsFollower
    redis: Any
    reader: RecordReader
    metrics: ConsumerMetrics
    stop: threading.Event = field(default_factory=threading.Event)
