"""A small shop that writes logs: seven services' lines, mixed in time, each with the trace id of its request.

The same seed gives the same lines, byte for byte.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

from deploy.demo.flows import REQUESTS, Step
from deploy.demo.values import Values

__all__ = ["TRACE_PATTERN", "Line", "Session", "Shop", "normal_sessions"]

#: How the trace id is found in a line, as a regular expression with one group.
TRACE_PATTERN = r"\[([0-9a-f]{16})\]"

#: Lines have this time where the caller names none: a Tuesday, 2026-11-24T09:15:00Z.
DEFAULT_START_MS = 1_795_511_700_000


class Line(NamedTuple):
    """One log line.

    Attributes:
        key: The trace id, 16 hexadecimal digits: the Kafka record's key.
        time_ms: When it was written, in milliseconds since 1970 (UTC).
        text: The line, with its time and trace id in it.
    """

    key: str
    time_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """One request, before it has a time.

    Attributes:
        trace_id: 16 hexadecimal digits.
        kind: Which kind of request, such as ``check_out``.
        steps: Its lines, in order.
    """

    trace_id: str
    kind: str
    steps: tuple[Step, ...]

    def lines(self, start_ms: int) -> Iterator[Line]:
        """Write the lines, the first one at ``start_ms`` (milliseconds since 1970)."""
        time_ms = start_ms
        for step in self.steps:
            time_ms += step.delay_ms
            head = f"{iso_time(time_ms)} {step.level} {step.service} [{self.trace_id}]"
            yield Line(self.trace_id, time_ms, f"{head} {step.message}")


class Shop:
    """Where requests come from."""

    def __init__(self, seed: int) -> None:
        """Open the shop.

        Args:
            seed: The same seed gives the same requests.
        """
        self.values = Values(Random(seed))  # noqa: S311 - sample data, not a secret

    def session(self, kind: str | None = None) -> Session:
        """The next request.

        Args:
            kind: Of which kind, such as ``check_out``; by its share of the traffic where None.
        """
        random = self.values.random
        if kind is None:
            (flow,) = random.choices(list(REQUESTS), weights=list(REQUESTS.values()))
        else:
            flow = next(flow for flow in REQUESTS if flow.__name__ == kind)
        return Session(self.values.hexadecimal(16), flow.__name__, tuple(flow(self.values)))

    def pause_ms(self, mean_ms: float) -> float:
        """How long until the next request arrives: requests do not wait for each other."""
        return self.values.random.expovariate(1 / mean_ms)


def normal_sessions(
    count: int, seed: int, *, start_ms: int = DEFAULT_START_MS, mean_pause_ms: float = 60.0
) -> list[Line]:
    """The lines of ``count`` requests in which nothing is wrong.

    Args:
        count: How many requests.
        seed: The same seed gives the same lines.
        start_ms: When the first request arrives, in milliseconds since 1970.
        mean_pause_ms: Mean time between two requests; a request takes up to two seconds, so many run at once.

    Returns:
        All lines, oldest first, the requests mixed.
    """
    shop = Shop(seed)
    lines: list[Line] = []
    arrival_ms = float(start_ms)
    for _ in range(count):
        lines.extend(shop.session().lines(int(arrival_ms)))
        arrival_ms += shop.pause_ms(mean_pause_ms)
    return in_time_order(lines)


def in_time_order(lines: list[Line]) -> list[Line]:
    """The lines oldest first; those of one request keep their order within a millisecond."""
    return sorted(lines, key=lambda line: line.time_ms)


def iso_time(time_ms: int) -> str:
    """``2026-11-24T09:15:02.123Z``."""
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"
