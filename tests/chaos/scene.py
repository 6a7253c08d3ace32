"""What a run consists of while it runs: servers, processes, and what they have counted."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from deploy.embedded.broker import ApacheKafka, RunningBroker
from deploy.embedded.children import Child
from deploy.embedded.redis_server import EmbeddedRedis
from model.errors import TransientError
from stream.live_settings import LiveSettingsStore
from stream.live_values import LiveSettings
from stream.windowing.store import PartitionStore
from tests.chaos.proxy import RedisProxy
from tests.chaos.rules import Rule
from tests.service import Place, Service, running_service

__all__ = ["Scene", "Servers", "Stage", "running_scene"]

CONSUMERS = 3
WORKERS = 2
BELOW_EVERY_SCORE = -1e9
"""The threshold: every window is alerted, so that every window is seen."""

_COUNTED = {"overlaps": "logscry_consumer_overlaps_skipped_total", "claims": "logscry_worker_claimed_total"}
_SETTINGS = {
    "LOGSCRY_WORKER__MAX_DELIVERIES": "1000",  # workers are killed for no fault of a window
    "LOGSCRY_WORKER__CLAIM_IDLE_MS": "3000",
    "LOGSCRY_WORKER__BATCH_WINDOWS": "64",
    "LOGSCRY_ALERTS__INCLUDE_LINES": "false",
    "LOGSCRY_CONSUMER__IDLE_TIMEOUT_MS": "3600000",  # sessions end by their events alone: by flush in the end
}


@dataclass(frozen=True)
class Stage:
    """What a run is given.

    Attributes:
        broker: A running Apache Kafka; one that was not started here is not killed.
        model: Artefact folder of the toy model.
        work: A folder of this run's own, for the processes' output.
        environment: More variables for the processes.
    """

    broker: ApacheKafka | RunningBroker
    model: Path
    work: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Servers:
    """Those of a run.

    Attributes:
        broker: Apache Kafka.
        redis: A Redis with an append-only file.
        proxy: What the processes take for it.
    """

    broker: ApacheKafka | RunningBroker
    redis: EmbeddedRedis
    proxy: RedisProxy


@dataclass
class Scene:
    """A running service, and all that can be done to it.

    Attributes:
        servers: Its servers.
        service: Its processes.
        rule: How its windows are cut.
        chance: The source of all choices.
        busy_partitions: Those that get many records.
        counts: What processes that are gone have counted, and what was counted here.
        environment: More variables for every process of the run.
    """

    servers: Servers
    service: Service
    rule: Rule
    chance: random.Random
    busy_partitions: Sequence[int] = ()
    counts: Counter[str] = field(default_factory=Counter)
    environment: Mapping[str, str] = field(default_factory=dict)

    def running(self, command: str) -> list[Child]:
        """The processes of a command."""
        return [child for child in self.service.children.running if child.name.startswith(command)]

    def kill(self, child: Child) -> None:
        """End a process with SIGKILL; what it has counted is read a moment before."""
        self.count(child)
        self.service.kill(child)

    def count(self, child: Child) -> None:
        """Add what a process has counted."""
        for name, metric in _COUNTED.items():
            try:
                self.counts[name] += int(child.metric(metric))
            except TransientError:  # it has hardly started
                return

    def count_refusals(self) -> None:
        """Add what all processes have written about refused batches."""
        for log in self.service.place.work.glob("consume-*.log"):
            for event in events_of(log):
                if event.get("event") == "batch_refused":
                    self.counts[f"{event['reason']}_refusals"] += 1

    def owner_of(self, store: PartitionStore) -> str:
        """The token of the consumer that has a partition."""
        owner = self.service.redis.hget(store.state, "owner")
        return owner.decode() if isinstance(owner, bytes) else ""

    def store_settings(self) -> None:
        """Store the live settings, before any process stores its model's. A Redis that loses them gets them back."""
        rule = self.rule
        wanted = LiveSettings(rule.size, rule.hop, rule.gap_ms, BELOW_EVERY_SCORE, rule.grace_ms)
        LiveSettingsStore(self.service.redis, self.service.namespace).seed(wanted, why="the chaos test")


def events_of(log: Path) -> Iterator[dict[str, object]]:
    """What a process wrote, event by event; what is no event is left out."""
    for line in log.read_bytes().splitlines():
        if line.startswith(b"{"):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:  # it was killed while it wrote
                continue


@contextmanager
def running_scene(stage: Stage, logs_topic: str, rule: Rule, chance: random.Random) -> Iterator[Scene]:
    """Start a Redis, a proxy, consumers and workers; all end with the block.

    Args:
        stage: What there is.
        logs_topic: What the consumers read; the namespace has its name too.
        rule: How windows are cut.
        chance: The source of all choices.
    """
    with ExitStack() as cleanup:
        redis = cleanup.enter_context(EmbeddedRedis(appendonly=True))
        proxy = cleanup.enter_context(RedisProxy(redis.port))
        settings = _SETTINGS | {
            "LOGSCRY_REDIS__URL": redis.url.replace(f":{redis.port}/", f":{proxy.port}/"),
            "LOGSCRY_CONSUMER__POLL_RECORDS": str(chance.choice((100, 500, 2000))),
            **stage.environment,
        }
        place = Place(stage.broker.address, redis.url, stage.model, stage.work)
        service = cleanup.enter_context(running_service(place, logs_topic, logs_topic, settings))
        servers = Servers(stage.broker, redis, proxy)
        scene = Scene(servers, service, rule, chance, environment=stage.environment)
        scene.store_settings()
        service.start("consume", count=CONSUMERS)
        service.start("detect", count=WORKERS)
        yield scene
