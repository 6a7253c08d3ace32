"""Log records with everything in them that can go wrong between a clock and a partition; a function of the seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from tests.chaos.rules import Rule
from tests.toy_model import STEPS

__all__ = ["PARTITIONS", "Sent", "traffic"]

PARTITIONS = 8
OPEN_RUNS = 40
"""Runs that are under way in a partition at any time."""

SCRIPTS = 8
"""Different runs: few, so that most windows hold what others held before, and workers keep up."""

STEP_MS = 4
NEARLY_EMPTY_RECORDS = 12
_WEIGHTS = (34.0, 22.0, 16.0, 12.0, 10.0, 6.0)  # of the others; skewed, as keys are
_LONG_AGO_MS = 1_772_323_200_000  # 2026-03-01: nothing is ahead of the wall clock
_NOVEL = "smoke over the screen"


class Sent(NamedTuple):
    """A record to be produced."""

    partition: int
    key: bytes | None
    value: bytes | None
    lines: int


@dataclass(slots=True)
class _Run:
    """Something that walks through its steps, a log line a step."""

    key: str
    steps: list[str]


@dataclass
class _Source:
    """What writes into one partition.

    Attributes:
        partition: Which.
        rule: How its windows will be cut: it aims at the edges.
        scripts: The runs that there are.
        chance: The source of all choices.
    """

    partition: int
    rule: Rule
    scripts: list[list[str]]
    chance: random.Random
    clock_ms: int = 0
    keys: int = 0
    runs: list[_Run] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Partitions are hours apart: one's clock must not end another's sessions.
        self.clock_ms = _LONG_AGO_MS + self.chance.randrange(12 * 3_600_000)

    def record(self) -> Sent:
        """Write the next record."""
        luck = self.chance.random()
        if luck < 0.004:
            return self._undecodable()
        if luck < 0.005 and self.ended:
            return self._at_the_edge()
        if luck < 0.0055:
            self.clock_ms += self.rule.gap_ms + self.chance.randrange(1, 10_000)  # a step that ends all sessions
        run = self._some_run()
        count = min(len(run.steps), self.chance.randint(2, 5) if self.chance.random() < 0.03 else 1)
        texts = [self._line(run, self._time_ms()) for _ in range(count)]
        if count > 1 and self.chance.random() < 0.3:
            texts.insert(1, "  ")
        return Sent(self.partition, run.key.encode(), "\n".join(texts).encode(), count)

    def _line(self, run: _Run, time_ms: int) -> str:
        step = run.steps.pop(0)
        if not run.steps:
            self.runs.remove(run)
            self.ended.append((run.key, time_ms))
        text = STEPS.get(step, step).format(key=run.key, number=self.chance.randint(1, 900))
        time = datetime.fromtimestamp(time_ms / 1000, UTC)
        return f"{time.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} INFO {text}"

    def _time_ms(self) -> int:
        luck = self.chance.random()
        if luck < 0.0001:  # one clock far ahead: ends every session too early, and makes what follows late
            return self.clock_ms + self.rule.gap_ms + self.chance.randint(1, self.rule.gap_ms)
        if luck < 0.02:  # a part of it within the grace, a part beyond
            return self.clock_ms - self.chance.randint(1, 3 * max(self.rule.grace_ms, 50))
        if luck < 0.65:  # the others have the time of the line before
            self.clock_ms += self.chance.randint(1, 2 * STEP_MS)
        return self.clock_ms

    def _some_run(self) -> _Run:
        while len(self.runs) < OPEN_RUNS:
            self.runs.append(_Run(self._some_key(), list(self.chance.choice(self.scripts))))
        return self.chance.choice(self.runs)

    def _some_key(self) -> str:
        """A new one, or one that was heard of before: within the gap its session goes on, beyond it another begins."""
        if self.ended and self.chance.random() < 0.4:
            return self.ended.pop(self.chance.randrange(len(self.ended)))[0]
        self.keys += 1
        return f"k7x{self.keys}"  # the same keys in all partitions: they have nothing to do with each other

    def _at_the_edge(self) -> Sent:
        """A key that returns after exactly the gap goes on with its session; one millisecond more and it does not."""
        key, last_ms = self.ended.pop()
        self.clock_ms = max(self.clock_ms, last_ms + self.rule.gap_ms + self.chance.randint(0, 1))
        run = _Run(key, list(self.chance.choice(self.scripts)))
        self.runs.append(run)
        return Sent(self.partition, key.encode(), self._line(run, self.clock_ms).encode(), 1)

    def _undecodable(self) -> Sent:
        good = f"2026-03-01T00:00:00.000Z INFO {STEPS['open'].format(key='k7x1')}".encode()
        makers: list[Callable[[], tuple[bytes | None, bytes | None]]] = [
            lambda: (b"k7x1", b"\xff\xfe not UTF-8"),
            lambda: (b"k7x1", good + b"\n\xff half of it is not UTF-8"),
            lambda: (b"k7x1", b""),
            lambda: (b"k7x1", b" \n\t "),
            lambda: (b"k7x1", None),
            lambda: (None, good),
            lambda: (b"", good),
            lambda: (b"k" * 1025, good),
        ]
        return Sent(self.partition, *self.chance.choice(makers)(), 0)


def traffic(seed: int, rule: Rule, lines: int) -> Iterator[Sent]:
    """Give records in the order to produce them, until they hold ``lines`` lines.

    One partition gets none, one a few, the others very different shares.
    """
    chance = random.Random(seed)
    scripts = [_script(chance) for _ in range(SCRIPTS)]
    _, nearly, *others = chance.sample(range(PARTITIONS), PARTITIONS)
    sources = {number: _Source(number, rule, scripts, chance) for number in (nearly, *others)}
    few = NEARLY_EMPTY_RECORDS / lines
    written = 0
    while written < lines:
        number = nearly if chance.random() < few else chance.choices(others, _WEIGHTS)[0]
        sent = sources[number].record()
        written += sent.lines
        yield sent


def _script(chance: random.Random) -> list[str]:
    steps = chance.choices(list(STEPS), k=chance.randint(1, 40))
    if chance.random() < 0.2:
        steps[chance.randrange(len(steps))] = _NOVEL
    return steps
