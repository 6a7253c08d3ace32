"""The window state of a partition in Redis: one atomic script call for each operation.

Every key of a partition's state carries the hash tag ``{topic:partition}``, so that it lives in one slot of a Redis
Cluster. What is in each key, and what each script does, is written at the head of its file in ``lua/``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import resources
from typing import Any, NamedTuple

import msgpack
from redis import Redis

from model.errors import StateError
from stream.redis_client import translated
from stream.windowing.windows import WindowRule

__all__ = [
    "ENTRY_BYTES",
    "Applied",
    "Batch",
    "Flushed",
    "Novel",
    "PartitionId",
    "PartitionStore",
    "Position",
    "Refusal",
    "packed",
]

ENTRY_BYTES = 24
"""An event in Redis: event ID, effective time in ms and place, eight big-endian bytes each."""

FORMAT = "1"
"""The layout of the state; another one in Redis stops the consumer."""

SWEEP_SESSIONS = 500
"""The most sessions that one call ends beyond those that its own events end: a call does bounded work."""


class PartitionId(NamedTuple):
    """A partition of a topic, as ``kafka.TopicPartition`` without needing kafka."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}"


class Novel(NamedTuple):
    """An event ID that no template of the model has, as it is kept for explanations and the next training."""

    event_id: bytes
    json: bytes
    times: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of the offsets ``[start, stop)`` of a partition, in the order of its log.

    Attributes:
        start: First offset that the batch covers, records without an event included.
        stop: One past the last.
        entries: ``ENTRY_BYTES`` bytes for each event.
        key_numbers: For each event the one-based number of its key in ``keys``.
        keys: The distinct keys.
        novel: The novel events among them.
    """

    start: int
    stop: int
    entries: bytes = b""
    key_numbers: Sequence[int] = ()
    keys: Sequence[bytes] = ()
    novel: Sequence[Novel] = ()


class Refusal(Enum):
    """Why a batch was not applied."""

    OWNER = "owner"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a call did.

    Attributes:
        refusal: None when the batch was applied, or had been before.
        position: The next offset that the state has not seen; -1 when another consumer owns the partition.
        windows: Windows cut into the ready stream.
        late: Events raised to stream time.
        skipped: Events that an earlier call had applied.
        sessions_ended: Sessions that ended.
        open_sessions: Sessions open now.
        ready_windows: Windows in the ready stream now.
    """

    refusal: Refusal | None
    position: int
    windows: int = 0
    late: int = 0
    skipped: int = 0
    sessions_ended: int = 0
    open_sessions: int = 0
    ready_windows: int = 0


class Flushed(NamedTuple):
    """What one flush call did: where the state stands, sessions ended, sessions still open."""

    position: int
    ended: int
    remaining: int


class Position(NamedTuple):
    """Where a partition's state stands."""

    offset: int
    stream_time_ms: int


class PartitionStore:
    """The operations on one partition's state.

    Args:
        redis: A client that returns bytes.
        namespace: Prefix of every key, so that several installations can share a Redis.
        partition: Whose state it is.
    """

    def __init__(self, redis: "Redis", namespace: str, partition: PartitionId) -> None:
        self.partition = partition
        prefix = f"{namespace}:{{{partition}}}"
        self.state, self.sessions, self.deadlines, self.ready, self.novel, self.novel_counts = (
            f"{prefix}:{name}" for name in ("state", "sessions", "deadlines", "ready", "novel", "novel-counts")
        )
        self._redis: Any = redis  # redis-py types every mode of its client; ours returns bytes
        self._take = redis.register_script(_script("take"))
        self._apply = redis.register_script(_script("session") + _script("apply"))
        self._flush = redis.register_script(_script("session") + _script("flush"))

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of the partition's state."""
        return (self.state, self.sessions, self.deadlines, self.ready, self.novel, self.novel_counts)

    def take(self, owner: str, topic_id: str, start: int) -> Position:
        """Make ``owner`` the partition's owner.

        Args:
            owner: A token that no other consumer uses.
            topic_id: Kafka's id of the topic, empty where the broker tells none.
            start: The offset to begin at where there is no state yet.

        Returns:
            Where the state stands.

        Raises:
            StateError: The state belongs to a topic that was deleted, or has another layout.
            TransientError: Redis does not answer.
        """
        arguments = [owner, topic_id, FORMAT, start]
        position, stream_time_ms, held_id, held_format = self._call(self._take, [self.state], arguments)
        self._check_format(held_format.decode())
        if held_id and topic_id and held_id.decode() != topic_id:
            raise StateError(
                f"The state of {self.partition} in Redis was made from a topic of the same name that no longer exists "
                f"(its id was {held_id.decode()}, Kafka now has {topic_id}). "
                "Its offsets mean other records. Start it anew with: logscry reset"
            )
        return Position(position, stream_time_ms)

    def apply(self, owner: str, batch: Batch, rule: WindowRule, max_novel: int) -> Applied:
        """Apply a batch whole, or refuse it whole.

        Raises:
            TransientError: Redis does not answer, or its memory is full; the same call may succeed later, and a call
                whose answer was lost may be repeated: what it did is not done twice.
        """
        novel = [part for event in batch.novel for part in event]
        arguments = [
            *(owner, batch.start, batch.stop),
            # A call may open as many sessions as it has keys: ending twice as many keeps up, however short they are.
            *(rule.size, rule.hop, rule.session_gap_ms, SWEEP_SESSIONS + 2 * len(batch.keys), max_novel),
            batch.entries,
            packed(batch.key_numbers),
            packed(batch.keys),
            packed(novel) if novel else b"",
        ]
        status, *numbers = self._call(self._apply, list(self.keys), arguments)
        if status == b"applied":
            return Applied(None, *numbers)
        return Applied(Refusal(status.decode()), numbers[0] if numbers else -1)

    def position(self) -> Position | None:
        """Where the state stands, None where there is none."""
        with translated():
            offset, stream_time_ms = self._redis.hmget(self.state, ["position", "stream_time"])
        return None if offset is None else Position(int(offset), int(stream_time_ms or 0))

    def flush(self, reached: int, size: int) -> Flushed:
        """End open sessions, a bounded number, once the position has reached an offset; below it none is ended."""
        keys = [self.state, self.sessions, self.deadlines, self.ready]
        return Flushed(*self._call(self._flush, keys, [reached, SWEEP_SESSIONS, size]))

    def ready_windows(self) -> int:
        """How many windows wait in the ready stream, scored ones that are not acknowledged included."""
        with translated():
            return int(self._redis.xlen(self.ready))

    def remove(self) -> None:
        """Delete the partition's state, open sessions and waiting windows included."""
        with translated():
            self._redis.unlink(*self.keys)

    def _check_format(self, held: str) -> None:
        if held != FORMAT:
            raise StateError(
                f"The state of {self.partition} in Redis has layout {held}; this version reads layout {FORMAT}. "
                "Use the version that wrote it, or start anew with: logscry reset"
            )

    def _call(self, script: Any, keys: list[str], arguments: list[Any]) -> Any:  # noqa: ANN401 (redis-py's own type)
        with translated():
            return script(keys=keys, args=arguments)


def packed(values: Sequence[Any]) -> bytes:
    """A MessagePack list for a script; Redis's reader knows no ``bin`` type, so bytes go as raw strings."""
    data: bytes = msgpack.packb(values, use_bin_type=False)
    return data


def _script(name: str) -> str:
    return resources.files(__package__).joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
