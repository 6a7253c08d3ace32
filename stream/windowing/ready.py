"""The ready stream of a partition: cut windows that wait to be scored.

Workers are one Redis consumer group. A window stays until its worker acknowledges it, which it does only after Kafka
has acknowledged the window's alert; the windows of a worker that died are claimed by another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from stream.redis_client import translated
from stream.windowing.store import ENTRY_BYTES, PartitionId, packed
from stream.windowing.windows import Event

__all__ = ["GROUP", "ReadyStream", "ReadyWindow"]

GROUP = "workers"


@dataclass(frozen=True)
class ReadyWindow:
    """A window as it stands in the ready stream.

    Attributes:
        partition: Whose window it is.
        stream_id: Its id in the stream; a Redis that lost its newest writes can give it a second time.
        key: The session's key.
        header: Session events (4 bytes) and final (1 byte).
        entries: Its events, see ``lua/session.lua``.
        deliveries: How often it was given to a worker before; 0 the first time.
    """

    partition: PartitionId
    stream_id: bytes
    key: bytes
    header: bytes
    entries: bytes
    deliveries: int = 0

    @property
    def session_events(self) -> int:
        """How many events the session had when the window was cut."""
        return int.from_bytes(self.header[:4], "big")

    @property
    def final(self) -> bool:
        """Whether the session has ended."""
        return self.header[4] == 1

    @property
    def size(self) -> int:
        """How many events the window holds."""
        return len(self.entries) // ENTRY_BYTES

    @property
    def last_place(self) -> int:
        """Where the window's last line stands."""
        return int.from_bytes(self.entries[-8:], "big")

    @property
    def starts_session(self) -> bool:
        """Whether the window's first event is its session's first."""
        return self.size == self.session_events

    @cached_property
    def event_ids(self) -> bytes:
        """The event IDs, eight bytes each, oldest first."""
        entries = self.entries
        return b"".join([entries[at : at + 8] for at in range(0, len(entries), ENTRY_BYTES)])

    def events(self) -> tuple[Event, ...]:
        """The window's events, oldest first."""
        number = int.from_bytes
        return tuple(
            Event(
                self.key,
                number(self.entries[at + 8 : at + 16], "big"),
                self.entries[at : at + 8],
                number(self.entries[at + 16 : at + 24], "big"),
            )
            for at in range(0, len(self.entries), ENTRY_BYTES)
        )


def _claimable(deliveries: Mapping[bytes, int]) -> list[bytes]:
    """Which idle windows to take over: all that one worker died with, and one of those that more did.

    So a window that ends its workers is soon alone with one, and no other is given up with it.
    """
    once = [stream_id for stream_id, times in deliveries.items() if times == 1]
    return once + [stream_id for stream_id, times in deliveries.items() if times > 1][:1]


class ReadyStream:
    """Reading and acknowledging the windows of one partition.

    Args:
        redis: A client that returns bytes.
        name: The stream's key.
        partition: Whose windows they are.
    """

    def __init__(self, redis: "Redis", name: str, partition: PartitionId) -> None:
        self.name = name
        self.partition = partition
        self._redis: Any = redis  # redis-py types every mode of its client; ours returns bytes
        script = resources.files(__package__).joinpath("lua", "acknowledge.lua").read_text(encoding="utf-8")
        self._acknowledge = redis.register_script(script)

    def read(self, worker: str, count: int) -> list[ReadyWindow]:
        """Take up to ``count`` windows that no worker was given yet, without waiting."""
        with translated():
            return self._windows(self._read_group(worker, count))

    def claim(self, worker: str, count: int, min_idle_ms: int) -> list[ReadyWindow]:
        """Take over windows that another worker was given ``min_idle_ms`` ago and did not acknowledge."""
        with translated():
            try:
                pending = self._redis.xpending_range(self.name, GROUP, "-", "+", count, idle=min_idle_ms)
            except ResponseError as exc:
                if not str(exc).startswith("NOGROUP"):
                    raise
                return []
            deliveries = {entry["message_id"]: entry["times_delivered"] for entry in pending}
            wanted = _claimable(deliveries)
            entries = self._redis.xclaim(self.name, GROUP, worker, min_idle_ms, wanted) if wanted else []
        return self._windows(entries, deliveries)

    def keep(self, worker: str, windows: Iterable[ReadyWindow]) -> None:
        """Say that a worker still deals with windows, so that no other claims them; this is no further delivery."""
        stream_ids = [window.stream_id for window in windows]
        if stream_ids:
            with translated():
                self._redis.xclaim(self.name, GROUP, worker, 0, stream_ids, justid=True)

    def acknowledge(self, windows: Iterable[ReadyWindow]) -> int:
        """Remove windows that are dealt with, each only if it is still the same window.

        Returns:
            How many were removed.
        """
        flat: list[bytes] = []
        for w in windows:
            flat += (w.stream_id, w.key, w.header, w.entries[16:24], w.entries[-8:])
        if not flat:
            return 0
        with translated():
            return int(self._acknowledge(keys=[self.name], args=[GROUP, packed(flat)]))

    def all(self) -> list[ReadyWindow]:
        """Every window in the stream, oldest first, without taking any."""
        with translated():
            return self._windows(self._redis.xrange(self.name))

    def _read_group(self, worker: str, count: int) -> Sequence[Any]:
        try:
            answer = self._redis.xreadgroup(GROUP, worker, {self.name: ">"}, count=count)
        except ResponseError as exc:
            if not str(exc).startswith("NOGROUP"):
                raise
            # A new partition, or a Redis that came back empty. From the stream's beginning: nothing is passed over.
            self._redis.xgroup_create(self.name, GROUP, id="0", mkstream=True)
            answer = self._redis.xreadgroup(GROUP, worker, {self.name: ">"}, count=count)
        return answer[0][1] if answer else []

    def _windows(self, entries: Sequence[Any], deliveries: dict[bytes, int] | None = None) -> list[ReadyWindow]:
        return [
            ReadyWindow(
                self.partition,
                stream_id,
                fields[b"k"],
                fields[b"h"],
                fields[b"e"],
                (deliveries or {}).get(stream_id, 0),
            )
            for stream_id, fields in entries
            if stream_id and fields  # a window that was acknowledged while it was being claimed comes empty
        ]
