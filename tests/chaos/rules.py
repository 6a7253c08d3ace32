"""How windows are cut in one run: plain numbers, so that the reference needs no type of the product."""

import random
from dataclasses import dataclass

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """The live settings of one run.

    Attributes:
        size: The most events of a window.
        hop: A window is cut after every this many events of a session.
        gap_ms: Silence that ends a session.
        grace_ms: How long late lines are waited for.
    """

    size: int
    hop: int
    gap_ms: int
    grace_ms: int

    @classmethod
    def drawn(cls, chance: random.Random) -> "Rule":
        """Other numbers for each seed, a hop that divides nothing evenly among them."""
        hop = chance.randint(8, 12)
        return cls(hop + chance.randint(0, 6), hop, chance.choice((700, 1500, 3000)), chance.choice((0, 60, 250)))
