"""The ready streams of all partitions: where cut windows wait to be scored.

Workers are one Redis consumer group. A window stays until its worker acknowledges it, which it does only after Kafka
has acknowledged the window's alert; the windows of a worker that died are claimed by another.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from stream.redis_client import translated
from stream.redis_pipeline import Command, pipelined
from stream.windowing.ready import ReadyWindow
from stream.windowing.scripts import packed, script
from stream.windowing.store import GROUP, PartitionId, ready_bytes_key

__all__ = ["ReadyStreams"]


class ReadyStreams:
    """Reading and acknowledging the windows of many partitions: a round trip to each server for all of them.

    Args:
        redis: A client that returns bytes.
        names: The key of each partition's stream; may be added to.
    """

    def __init__(self, redis: Any, names: Mapping[PartitionId, str] | None = None) -> None:  # noqa: ANN401
        self.names = dict(names or {})
        self._redis = redis
        self._turn = 0
        self._acknowledge = redis.register_script(script("ready", "acknowledge"))
        self._forget_workers = redis.register_script(script("forget_workers"))

    def read(self, worker: str, count: int) -> list[ReadyWindow]:
        """Take up to ``count`` windows that no worker was given yet, without waiting, evenly over the partitions."""
        windows: list[ReadyWindow] = []
        asked = self._in_turn(count)
        while asked and len(windows) < count:
            asked = asked[: count - len(windows)]
            share = (count - len(windows)) // len(asked)
            found = self._read(worker, asked, share)
            windows += [window for part in found.values() for window in part]
            asked = [partition for partition in asked if len(found[partition]) == share]
        return windows

    def claim(self, worker: str, count: int, min_idle_ms: int) -> list[ReadyWindow]:
        """Take over windows that another worker was given ``min_idle_ms`` ago and did not acknowledge."""
        pending = self._send(
            list(self.names),
            lambda client, name: client.xpending_range(name, GROUP, "-", "+", count, idle=min_idle_ms),
        )
        deliveries: dict[PartitionId, dict[bytes, int]] = {}
        wanted: dict[str, list[bytes]] = {}
        for partition, entries in pending.items():
            deliveries[partition] = {entry["message_id"]: entry["times_delivered"] for entry in entries}
            room = count - sum(map(len, wanted.values()))
            wanted[self.names[partition]] = _claimable(deliveries[partition])[:room]
        claimed = self._send(
            [partition for partition in pending if wanted[self.names[partition]]],
            lambda client, name: client.xclaim(name, GROUP, worker, min_idle_ms, wanted[name]),
        )
        return [
            window
            for partition, entries in claimed.items()
            for window in _windows(partition, entries, deliveries[partition])
        ]

    def keep(self, worker: str, windows: Iterable[ReadyWindow]) -> None:
        """Say that a worker still deals with windows, so that no other claims them; this is no further delivery."""
        held = self._by_name(windows, lambda window: [window.stream_id])
        self._send(
            [partition for partition, name in self.names.items() if name in held],
            lambda client, name: client.xclaim(name, GROUP, worker, 0, held[name], justid=True),
        )

    def acknowledge(self, windows: Iterable[ReadyWindow]) -> int:
        """Remove windows that are dealt with, each only if it is still the same window.

        Returns:
            How many were removed.
        """
        flat = self._by_name(windows, lambda w: [w.stream_id, w.key, w.header, w.entries[16:24], w.entries[-8:]])
        return self._run(self._acknowledge, {name: [GROUP, packed(of_stream)] for name, of_stream in flat.items()})

    def forget_workers(self, silent_ms: int, leaving: str = "") -> int:
        """Forget workers that hold no window: those that were silent for so long, and one that leaves.

        Returns:
            How many were forgotten, each counted in every partition.
        """
        return self._run(self._forget_workers, {name: [GROUP, leaving, silent_ms] for name in self.names.values()})

    def all(self) -> list[ReadyWindow]:
        """Every window in the streams, oldest first, without taking any."""
        found = self._send(list(self.names), lambda client, name: client.xrange(name))
        return [window for partition, entries in found.items() for window in _windows(partition, entries)]

    def _in_turn(self, count: int) -> list[PartitionId]:
        """The partitions, each look from another one on: where there are more than windows to take, all have a turn."""
        partitions = list(self.names)
        first = self._turn % max(1, len(partitions))
        self._turn += count
        return partitions[first:] + partitions[:first]

    def _read(self, worker: str, partitions: Sequence[PartitionId], count: int) -> dict[PartitionId, list[ReadyWindow]]:
        def command(client: Any, name: str) -> object:  # noqa: ANN401
            return client.xreadgroup(GROUP, worker, {name: ">"}, count=count)

        answers = self._send(partitions, command)
        without_group = [partition for partition in partitions if partition not in answers]
        if without_group:
            # A new partition, or a Redis that came back empty. From the stream's beginning: nothing is passed over.
            self._send(
                without_group,
                lambda client, name: client.xgroup_create(name, GROUP, id="0", mkstream=True),
                passing="BUSYGROUP",  # another worker was faster
            )
            answers |= self._send(without_group, command)
        return {
            partition: _windows(partition, answers[partition][0][1]) if answers.get(partition) else []
            for partition in partitions
        }

    def _send(
        self, partitions: Sequence[PartitionId], command: Command, passing: str = "NOGROUP"
    ) -> dict[PartitionId, Any]:
        """The answers of the partitions' streams, but of those with a passing error."""
        with translated():
            answers = pipelined(self._redis, [self.names[partition] for partition in partitions], command)
            found = {}
            for partition, answer in zip(partitions, answers, strict=True):
                if not isinstance(answer, ResponseError):
                    found[partition] = answer
                elif not str(answer).startswith(passing):
                    raise answer
        return found

    def _run(self, lua: Any, arguments: Mapping[str, list[Any]]) -> int:  # noqa: ANN401 -- redis-py's own type
        """Run a script on some streams; the sum of its answers."""
        total = 0
        with translated():
            names = list(arguments)
            answers = pipelined(
                self._redis,
                names,
                lambda client, name: client.evalsha(lua.sha, 2, name, ready_bytes_key(name), *arguments[name]),
            )
            for name, answer in zip(names, answers, strict=True):
                if isinstance(answer, ResponseError) and not isinstance(answer, NoScriptError):
                    raise answer
                # A server that does not know the script is told it.
                known = not isinstance(answer, NoScriptError)
                total += int(answer if known else lua(keys=[name, ready_bytes_key(name)], args=arguments[name]))
        return total

    def _by_name(
        self, windows: Iterable[ReadyWindow], parts: Callable[[ReadyWindow], list[bytes]]
    ) -> dict[str, list[bytes]]:
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        for window in windows:
            found[self.names[window.partition]] += parts(window)
        return found


def _claimable(deliveries: Mapping[bytes, int]) -> list[bytes]:
    """Which idle windows to take over: all that one worker died with, and one of those that more did.

    So a window that ends its workers is soon alone with one, and no other is given up with it.
    """
    once = [stream_id for stream_id, times in deliveries.items() if times == 1]
    return once + [stream_id for stream_id, times in deliveries.items() if times > 1][:1]


def _windows(
    partition: PartitionId, entries: Sequence[Any], deliveries: Mapping[bytes, int] | None = None
) -> list[ReadyWindow]:
    before = deliveries or {}
    return [
        ReadyWindow(partition, stream_id, fields[b"k"], fields[b"h"], fields[b"e"], before.get(stream_id, 0))
        for stream_id, fields in entries
        if stream_id and fields  # a window that was acknowledged while it was being claimed comes empty
    ]
