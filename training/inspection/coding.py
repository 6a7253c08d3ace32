"""How well events can be guessed: the bits that an adaptive code spends on each.

Counting pairs and taking their entropy flatters whatever cuts the log into many short pieces. A code that learns while
it goes pays for what it has to learn, so figures of different cuts can be compared: a key with one line each gains
nothing, nor does a key that all lines share.

An event is coded given its context (its predecessor, or that it is the first of its key) with
``p = (n(context, event) + p0(event)) / (n(context) + 1)``, where ``p0`` is the same estimate without a context.
"""

from collections.abc import Hashable, Sequence
from math import log2

__all__ = ["START", "bits_alone", "bits_in_context", "numbered", "predecessors"]

#: The context of the first event of a key.
START = -1


def numbered(values: Sequence[Hashable]) -> list[int]:
    """Number values by their first appearance, from 0."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(value, len(numbers)) for value in values]


def predecessors(keys: Sequence[Hashable | None], events: Sequence[int]) -> list[int]:
    """Give the event before each one, in its own key; ``START`` where there is none.

    Args:
        keys: Of each line, in the order of time; lines without a key (None) have no predecessor and are none.
        events: Of each line, numbered.
    """
    last: dict[Hashable, int] = {}
    before = []
    for key, event in zip(keys, events, strict=True):
        before.append(START if key is None else last.get(key, START))
        if key is not None:
            last[key] = event
    return before


def bits_alone(events: Sequence[int]) -> list[float]:
    """Give the bits that each event costs by how often it came before, whatever its context."""
    return [-log2(share) for share in _shares(events)]


def bits_in_context(contexts: Sequence[int], events: Sequence[int]) -> list[float]:
    """Give the bits that each event costs in its context.

    Args:
        contexts: The context of each event, ``START`` or an event.
        events: Numbered from 0.
    """
    pairs: dict[tuple[int, int], int] = {}
    totals: dict[int, int] = {}
    bits = []
    for context, event, share in zip(contexts, events, _shares(events), strict=True):
        pair = (context, event)
        together, total = pairs.get(pair, 0), totals.get(context, 0)
        bits.append(-log2((together + share) / (total + 1)))
        pairs[pair], totals[context] = together + 1, total + 1
    return bits


def _shares(events: Sequence[int]) -> list[float]:
    """How probable each event was, by those before it; never 0."""
    kinds = max(events, default=0) + 1
    counts = [0] * kinds
    shares = []
    for seen, event in enumerate(events):
        shares.append((counts[event] + 1 / kinds) / (seen + 1))
        counts[event] += 1
    return shares
