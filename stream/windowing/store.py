"""The window state of a partition in Redis: one atomic script call for each operation.

Every key of a partition's state carries the hash tag ``{topic:partition}``, so that it lives in one slot of a Redis
Cluster. What is in each key, and what each script does, is written at the head of its file in ``lua/``.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis import Redis

from model.errors import StateError
from stream.redis_client import translated
from stream.windowing.calls import Applied, Batch, Cutting, Ending
from stream.windowing.partition_state import Refusal
from stream.windowing.scripts import packed, script

__all__ = ["GROUP", "PartitionId", "PartitionStore", "Position", "ready_bytes_key"]

FORMAT = "2"
"""The layout of the state; another one in Redis stops the consumer."""

GROUP = "workers"
"""The Redis consumer group of the workers, in every ready stream."""


class PartitionId(NamedTuple):
    """A partition of a topic, as ``kafka.TopicPartition`` without needing kafka."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}"


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
        self.state, self.waiting, self.sessions, self.deadlines, self.ready, self.novel, self.novel_counts = (
            f"{prefix}:{name}"
            for name in ("state", "waiting", "sessions", "deadlines", "ready", "novel", "novel-counts")
        )
        self._ready_bytes = ready_bytes_key(self.ready)
        self._redis: Any = redis  # redis-py types every mode of its client; ours returns bytes
        self._take = redis.register_script(script("take"))
        self._apply = redis.register_script(script("ready", "partition", "apply"))
        self._advance = redis.register_script(script("ready", "partition", "advance"))

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of the partition's state."""
        return (*self._window_keys, self.novel, self.novel_counts)

    @property
    def _window_keys(self) -> tuple[str, ...]:
        return (self.state, self.waiting, self.sessions, self.deadlines, self.ready, self._ready_bytes)

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
        arguments = [owner, topic_id, FORMAT, start, GROUP]
        position, stream_time_ms, held_id, held_format = self._call(self._take, self._window_keys, arguments)
        self._check_format(held_format.decode())
        if held_id and topic_id and held_id.decode() != topic_id:
            raise StateError(
                f"The state of {self.partition} in Redis was made from a topic of the same name that no longer exists "
                f"(its id was {held_id.decode()}, Kafka now has {topic_id}). "
                "Its offsets mean other records. Start it anew with: logscry reset"
            )
        return Position(position, stream_time_ms)

    def apply(self, owner: str, batch: Batch, cutting: Cutting) -> Applied:
        """Apply a batch whole, or refuse it whole.

        Raises:
            TransientError: Redis does not answer, or its memory is full; the same call may succeed later, and a call
                whose answer was lost may be repeated: what it did is not done twice.
        """
        novel = [part for event in batch.novel for part in event]
        arguments = [
            *(owner, batch.start, batch.stop, cutting.packed(cutting.work.beside(batch))),
            *(batch.entries, packed(batch.key_numbers), packed(batch.keys)),
            packed(novel) if novel else b"",
        ]
        return _applied(self._call(self._apply, self.keys, arguments))

    def advance(self, owner: str, at: int, cutting: Cutting, ending: Ending) -> Applied:
        """End waits and sessions of a partition that fell silent at the offset ``at``; a bounded number of sessions.

        Raises:
            TransientError: As `apply`.
        """
        return self._advance_to(owner, at, cutting, ending)

    def flush(self, reached: int, cutting: Cutting) -> Applied:
        """End waits and open sessions, a bounded number, once the position has reached an offset; else a refusal.

        Anybody may do it, not the owner alone.

        Raises:
            TransientError: As `apply`.
        """
        return self._advance_to("", reached, cutting, Ending.SESSIONS)

    def _advance_to(self, owner: str, at: int, cutting: Cutting, ending: Ending) -> Applied:
        arguments = [owner, at, ending.value, cutting.packed(cutting.work)]
        return _applied(self._call(self._advance, self._window_keys, arguments))

    def position(self) -> Position | None:
        """Where the state stands, None where there is none."""
        with translated():
            offset, stream_time_ms = self._redis.hmget(self.state, ["position", "stream_time"])
        return None if offset is None else Position(int(offset), int(stream_time_ms or 0))

    def ready_windows(self) -> int:
        """How many windows wait in the ready stream, scored ones that are not acknowledged included."""
        with translated():
            return int(self._redis.xlen(self.ready))

    def ready_bytes(self) -> int:
        """How much memory the ready stream takes, about."""
        with translated():
            return int(self._redis.get(self._ready_bytes) or 0)

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

    def _call(self, script: Any, keys: Sequence[str], arguments: list[Any]) -> Any:  # noqa: ANN401 (redis-py's own type)
        with translated():
            return script(keys=keys, args=arguments)


def _applied(answer: list[Any]) -> Applied:
    status, *numbers = answer
    if status == b"done":
        return Applied(None, *numbers)
    return Applied(Refusal(status.decode()), numbers[0] if numbers else -1)


def ready_bytes_key(ready: str) -> str:
    """The key beside a ready stream that holds how many bytes it takes."""
    return f"{ready}-bytes"
