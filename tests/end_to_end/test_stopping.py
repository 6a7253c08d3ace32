"""SIGTERM ends every process within seconds, whatever its servers do at that moment."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from deploy.embedded.broker import ApacheKafka, EmbeddedBroker
from deploy.embedded.children import Child
from deploy.embedded.redis_server import EmbeddedRedis
from deploy.embedded.stack import create_topics
from stream.stopping import FORCED_EXIT
from tests.end_to_end.test_path import line
from tests.service import Line, Place, Service, produce, running_service, wait

pytestmark = [pytest.mark.stack, pytest.mark.one_broker]

BOUND_SECONDS = 10.0
"""Twice what is promised: this machine may be doing other things."""

SESSIONS = 3_000
KEYS = ("--key-pattern", r"request=(\w+)")
SMALL = {"LOGSCRY_CONSUMER__POLL_RECORDS": "20", "LOGSCRY_WORKER__BATCH_WINDOWS": "4"}
"""Small batches, so that a process is in the middle of its work for long."""

Server = ApacheKafka | EmbeddedBroker | EmbeddedRedis
Ending = Callable[[Server], AbstractContextManager[None]]


@pytest.fixture
def redis() -> Iterator[EmbeddedRedis]:
    """A Redis for this test alone, which may kill and stop it."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def servers(own_broker: ApacheKafka | EmbeddedBroker, redis: EmbeddedRedis) -> dict[str, Server]:
    """By name."""
    return {"kafka": own_broker, "redis": redis}


@pytest.fixture
def service(
    own_broker: ApacheKafka | EmbeddedBroker, redis: EmbeddedRedis, model_folder: Path, tmp_path: Path, namespace: str
) -> Iterator[Service]:
    """A service on servers of its own, with nothing started yet."""
    create_topics(own_broker.address, {"raw": 2, "logs": 2})  # two: one for the processes of `up`
    place = Place(own_broker.address, redis.url, model_folder, tmp_path)
    with running_service(place, namespace, "logs", {"LOGSCRY_KAFKA__RAW_TOPIC": "raw", **SMALL}) as made:
        yield made


@contextmanager
def killed(server: Server) -> Iterator[None]:
    """The server is gone."""
    server.kill()
    yield


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server takes connections, as far as the kernel does that for it, and answers nothing."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def start_all(service: Service) -> list[Child]:
    """One process of each kind, and one that runs others."""
    for arguments in (["consume"], ["detect"], ["rekey", *KEYS], ["up", "--workers", "0", *KEYS]):
        service.children.start(*arguments)
    return list(service.children.running)


def give_work(service: Service) -> None:
    """Lines for the consumer, a dead letter among ten; windows to be alerted for the worker; records to be keyed."""
    keys = [f"k{number}".encode() for number in range(SESSIONS)]
    lines = [line(key, "fire in the projection room of request={key}", 1) for key in keys for _ in range(4)]
    lines[::10] = [Line(each.key, b"\xff") for each in lines[::10]]
    produce(service.place.kafka, "logs", lines)
    produce(service.place.kafka, "raw", [Line(None, each.value) for each in lines])


def await_work(children: list[Child], check: Callable[[], None]) -> None:
    """Wait until each is in the middle of its work."""
    names = ("logscry_consumer_dead_letters_total", "logscry_worker_alerts_total", "logscry_rekey_transactions_total")

    def all_work() -> bool:
        return all(child.metric(name) > 0 for child, name in zip(children, names, strict=False))

    wait(all_work, check)


def stop_all(service: Service) -> dict[str, tuple[float, int]]:
    """SIGTERM to all: for each process the seconds that it took, and its status."""
    begin, ended = time.monotonic(), {}
    waiting = list(service.children.running)
    for child in waiting:
        child.process.terminate()

    def all_ended() -> bool:
        for child in waiting[:]:
            if (status := child.process.poll()) is not None:
                ended[child.name] = (round(time.monotonic() - begin, 2), status)
                waiting.remove(child)
        return not waiting

    wait(all_ended, seconds=60)
    service.children.running.clear()
    return ended


def assert_ended_soon(ended: dict[str, tuple[float, int]], *statuses: int) -> None:
    """All within the bound, with one of the statuses."""
    assert {name: seconds for name, (seconds, _) in ended.items() if seconds > BOUND_SECONDS} == {}
    assert {status for _, status in ended.values()} <= set(statuses)


def test_idle_processes_end_soon_after_sigterm(service: Service):
    """They have nothing to finish."""
    start_all(service)
    service.children.await_health()
    assert_ended_soon(stop_all(service), 0)


def test_busy_processes_end_soon_after_sigterm(service: Service):
    """They finish their present batch."""
    children = start_all(service)
    service.children.await_health()
    give_work(service)
    await_work(children, service.children.check)
    assert_ended_soon(stop_all(service), 0)


@pytest.mark.parametrize("how", [killed, frozen])
@pytest.mark.parametrize("away", ["kafka", "redis"])
def test_busy_processes_whose_server_is_away_end_soon_after_sigterm(
    service: Service, servers: dict[str, Server], away: str, how: Ending
):
    """Such as one that waits for an acknowledgement which does not come."""
    children = start_all(service)
    service.children.await_health()
    give_work(service)
    await_work(children, service.children.check)
    with how(servers[away]):
        assert_ended_soon(stop_all(service), 0, FORCED_EXIT)


@pytest.mark.parametrize("how", [killed, frozen])
@pytest.mark.parametrize("away", ["kafka", "redis"])
def test_processes_that_wait_for_their_servers_end_soon_after_sigterm(
    service: Service, servers: dict[str, Server], away: str, how: Ending
):
    """At their start, when they have nothing to finish."""
    with how(servers[away]):
        children = start_all(service)
        wait(lambda: all(b"settings" in child.log.read_bytes() for child in children), service.children.check)
        assert_ended_soon(stop_all(service), 0, FORCED_EXIT)
