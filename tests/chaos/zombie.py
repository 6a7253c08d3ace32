"""A consumer of an older release that does not know that it has lost its partition: a program of its own.

It runs the code that the processes of the run have, a mutant's too, and so imports nothing from the tests. Its
arguments are the namespace, the topic, the partition, and size, hop, gap and grace of the windows; the address of Redis
is in ``ZOMBIE_REDIS_URL``. It prints how the state answered: ``done``, or why it refused.
"""

import os
import sys
import time
import uuid
from hashlib import blake2b
from typing import Any

from stream.redis_client import close, connect
from stream.windowing.batches import batch_of
from stream.windowing.calls import Cutting
from stream.windowing.store import PartitionId, PartitionStore
from stream.windowing.windows import Event, WindowRule

RECORDS = 2
"""How many offsets it would apply: few, so that the partition soon holds them. A state that was ahead of its partition
would be noticed by itself."""

PATIENCE_SECONDS = 120.0

_OLD_EVENT = blake2b(b"a template of an older release", digest_size=8).digest()


def haunt(store: PartitionStore, rule: WindowRule) -> str:
    """Take a partition, wait until its state has moved on without us, and then try to go on.

    The owner is refused once, and takes the partition again because it is still assigned. Then the zombie, with the
    token that it had, applies the offsets that come next, with the event IDs that its own templates give.
    """
    zombie = f"zombie-{uuid.uuid4().hex}"
    taken = store.take(zombie, topic_id="", start=0).offset
    deadline = time.monotonic() + PATIENCE_SECONDS
    # Only the owner that has taken the partition back moves it on, or one that a mutant lets go on as if it had.
    while (first := _position(store)) <= taken:
        if time.monotonic() > deadline:
            sys.exit(f"nobody moved {store.partition} on from offset {taken} within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.01)
    events = [Event(b"zombie", 0, _OLD_EVENT, offset << 16) for offset in range(first, first + RECORDS)]
    applied = store.apply(zombie, batch_of(events, first, first + RECORDS), Cutting(rule))
    return applied.refusal.value if applied.refusal else "done"


def _position(store: PartitionStore) -> int:
    position = store.position()
    return position.offset if position else 0


def main() -> None:
    """Run what the arguments say."""
    namespace, topic, *numbers = sys.argv[1:]
    partition, size, hop, gap_ms, grace_ms = map(int, numbers)
    redis: Any = connect(os.environ["ZOMBIE_REDIS_URL"])
    try:
        store = PartitionStore(redis, namespace, PartitionId(topic, partition))
        print(haunt(store, WindowRule(size, hop, gap_ms, grace_ms)))  # noqa: T201 -- for whoever sent it
    finally:
        close(redis)


if __name__ == "__main__":
    main()
