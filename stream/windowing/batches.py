"""Building a ``Batch`` for the store from parsed events.

The columns go over to bytes in a few numpy operations: per-event Python is what limits a consumer.
"""

from collections.abc import Sequence

import numpy as np

from stream.windowing.calls import Batch, Novel
from stream.windowing.windows import Event

__all__ = ["EventColumns", "batch_of"]


class EventColumns:
    """The events of a poll batch of one partition, as columns in the order of its log.

    Args:
        keys: The key of each event.
        times_ms: Event times in milliseconds since 1970, not negative.
        event_ids: Eight bytes each.
        places: ``offset << 16 | line in record``.
    """

    __slots__ = ("event_ids", "keys", "places", "times_ms")

    def __init__(
        self,
        keys: Sequence[bytes],
        times_ms: "Sequence[int] | np.ndarray",
        event_ids: Sequence[bytes],
        places: "Sequence[int] | np.ndarray",
    ) -> None:
        self.keys = keys
        self.times_ms = times_ms
        self.event_ids = event_ids
        self.places = places

    def batch(self, start: int, stop: int, novel: Sequence[Novel] = ()) -> Batch:
        """The events as one batch that covers the offsets ``[start, stop)``."""
        entries = np.empty((len(self.keys), 3), dtype=">u8")  # (events, [event ID, time, place])
        if len(self.keys):
            entries[:, 0] = np.frombuffer(b"".join(self.event_ids), dtype=">u8")
            entries[:, 1] = self.times_ms
            entries[:, 2] = self.places
        numbers: dict[bytes, int] = {}
        key_numbers = [numbers.setdefault(key, len(numbers) + 1) for key in self.keys]
        return Batch(start, stop, entries.tobytes(), key_numbers, list(numbers), novel)


def batch_of(events: Sequence[Event], start: int, stop: int) -> Batch:
    """The same for a list of events."""
    columns = EventColumns(
        [e.key for e in events], [e.time_ms for e in events], [e.event_id for e in events], [e.place for e in events]
    )
    return columns.batch(start, stop)
