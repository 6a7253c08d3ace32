"""One seed: traffic, faults, and the verdict."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from deploy.embedded.stack import create_topics
from tests.chaos.faults import faults_of
from tests.chaos.reference import reference_of
from tests.chaos.rules import Rule
from tests.chaos.scene import Scene, Stage, running_scene
from tests.chaos.topics import Production, entries_of, read_topic
from tests.chaos.traffic import PARTITIONS, traffic
from tests.chaos.verdict import Verdict, differences, judge, seen_alert, seen_dead_letter
from tests.service import wait

__all__ = ["LINES", "Outcome", "run_seed"]

LINES = 100_000
RECORDS_A_SECOND = 2_500.0
SETTLE_SECONDS = 400.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What one seed, or several, came to.

    Attributes:
        verdict: The windows against the reference.
        counts: ``gap_refusals``, ``owner_refusals``, ``overlaps``, ``claims``, ``broker_kills``, and what else was
            counted.
        differences: The first windows that differ, in words.
    """

    verdict: Verdict = field(default_factory=Verdict)
    counts: Counter[str] = field(default_factory=Counter)
    differences: tuple[str, ...] = ()

    def __add__(self, other: "Outcome") -> "Outcome":
        differences = self.differences + other.differences
        return Outcome(self.verdict + other.verdict, self.counts + other.counts, differences)

    @property
    def right(self) -> bool:
        """Whether all is as it must be."""
        return self.verdict.right and not self.counts["zombies_let_in"]


def run_seed(seed: int, stage: Stage, lines: int = LINES, say: Say = lambda _: None) -> Outcome:
    """Run a service through all faults and judge what came out.

    Args:
        seed: Of the traffic, the faults, and their moments.
        stage: Where.
        lines: How many log lines.
        say: Told what happens.

    Raises:
        TransientError: A process ended by itself.
        TimeoutError: The service did not come to an end.
    """
    chance = random.Random(seed)
    rule = Rule.drawn(chance)
    topic = f"chaos-{seed}-{uuid.uuid4().hex[:8]}"
    create_topics(stage.broker.address, {topic: PARTITIONS})
    with running_scene(stage, topic, rule, chance) as scene:
        _produce_through_faults(scene, seed, lines, say)
        _settle(scene, say)
        for child in scene.service.children.running:
            scene.count(child)
        scene.count_refusals()
    say("comparing")
    return _judged(scene, topic)


def _judged(scene: Scene, topic: str) -> Outcome:
    kafka, service = scene.servers.broker.address, scene.service
    alerts = [record.value for record in read_topic(kafka, service.alerts_topic)]
    letters = {seen_dead_letter(record.value) for record in read_topic(kafka, service.dead_letters_topic)}
    reference = reference_of(topic, entries_of(kafka, topic), scene.rule)
    verdict = judge(reference, map(seen_alert, alerts), letters)
    return Outcome(verdict, scene.counts, tuple(differences(reference, alerts)))


def _produce_through_faults(scene: Scene, seed: int, lines: int, say: Say) -> None:
    """Let a fault come in each part of the traffic, at a random moment while records are written.

    However long the one before lasts, writing goes on no further than the next part's beginning, and goes on from
    there before the next one comes: each finds the service at work.
    """
    records = list(traffic(seed, scene.rule, lines))
    scene.busy_partitions = [number for number, _ in Counter(r.partition for r in records).most_common(3)]
    faults = faults_of(scene)
    part = len(records) // (len(faults) + 1)
    check = scene.service.children.check
    with Production(scene.servers.broker.address, scene.service.logs_topic, records, RECORDS_A_SECOND) as production:
        for number, fault in enumerate(faults):
            moment = int((number + scene.chance.uniform(0.3, 0.6)) * part)
            production.allow((number + 1) * part)
            _await(partial(production.has_sent, moment), production, check)
            say(f"{production.sent:,} records, {fault.__name__}")
            fault(scene)
        production.allow(len(records))
        say("producing the rest")
        _await(lambda: production.done, production, check)


def _await(condition: Callable[[], bool], production: Production, check: Callable[[], None]) -> None:
    def check_all() -> None:
        production.check()
        check()

    wait(condition, check_all, SETTLE_SECONDS)


def _settle(scene: Scene, say: Say) -> None:
    """Wait until every line is applied, end the sessions, and wait until every window is scored."""
    service = scene.service
    ends = sum(len(entries) for entries in entries_of(service.place.kafka, service.logs_topic).values())
    say("waiting until all is applied")
    with _told(lambda: f"{service.applied():,} of {ends:,} offsets are applied"):
        wait(lambda: service.applied() >= ends, service.children.check, SETTLE_SECONDS)
    say("flushing")
    service.flush()
    say("waiting until all is scored")
    with _told(lambda: f"{sum(s.ready_windows() for s in service.stores()):,} windows are not scored"):
        wait(lambda: not any(s.ready_windows() for s in service.stores()), service.children.check, SETTLE_SECONDS)


@contextmanager
def _told(how_far: Callable[[], str]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {how_far()}") from error
