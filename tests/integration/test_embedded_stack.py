"""The embedded stack: it answers, it survives what a test does to it, and it leaves nothing behind."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.embedded.broker import ApacheKafka, EmbeddedBroker, speaks_kafka
from deploy.embedded.ports import free_port, wait_until
from deploy.embedded.redis_server import EmbeddedRedis
from deploy.embedded.server import LocalServer
from deploy.embedded.stack import Stack, create_topics
from model.errors import StateError, TransientError
from tests.conftest import REPOSITORY

#: Starts a stack on the broker named by its argument, prints what it started, and waits to be killed.
OWNER = """
import json, sys
from deploy.embedded.stack import Stack
from tests.conftest import new_broker
with Stack(broker=new_broker(sys.argv[1])) as stack:
    servers = (stack.broker, stack.redis)
    print(json.dumps([[s.pid, str(s.folder)] for s in servers]), flush=True)
    sys.stdin.read()
"""


class Traces(NamedTuple):
    """What a stack leaves on the machine while it runs."""

    pids: list[int]
    folders: list[Path]


def _send(address: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=address)
    producer.send(topic, value, partition=0)
    producer.flush(timeout=10)
    producer.close()


def _first_value(address: str, topic: str) -> bytes | None:
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=5000)
    consumer.assign([TopicPartition(topic, 0)])
    try:
        return next((record.value for record in consumer), None)
    finally:
        consumer.close()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _traces_of(stack: Stack) -> Traces:
    servers = [server for server in (stack.broker, stack.redis) if isinstance(server, LocalServer)]
    pids = [server.pid for server in servers if server.pid]
    folders = [server.folder for server in servers if server.folder]
    assert len(pids) == len(folders) == 2
    return Traces(pids, folders)


def _assert_nothing_is_left(broker: str, end: signal.Signals) -> None:
    command = [sys.executable, "-c", OWNER, broker]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as owner:
        assert owner.stdout is not None
        servers = json.loads(owner.stdout.readline())
        owner.send_signal(end)
        owner.wait(timeout=30)

    assert wait_until(lambda: not any(_is_running(pid) for pid, _ in servers), 10)
    assert wait_until(lambda: not any(Path(folder).exists() for _, folder in servers), 10)


def test_a_record_that_is_sent_can_be_read(broker, topic):
    """The shared broker takes a record and gives it back."""
    name = topic("logs")

    _send(broker.address, name, b"a line")

    assert _first_value(broker.address, name) == b"a line"


def test_topics_have_the_partitions_that_were_asked_for(broker, topic):
    """A topic is made with its partition count."""
    name = topic("logs", partitions=3)

    consumer = KafkaConsumer(name, bootstrap_servers=broker.address)
    partitions = consumer.partitions_for_topic(name)
    consumer.close()

    assert partitions == {0, 1, 2}


def test_creating_a_topic_twice_is_refused_by_name(broker, topic):
    """The error names the topic that exists."""
    name = topic("logs")

    with pytest.raises(TransientError, match=name):
        create_topics(broker.address, {name: 1})


@pytest.mark.stack
def test_nothing_is_left_after_the_block():
    """No process and no folder of a stack outlives its block."""
    with Stack({"logs": 2}, broker=EmbeddedBroker()) as stack:
        traces = _traces_of(stack)
        assert all(map(_is_running, traces.pids))

    assert not any(map(_is_running, traces.pids))
    assert not any(map(Path.exists, traces.folders))


@pytest.mark.stack
def test_nothing_is_left_after_an_exception():
    """An exception in the block cleans up like its last line does."""

    def fail(stack: Stack) -> None:
        traces.append(_traces_of(stack))
        raise ZeroDivisionError

    traces: list[Traces] = []
    with pytest.raises(ZeroDivisionError), Stack() as stack:
        fail(stack)

    assert not any(map(_is_running, traces[0].pids))
    assert not any(map(Path.exists, traces[0].folders))


@pytest.mark.stack
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda end: end.name)
def test_nothing_is_left_when_the_owner_is_killed(end):
    """Whatever signal ends the owner, its servers end and their folders go."""
    _assert_nothing_is_left("embedded", end)


def test_a_broker_in_the_background_does_not_outlive_a_killed_owner(own_broker):
    """SIGKILL of the owner also ends a broker that a script has put into the background."""
    _assert_nothing_is_left(own_broker.name, signal.SIGKILL)


@pytest.mark.stack
def test_two_stacks_run_side_by_side():
    """A second stack gets its own ports and does not see the first one's data."""
    with Stack() as first, Stack() as second:
        with redis.Redis.from_url(first.redis_url) as client:
            client.set("key", "value")
        with redis.Redis.from_url(second.redis_url) as client:
            seen = client.get("key")

        assert first.kafka_address != second.kafka_address
        assert seen is None


def test_a_redis_with_a_log_keeps_its_data_over_a_kill():
    """With appendonly every answered write survives SIGKILL, on the same port."""
    with EmbeddedRedis(appendonly=True) as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        address = server.address

        server.kill()
        assert server.pid is None
        server.restart()

        assert client.get("key") == b"value"
        assert server.address == address


def test_a_redis_whose_log_was_cut_comes_back_older():
    """The cut may be in the middle of a command: that command, and what came after it, is lost."""
    with EmbeddedRedis(appendonly=True) as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "older")
        size = server.newest_file().stat().st_size
        client.set("key", "newer")

        server.kill()
        with server.newest_file().open("r+b") as file:
            file.truncate(size + 5)
        server.restart()

        assert client.get("key") == b"older"


def test_a_redis_that_wrote_its_log_anew_never_carries_out_half_a_transaction():
    """The first start undoes it, but leaves it in the file, where the next start would mix it with what came later."""
    with EmbeddedRedis(appendonly=True) as server, redis.Redis.from_url(server.url) as client:
        client.set("before", "1")
        client.pipeline(transaction=True).set("first", "1").set("second", "2" * 100).execute()
        server.kill()
        with server.newest_file().open("r+b") as log:
            log.truncate(server.newest_file().stat().st_size - 80)  # in the middle of the second command
        server.restart()
        assert client.mget("before", "first") == [b"1", None]

        server.write_anew()
        client.pipeline(transaction=True).set("later", "3").execute()
        server.kill()
        server.restart()

        assert client.mget("before", "first", "second", "later") == [b"1", None, None, b"3"]


def test_a_redis_with_a_log_can_be_made_to_forget():
    """Then it comes back empty, and keeps what comes after."""
    with EmbeddedRedis(appendonly=True) as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")

        server.kill()
        server.forget()
        server.restart()
        assert client.get("key") is None

        client.set("key", "after")
        server.kill()
        server.restart()
        assert client.get("key") == b"after"


def test_a_redis_without_a_log_forgets_over_a_kill():
    """Without appendonly the server comes back empty."""
    with EmbeddedRedis() as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")

        server.kill()
        server.restart()

        assert client.get("key") is None


def test_the_redis_is_for_its_owner_alone(redis_server):
    """It wants a password, listens on the loopback address alone, evicts nothing, and hides its folder."""
    with (
        redis.Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    assert stat.S_IMODE(redis_server.folder.stat().st_mode) == 0o700


def test_a_port_that_was_taken_meanwhile_is_replaced(monkeypatch):
    """A server whose port another process was faster to bind starts on another port."""
    with EmbeddedRedis() as first:
        ports = iter([first.port, free_port()])
        second = EmbeddedRedis()
        monkeypatch.setattr(second, "_choose_port", lambda: next(ports))
        with second:
            assert second.port != first.port
            assert second.pid is not None


def test_a_server_that_cannot_start_says_why(monkeypatch):
    """The error of a failed start holds the end of the server's own log, and nothing stays behind."""
    server = EmbeddedRedis()
    monkeypatch.setattr(server, "_configuration", lambda: "no-such-setting yes\n")

    with pytest.raises(TransientError, match="no-such-setting"):
        server.start()

    assert server.folder is None


def test_a_server_is_started_once():
    """A second start of a running server is refused."""
    with EmbeddedRedis() as server, pytest.raises(StateError, match="started already"):
        server.start()


def test_a_broker_answers_again_after_a_kill(own_broker):
    """A killed broker comes back on its port; Apache Kafka keeps its records, the embedded broker has none."""
    create_topics(own_broker.address, {"logs": 1})
    _send(own_broker.address, "logs", b"a line")

    own_broker.kill()
    assert not speaks_kafka(own_broker.address)
    own_broker.restart()

    assert speaks_kafka(own_broker.address)
    if isinstance(own_broker, ApacheKafka):
        assert _first_value(own_broker.address, "logs") == b"a line"
