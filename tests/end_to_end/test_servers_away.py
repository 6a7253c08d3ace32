"""Kafka, Redis and both go away and come back while lines stream: nothing is lost, doubled or started again."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from deploy.embedded.broker import ApacheKafka, EmbeddedBroker
from deploy.embedded.children import Child
from deploy.embedded.redis_server import EmbeddedRedis
from deploy.embedded.server import LocalServer
from deploy.embedded.stack import create_topics
from model.errors import TransientError
from tests.end_to_end.test_faults import alert_every_window
from tests.end_to_end.test_path import alert_ids, as_facts, faulty_lines, normal_lines
from tests.service import Line, Place, Service, produce, read_all, running_service, wait

pytestmark = pytest.mark.stack

LINES_PER_SECOND = 60
PARTITIONS = 4
FAILED_TURNS = "logscry_consumer_failed_turns_total"
WITHOUT_LINES = {"LOGSCRY_ALERTS__INCLUDE_LINES": "false"}


@pytest.fixture
def kafka(own_broker: ApacheKafka | EmbeddedBroker) -> ApacheKafka:
    """A broker of this test alone that keeps its records when it is killed."""
    if isinstance(own_broker, EmbeddedBroker):
        pytest.skip("the embedded broker keeps its records in memory: a kill loses them")
    return own_broker


@pytest.fixture
def redis() -> Iterator[EmbeddedRedis]:
    """A Redis of this test alone that keeps its data when it is killed."""
    with EmbeddedRedis(appendonly=True) as server:
        yield server


@pytest.fixture
def place(kafka: ApacheKafka, redis: EmbeddedRedis, model_folder: Path, tmp_path: Path) -> Place:
    """Where the processes run."""
    return Place(kafka.address, redis.url, model_folder, tmp_path)


def in_folder(place: Place, name: str) -> Place:
    """The same place, with a folder of its own for the processes' output."""
    folder = place.work / name
    folder.mkdir()
    return replace(place, work=folder)


@contextmanager
def streaming(place: Place, lines: Sequence[Line]) -> Iterator[None]:
    """Write lines slowly while the block runs, and the rest before it ends."""
    thread = threading.Thread(target=produce, args=(place.kafka, "logs", lines, LINES_PER_SECOND))
    thread.start()
    yield
    thread.join()


def applied(service: Service) -> int:
    """How many offsets the states have seen; less than none while nobody can say."""
    try:
        return service.applied()
    except TransientError:
        return -1


def has_applied(services: Sequence[Service], offsets: int) -> bool:
    """Whether the states of each have seen more offsets than that."""
    return min(map(applied, services)) > offsets


def go_away_and_come_back(servers: Sequence[LocalServer], consumers: Sequence[Child]) -> None:
    """Kill servers, and start them again once each consumer has missed them."""
    missed = [each.metric(FAILED_TURNS) for each in consumers]
    for server in servers:
        server.kill()
    wait(lambda: all(each.metric(FAILED_TURNS) > before for each, before in zip(consumers, missed, strict=True)))
    for server in servers:
        server.restart()


def test_servers_that_die_and_come_back_cost_and_double_nothing(
    kafka: ApacheKafka, redis: EmbeddedRedis, place: Place, namespace: str
):
    """Windows and alerts are those of an undisturbed run. One service keeps its windows, another has them scored."""
    lines = [*normal_lines(), *faulty_lines()]
    create_topics(place.kafka, {"logs": PARTITIONS})
    with ExitStack() as cleanup:
        keeping, scoring = (
            cleanup.enter_context(running_service(in_folder(place, name), f"{namespace}-{name}", "logs", WITHOUT_LINES))
            for name in ("keeping", "scoring")
        )
        consumers = [*keeping.start("consume"), *scoring.start("consume")]
        alert_every_window(scoring)
        scoring.start("detect")
        with streaming(place, lines):
            for number, servers in enumerate(((kafka,), (redis,), (kafka, redis)), start=1):
                reached = number * len(lines) // 5
                wait(partial(has_applied, (keeping, scoring), reached), scoring.children.check)
                go_away_and_come_back(servers, consumers)
        wait(lambda: applied(keeping) == applied(scoring) == len(lines), scoring.children.check)
        keeping.flush()
        scoring.flush()
        scoring.await_scored()
        keeping.children.check()
        scoring.children.check()
        windows, ids = keeping.ready_windows(), alert_ids(scoring)

    with running_service(place, f"{namespace}-calm", "logs", WITHOUT_LINES) as calm:
        calm.start("consume")
        calm.flush()
        calm_windows = calm.ready_windows()
        alert_every_window(calm)
        calm.start("detect")
        calm.await_scored()
        assert ids == alert_ids(calm)
    assert as_facts(windows) == as_facts(calm_windows)
    assert len(windows) == len(calm_windows) == len(ids)


def test_rekey_that_starts_before_kafka_waits_for_it(kafka: ApacheKafka, place: Place, namespace: str):
    """Whoever starts everything at once need not mind the order."""
    create_topics(place.kafka, {"raw": 1, "logs": 1})
    produce(place.kafka, "raw", [Line(None, b"request=a line")])
    with running_service(place, namespace, "logs", {"LOGSCRY_KAFKA__RAW_TOPIC": "raw"}) as service:
        kafka.kill()
        stage = service.children.start("rekey", "--key-pattern", r"request=(\w+)")
        wait(lambda: b"waiting" in stage.log.read_bytes(), service.children.check)
        kafka.restart()
        service.children.await_health()
        wait(lambda: stage.metric("logscry_rekey_lines_total") == 1, service.children.check)
    assert [record.key for record in read_all(place.kafka, "logs")] == [b"a"]
