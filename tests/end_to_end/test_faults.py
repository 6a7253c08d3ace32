"""What can go wrong around a running service: full streams, deleted topics and records, a Redis that forgot."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from deploy.embedded.broker import ApacheKafka, EmbeddedBroker
from deploy.embedded.redis_server import EmbeddedRedis
from deploy.embedded.stack import create_topics
from model.errors import TransientError
from tests.end_to_end.test_path import FAULTY, alert_ids, as_facts, faulty_lines, line, normal_lines
from tests.service import Line, Place, Service, produce, read_all, running_service, wait

pytestmark = pytest.mark.stack


@pytest.fixture
def logs(topic: Callable[..., str]) -> str:
    """A logs topic of one partition: what happens to it happens to all."""
    return topic("logs")


@contextmanager
def admin(place: Place) -> Iterator[KafkaAdminClient]:
    """A client that deletes."""
    client = KafkaAdminClient(bootstrap_servers=place.kafka)
    try:
        yield client
    finally:
        client.close()


def alert_every_window(service: Service) -> None:
    """The ids of the alerts then say which windows there were."""
    service.children.run("settings", "set", "threshold=-1000", "--who", "test")


def final_keys(service: Service) -> list[bytes]:
    """The keys whose sessions have ended, each as often as it has."""
    return sorted(window.key for window in service.ready_windows() if window.final)


@pytest.mark.one_broker
def test_a_full_ready_stream_pauses_the_consumer_and_loses_nothing(place: Place, namespace: str, logs: str):
    """It waits for the worker, stays in its group, and goes on when half is scored."""
    lines = [*normal_lines(), *faulty_lines()]
    produce(place.kafka, logs, lines)
    # The least that is allowed: a stream that is drained takes less, so that each pause ends.
    settings = {"LOGSCRY_REDIS__MAX_READY_BYTES": "1000", "LOGSCRY_CONSUMER__POLL_RECORDS": "50"}
    with running_service(place, namespace, logs, settings) as service:
        [consumer] = service.start("consume")
        wait(lambda: consumer.metric("logscry_consumer_paused_partitions") == 1, service.children.check)
        assert 0 < service.applied() < len(lines)
        service.start("detect")
        service.flush()
        service.await_scored()
        assert service.applied() >= len(lines)
        assert {alert.key.encode() for alert, _ in service.alerts()} == set(FAULTY)


def test_a_topic_made_anew_stops_the_consumer_until_it_is_reset(place: Place, namespace: str, logs: str):
    """Its offsets mean other records; the sentence names the way out, and the way out works."""
    with running_service(place, namespace, logs) as service:
        [first] = service.start("consume")
        produce(place.kafka, logs, faulty_lines())
        wait(lambda: service.applied() == len(faulty_lines()), service.children.check)
        service.kill(first)
        with admin(place) as client:
            client.delete_topics([logs])
        create_again(place, logs)
        second = service.children.start("consume")
        wait(lambda: second.process.poll() is not None)
        service.children.running.remove(second)
        assert second.process.returncode == 2
        assert "logscry reset" in " ".join(second.log_tail().split())

        service.children.run("reset", "--yes")
        service.start("consume")
        produce(place.kafka, logs, [line(b"new", "open", 1)])
        service.flush()
        assert final_keys(service) == [b"new"]


def create_again(place: Place, topic: str) -> None:
    """Deleting takes a broker a moment."""

    def created() -> bool:
        try:
            create_topics(place.kafka, {topic: 1})
        except TransientError:  # the old one is not gone yet
            return False
        return True

    wait(created)


def test_records_that_retention_deletes_unread_are_counted_and_flush_still_ends_sessions(
    place: Place, namespace: str, logs: str
):
    """The position jumps to what is left; nothing waits for what is gone."""
    with running_service(place, namespace, logs) as service:
        [first] = service.start("consume")
        produce(place.kafka, logs, [line(b"before", "open", 1)])
        wait(lambda: service.applied() == 1, service.children.check)
        service.kill(first)
        produce(place.kafka, logs, [line(b"gone", "open", 2), line(b"gone", "check", 3)])
        try:
            with admin(place) as client:
                client.delete_records({TopicPartition(logs, 0): 3})
        except KafkaError as exc:
            pytest.skip(f"this broker deletes no records: {exc!r}")
        [second] = service.start("consume")
        wait(lambda: second.metric("logscry_consumer_deleted_unread_total") == 2, service.children.check)
        service.flush()
        assert final_keys(service) == [b"before"]


def test_starting_at_the_latest_leaves_older_lines_alone(place: Place, namespace: str, logs: str):
    """Only while there is no state: afterwards every line counts."""
    produce(place.kafka, logs, [line(b"old", "open", 1)])
    with running_service(place, namespace, logs, {"LOGSCRY_KAFKA__START_AT": "latest"}) as service:
        [first] = service.start("consume")
        wait(service.stores, service.children.check)
        service.kill(first)
        produce(place.kafka, logs, [line(b"new", "open", 2)])
        service.start("consume")
        service.flush()
        assert final_keys(service) == [b"new"]


@pytest.mark.one_broker
def test_a_redis_that_comes_back_empty_is_replayed_from_kafka(place: Place, namespace: str, logs: str):
    """The same windows and alert ids as in an undisturbed run."""
    lines = [*normal_lines(), *faulty_lines()]
    produce(place.kafka, logs, lines[: len(lines) // 2])
    with ExitStack() as cleanup:
        redis = cleanup.enter_context(EmbeddedRedis())
        there = replace(place, redis=redis.url)
        lost = cleanup.enter_context(running_service(there, f"{namespace}-lost", logs))
        lost.start("consume")
        lost.start("detect")
        wait(lambda: lost.applied() == len(lines) // 2, lost.children.check)
        redis.kill()
        redis.restart()
        produce(place.kafka, logs, lines[len(lines) // 2 :])
        wait(lambda: lost.applied() == len(lines), lost.children.check)
        lost.flush()
        lost.await_scored()
        ids = alert_ids(lost)
    with running_service(place, f"{namespace}-calm", logs) as calm:
        calm.start("consume")
        calm.flush()
        windows = calm.ready_windows()
        calm.start("detect")
        calm.await_scored()
        assert alert_ids(calm) == ids
    assert len(as_facts(windows)) == len(windows)


@pytest.mark.one_broker
def test_a_redis_that_forgot_is_replayed_though_no_line_comes(place: Place, namespace: str, logs: str):
    """A silent partition has no batch that could be refused: its consumer looks by itself."""
    produce(place.kafka, logs, faulty_lines())
    with ExitStack() as cleanup:
        redis = cleanup.enter_context(EmbeddedRedis())
        service = cleanup.enter_context(running_service(replace(place, redis=redis.url), namespace, logs))
        service.start("consume")
        wait(lambda: service.applied() == len(faulty_lines()), service.children.check)
        redis.kill()
        redis.restart()
        wait(lambda: service.applied() == len(faulty_lines()), service.children.check)
        service.flush()
        assert final_keys(service) == sorted(FAULTY)


@pytest.mark.one_broker
def test_a_full_redis_makes_consumers_wait_while_workers_drain_it(place: Place, namespace: str, logs: str):
    """Its consumer stays in its group and loses nothing; a worker that comes only now scores what is there."""
    lines = [*normal_lines(), *faulty_lines()]
    half = len(lines) // 2
    settings = {"LOGSCRY_ALERTS__INCLUDE_LINES": "false"}
    with ExitStack() as cleanup:
        redis = cleanup.enter_context(EmbeddedRedis())
        service = cleanup.enter_context(running_service(replace(place, redis=redis.url), namespace, logs, settings))
        [consumer] = service.start("consume")
        alert_every_window(service)
        produce(place.kafka, logs, lines[:half])
        wait(lambda: service.applied() == half, service.children.check)
        assigned = consumer.log.read_bytes().count(b"partitions_assigned")
        service.redis.config_set("maxmemory", 1)
        produce(place.kafka, logs, lines[half:])
        service.children.start("detect")
        service.await_scored()
        wait(lambda: consumer.metric("logscry_consumer_failed_turns_total", reason="redis-full") > 5)
        assert service.applied() == half
        assert consumer.log.read_bytes().count(b"partitions_assigned") == assigned

        service.redis.config_set("maxmemory", 0)
        service.flush()
        service.await_scored()
        ids = alert_ids(service)
    with running_service(place, f"{namespace}-calm", logs, settings) as calm:
        calm.start("consume")
        calm.flush()
        windows = calm.ready_windows()
        alert_every_window(calm)
        calm.start("detect")
        calm.await_scored()
        assert alert_ids(calm) == ids
    assert len(ids) == len(windows)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_compression_of_kafka_is_read(place: Place, namespace: str, logs: str, codec: str):
    """A producer's choice never stops a consumer."""
    producer = KafkaProducer(bootstrap_servers=place.kafka, compression_type=codec)
    for each in faulty_lines():
        producer.send(logs, each.value, each.key)
    producer.flush()
    producer.close()
    with running_service(place, namespace, logs) as service:
        service.start("consume")
        service.flush()
        assert final_keys(service) == sorted(FAULTY)


def test_a_broker_that_dies_while_rekeying_costs_and_doubles_no_record(
    own_broker: ApacheKafka | EmbeddedBroker, redis_url: str, model_folder: Path, tmp_path: Path, namespace: str
):
    """Whether the last transaction was committed is Kafka's to say, not the stage's to guess."""
    if isinstance(own_broker, EmbeddedBroker):
        pytest.skip("the embedded broker keeps its records in memory: a kill loses them")
    place = Place(own_broker.address, redis_url, model_folder, tmp_path)
    create_topics(place.kafka, {"raw": 2, "logs": 2})
    values = [f"request=k{n % 50} line {n}".encode() for n in range(20_000)]
    settings = {"LOGSCRY_KAFKA__RAW_TOPIC": "raw", "LOGSCRY_CONSUMER__POLL_RECORDS": "200"}
    produce(place.kafka, "raw", [Line(None, value) for value in values])

    with running_service(place, namespace, "logs", settings) as service:
        [stage] = service.start("rekey", "--key-pattern", r"request=(\w+)")
        wait(lambda: stage.metric("logscry_rekey_transactions_total") > 5, service.children.check)
        own_broker.kill()
        own_broker.restart()
        wait(lambda: len(read_all(place.kafka, "logs")) >= len(values), service.children.check)
        assert sorted(record.value for record in read_all(place.kafka, "logs")) == sorted(values)


@pytest.mark.one_broker
def test_an_alert_that_its_topic_does_not_take_stops_the_worker_and_is_not_lost(
    place: Place, namespace: str, logs: str
):
    """The last sentence says what to raise; once that is done, here by another topic, all alerts come."""
    small = f"small-{namespace}"
    with admin(place) as client:
        configs = {"max.message.bytes": "500"}
        wanted = {"num_partitions": 1, "replication_factor": 1, "configs": configs}
        client.create_topics({small: wanted}, wait_for_metadata=True)
    produce(place.kafka, logs, faulty_lines())
    with running_service(place, namespace, logs, {"LOGSCRY_KAFKA__ALERTS_TOPIC": small}) as service:
        service.start("consume")
        service.flush()
        worker = service.children.start("detect")
        wait(lambda: worker.process.poll() is not None)
        service.children.running.remove(worker)
        assert worker.process.returncode == 2
        assert f"topic {small} takes records of at most 500" in " ".join(worker.log_tail().split())

        service.start("detect", "--set", f"kafka.alerts_topic={service.alerts_topic}")
        service.await_scored()
        assert {alert.key.encode() for alert, _ in service.alerts()} == set(FAULTY)


def test_one_strange_record_does_not_stop_rekey(place: Place, namespace: str, topic: Callable[..., str]):
    """One that is too large with its key is a dead letter; one whose time is ahead is passed on."""
    raw, logs = topic("raw"), topic("logs", partitions=2)
    large = b"request=" + b"k" * 500 + b" " + b"x" * (1_048_576 - 700)
    ahead_ms = int(time.time() * 1000) + 30 * 60_000
    producer = KafkaProducer(bootstrap_servers=place.kafka)
    producer.send(raw, large)
    producer.send(raw, b"request=a plain", timestamp_ms=ahead_ms)
    producer.flush()
    producer.close()
    produce(place.kafka, raw, [Line(None, b"request=b plain")])

    with running_service(place, namespace, logs, {"LOGSCRY_KAFKA__RAW_TOPIC": raw}) as service:
        [stage] = service.start("rekey", "--key-pattern", r"request=(\w+)")
        wait(lambda: stage.metric("logscry_rekey_records_total") == 3, service.children.check)
        assert sorted(record.key for record in read_all(place.kafka, logs)) == [b"a", b"b"]
        assert [b'"too-long"' in record.value for record in service.dead_letters()] == [True]
