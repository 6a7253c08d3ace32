"""A consumer of an older release that does not know that it has lost its partition."""

import uuid
from hashlib import blake2b

from stream.windowing.batches import batch_of
from stream.windowing.partition_state import Refusal
from stream.windowing.store import Cutting, PartitionStore
from stream.windowing.windows import Event, WindowRule
from tests.chaos.scene import Scene
from tests.service import wait

__all__ = ["haunt"]

RECORDS = 20
"""How many offsets it would apply: few, so that they are produced soon, whatever happens."""

_OLD_EVENT = blake2b(b"a template of an older release", digest_size=8).digest()


def haunt(scene: Scene, store: PartitionStore) -> None:
    """Take a partition, wait until another consumer has taken it back, and then try to go on.

    The owner is refused once, and takes the partition again because it is still assigned. Then the zombie, with the
    token that it had, applies the offsets that come next, with the event IDs that its own templates give.
    """
    zombie = f"zombie-{uuid.uuid4().hex}"
    taken = store.take(zombie, topic_id="", start=0).offset

    def overtaken() -> bool:
        """Also when the owner went on as if nothing had happened, which a mutant lets it do."""
        position = store.position()
        return scene.owner_of(store) != zombie or (position is not None and position.offset > taken)

    wait(overtaken, scene.service.children.check)
    position = store.position()
    first = position.offset if position else taken
    events = [Event(b"zombie", 0, _OLD_EVENT, offset << 16) for offset in range(first, first + RECORDS)]
    cutting = Cutting(WindowRule(scene.rule.size, scene.rule.hop, scene.rule.gap_ms, scene.rule.grace_ms))
    answer = store.apply(zombie, batch_of(events, first, first + RECORDS), cutting)
    scene.counts["owner_refusals" if answer.refusal is Refusal.OWNER else "zombies_let_in"] += 1
