"""Whatever a producer writes, each record is applied or becomes a dead letter, and its neighbours stay as they are.

The table is `tests/bad_records.py`; docs/bad-input.md says it for people.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from redis import Redis

from deploy.embedded.broker import Broker
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.parser import LineParser
from stream.consumers.records import RecordReader
from stream.live_settings import LiveSettingsStore
from stream.live_values import LiveSettings
from tests.bad_records import JSON, KEYS, LINE, NO_KEY, NOW_MS, NOW_TEXT, PLAIN, TEXT, Bad
from tests.integration.consumers import applied, group_member, settings_of, store_of, turn_until
from tests.raw_batches import CODECS, Raw, batch_of, produce_batch, with_bad_header_name
from tests.service import Place, Service, read_all, running_service
from tests.toy_model import toy_artefact

pytestmark = pytest.mark.stack

STREAMS = {
    "text": (LineFormat("text", header="iso-level"), f"{NOW_TEXT} INFO all is well".encode(), [*TEXT, *KEYS]),
    "json": (
        LineFormat("json", message="message", time="time"),
        b'{"message": "all is well", "time": "%s"}' % NOW_TEXT.encode(),
        JSON,
    ),
    "plain": (LineFormat(), b"all is well", PLAIN),
}
#: Every line of a session is in its final window's count; few windows are cut before.
RULE = {"window_size": 512, "window_hop": 512, "session_gap_ms": 24 * 3600 * 1000}


def write(address: str, topic: str, bad: Bad) -> None:
    """Write a record, in a batch of its own, as its producer would."""
    key = None if bad.key == NO_KEY else key_of(bad)
    batch = batch_of([Raw(bad.value, key, bad.headers, bad.timestamp_ms)], bad.codec)
    if bad.bad_header_name:
        batch = with_bad_header_name(batch, bad.headers[0][0].encode())
    assert produce_batch(address, topic, batch) == "NoError"


def key_of(bad: Bad) -> bytes:
    """Whose session its lines are in."""
    return bad.name.encode() if bad.key is None else bad.key


def new_topic(broker: Broker, name: str, configs: dict[str, str]) -> str:
    """A topic of one partition with settings."""
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        topic = {"num_partitions": 1, "replication_factor": 1, "configs": configs}
        admin.create_topics({name: topic}, wait_for_metadata=True)
    return name


def reading_model(place: Place, line_format: LineFormat, folder: Path) -> Place:
    """The toy model for lines of another format."""
    replace(toy_artefact(), line_format=line_format).save(folder)
    return replace(place, model=folder)


def settle(service: Service) -> dict[bytes, int]:
    """Consume to the end and end all sessions; the number of lines of each."""
    [consumer] = service.start("consume")
    service.flush()
    assert consumer.process.poll() is None
    finals = [window for window in service.ready_windows() if window.final]
    return {window.key: window.session_events for window in finals}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_record_is_applied_or_a_dead_letter(
    broker: Broker, place: Place, namespace: str, tmp_path: Path, stream: str
):
    """One topic with all kinds, a good line in another codec before each: none stops it, none is passed over."""
    line_format, good, table = STREAMS[stream]
    logs = new_topic(broker, f"bad-{namespace}", {"message.timestamp.after.max.ms": str((1 << 63) - 1)})
    place = reading_model(place, line_format, tmp_path / "reading")
    for number, bad in enumerate(table):
        write(broker.address, logs, Bad("good", good, 1, codec=list(CODECS)[number % len(CODECS)]))
        write(broker.address, logs, bad)
    write(broker.address, logs, Bad("good", good, 1))

    with running_service(place, namespace, logs) as service:
        LiveSettingsStore(service.redis, namespace).seed(LiveSettings(**RULE, threshold=1.0))
        sessions = settle(service)
        times = {event.time_ms for window in service.ready_windows() for event in window.events()}
        letters = [json.loads(record.value) for record in service.dead_letters()]
        [consumer] = service.children.running
        fallbacks = consumer.metric("logscry_consumer_time_fallbacks_total")
        late = consumer.metric("logscry_consumer_late_events_total")

    applied = {key_of(bad): bad.becomes for bad in table if isinstance(bad.becomes, int)}
    assert [(letter["offset"], letter["reason"]) for letter in letters] == [
        (2 * number + 1, bad.becomes) for number, bad in enumerate(table) if isinstance(bad.becomes, str)
    ]
    assert sessions == {**applied, b"good": len(table) + 1}
    assert times == {NOW_MS}
    assert fallbacks == (lines(table, "none") if line_format.has_time else sum(sessions.values()))
    assert late == lines(table, "late")


def lines(table: Sequence[Bad], time: str) -> int:
    """How many applied lines have such a time."""
    return sum(bad.becomes for bad in table if isinstance(bad.becomes, int) and bad.time == time)


def test_only_committed_transactions_count(broker: Broker, place: Place, namespace: str, topic: Callable[..., str]):
    """Of a transaction that was aborted nothing is applied, and reading goes on behind it."""
    logs = topic("logs")
    producer = KafkaProducer(bootstrap_servers=broker.address, transactional_id=namespace, metrics_enabled=False)
    producer.init_transactions()
    for key in (b"committed", b"aborted", b"after"):
        producer.begin_transaction()
        producer.send(logs, LINE, key)
        producer.flush()
        producer.abort_transaction() if key == b"aborted" else producer.commit_transaction()
    producer.close()
    with running_service(place, namespace, logs) as service:
        sessions = settle(service)

    seen = {b"aborted": 1} if broker.name == "embedded" else {}  # a known fault of the embedded broker
    assert sessions == {b"committed": 1, b"after": 1, **seen}


def test_kafkas_own_time_is_used_where_it_stamps_the_records(
    broker: Broker, place: Place, namespace: str, tmp_path: Path
):
    """A topic with LogAppendTime and lines without times: what the producer says is of no account."""
    if broker.name == "embedded":
        pytest.skip("the embedded broker has no LogAppendTime")
    logs = new_topic(broker, f"stamped-{namespace}", {"message.timestamp.type": "LogAppendTime"})
    place = reading_model(place, LineFormat(), tmp_path / "reading")
    write(broker.address, logs, Bad("of 1970, it says", b"plain", 1, timestamp_ms=1))
    [record] = read_all(broker.address, logs)
    with running_service(place, namespace, logs) as service:
        settle(service)
        [event] = {event for window in service.ready_windows() for event in window.events()}

    assert event.time_ms == record.timestamp > NOW_MS


def test_a_line_ahead_of_kafkas_own_time_is_so_whenever_it_is_read(broker: Broker, redis_client: Redis, namespace: str):
    """One log on a topic with LogAppendTime, read by a service at once and by one three hours later."""
    if broker.name == "embedded":
        pytest.skip("the embedded broker has no LogAppendTime")
    logs = new_topic(broker, f"ahead-{namespace}", {"message.timestamp.type": "LogAppendTime"})
    for hours in (0, 2, 0):
        stated = datetime.now(UTC) + timedelta(hours=hours)
        value = b'{"message": "seat 5 taken", "time": "%s"}' % stated.isoformat().encode()
        write(broker.address, logs, Bad("ahead", value, 1))
    stream_times = [stream_time_of(broker, redis_client, f"{namespace}-{hours}", logs, hours=hours) for hours in (0, 3)]

    records = read_all(broker.address, logs)
    assert stream_times[0] == stream_times[1] <= records[-1].timestamp


def stream_time_of(broker: Broker, redis: Redis, namespace: str, logs: str, *, hours: float) -> int:
    """The stream time after the whole topic was consumed by a clock that is some hours on."""
    settings = settings_of(broker.address, namespace, logs)
    parser = LineParser(LineFormat("json", message="message", time="time"), Templates())
    reader = RecordReader(parser, now_ms=lambda: (time.time() + hours * 3600) * 1000)
    with group_member(settings, redis, reader) as consumer:
        turn_until(consumer, lambda: applied(redis, settings) == 3)
    return int(redis.hget(store_of(redis, settings).state, "stream_time") or -1)
