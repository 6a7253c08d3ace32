"""The lines that the demo streams: normal requests at a steady rate, and a few with a fault at a known moment."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from deploy.demo.faults import FAULTS, Fault, make_fault
from deploy.demo.shop import Line, Shop, in_time_order

__all__ = ["PlannedFault", "Traffic", "plan_traffic"]

#: A request takes at most about four seconds; the last ones begin this much before the end.
_TAIL_MS = 4_000

#: The faults begin between these shares of the time: the first after a few normal requests, the last with time left
#: for its session to end.
_FIRST_SHARE, _LAST_SHARE = 0.15, 0.75

_LINES_PER_REQUEST = 5.3


class PlannedFault(NamedTuple):
    """A fault with its moment.

    Attributes:
        fault: What is wrong, and on which trace.
        line: The line at which it can first be seen; its time is the fault's moment.
    """

    fault: Fault
    line: Line


@dataclass(frozen=True, slots=True)
class Traffic:
    """What will be streamed.

    Attributes:
        start_ms: When the first line is due, in milliseconds since 1970.
        lines: Oldest first; each is due at its own time.
        faults: By trace id.
    """

    start_ms: int
    lines: tuple[Line, ...]
    faults: dict[str, PlannedFault]


def plan_traffic(start_ms: int, seconds: int, lines_per_second: int, seed: int, *, with_faults: bool = True) -> Traffic:
    """Plan a stretch of the stream.

    Args:
        start_ms: When it begins, in milliseconds since 1970.
        seconds: How long it is.
        lines_per_second: Mean rate.
        seed: The same seed gives the same requests and faults.
        with_faults: Whether one fault of each kind is in it.
    """
    shop = Shop(seed)
    lines: list[Line] = []
    arrival_ms, end_ms = float(start_ms), start_ms + 1000 * seconds - _TAIL_MS
    while arrival_ms < end_ms:
        lines.extend(shop.session().lines(int(arrival_ms)))
        arrival_ms += shop.pause_ms(1000 * _LINES_PER_REQUEST / lines_per_second)
    faults: dict[str, PlannedFault] = {}
    for kind, begin_ms in _moments(start_ms, seconds, seed) if with_faults else ():
        fault = make_fault(kind, shop)
        own = list(fault.session.lines(begin_ms))
        faults[fault.session.trace_id] = PlannedFault(fault, own[fault.line])
        lines.extend(own)
    return Traffic(start_ms, tuple(in_time_order(lines)), faults)


def _moments(start_ms: int, seconds: int, seed: int) -> list[tuple[str, int]]:
    kinds = list(FAULTS)
    Random(seed).shuffle(kinds)  # noqa: S311 - an order, not a secret
    step = (_LAST_SHARE - _FIRST_SHARE) / (len(kinds) - 1)
    return [(kind, start_ms + int(1000 * seconds * (_FIRST_SHARE + step * at))) for at, kind in enumerate(kinds)]
