"""Topics that take less than Kafka's default, and records that are too large for them."""

import json
import threading
from collections.abc import Callable, Iterator

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import MessageSizeTooLargeError
from prometheus_client import CollectorRegistry

from deploy.embedded.broker import Broker, EmbeddedBroker
from model.errors import ConfigurationError, TransientError
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from stream.consumers.clients import MAX_REQUEST_BYTES
from stream.consumers.publisher import Publisher
from stream.consumers.rekey import Rekey, RekeyParts
from stream.consumers.sizes import (
    AGE_SECONDS,
    DEAD_LETTER_BYTES,
    Sizes,
    largest_records,
    record_bytes,
    require_room_for_dead_letters,
)
from stream.settings import KafkaSettings, Settings
from stream.telemetry import RekeyMetrics
from tests.integration.consumers import admin, settings_of
from tests.service import Line, produce, read_all, wait

pytestmark = pytest.mark.stack

LIMIT = 2_000
TooSmall = Callable[[str], str]


@pytest.fixture
def small(broker: Broker, namespace: str) -> TooSmall:
    """Create a topic that takes records of ``LIMIT`` bytes at most; the answer is its name."""

    def create(name: str) -> str:
        wanted = {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": str(LIMIT)}}
        with admin(broker.address) as client:
            client.create_topics({f"{name}-{namespace}": wanted}, wait_for_metadata=True)
        return f"{name}-{namespace}"

    return create


def set_limit(broker: Broker, topic: str, limit: int) -> None:
    """Change what a topic takes, and wait until the broker says so."""
    change = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(limit)})
    with admin(broker.address) as client:
        client.alter_configs([change])
    wait(lambda: largest_records(kafka(broker), [topic]) == {topic: limit})


def kafka(broker: Broker) -> KafkaSettings:
    """How to connect."""
    return settings_of(broker.address, "sizes", "logs").kafka


def only_apache(broker: Broker) -> None:
    """Skip where a limit is told but not kept to."""
    if isinstance(broker, EmbeddedBroker):
        pytest.skip("the embedded broker takes what is larger than its topic's limit, and changes none")


def test_the_broker_tells_how_large_records_may_be(broker: Broker, small: TooSmall, topic: Callable[..., str]):
    """Its topic's own limit, or the default: no more than a producer sends at once."""
    lower, default = small("lower"), topic()

    assert largest_records(kafka(broker), [lower, default]) == {lower: LIMIT, default: MAX_REQUEST_BYTES}


@pytest.mark.parametrize("headers", [[], [("traceparent", b"00-01"), ("", b"x" * 200)]])
def test_a_record_that_is_counted_as_fitting_fits(broker: Broker, small: TooSmall, headers: list[tuple[str, bytes]]):
    """The count is an upper bound, and close: thirty bytes more are refused."""
    only_apache(broker)
    lower, key = small("lower"), b"k" * 100
    value = b"x" * (LIMIT - record_bytes(b"", key, headers) - 1)  # the length of a long value takes a byte more
    assert record_bytes(value, key, headers) == LIMIT

    with Publisher(kafka(broker), [lower], threading.Event()) as publisher:
        publisher.send(lower, value, key, headers)
        publisher.wait()
        publisher._sizes.require = lambda *_: None  # type: ignore[method-assign] # to see what Kafka says
        publisher.send(lower, value + b"x" * 30, key, headers)
        with pytest.raises(TransientError) as refused:
            publisher.wait()
    assert isinstance(refused.value.__cause__, MessageSizeTooLargeError)


def test_what_fits_no_topic_and_cannot_be_given_up_stops_the_process(broker: Broker, small: TooSmall):
    """An alert is not tried for ever as if Kafka were away: the sentence names the topic, its limit and what to do."""
    alerts = small("alerts")
    with Publisher(kafka(broker), [alerts], threading.Event()) as publisher:
        for number in range(100):  # together more than one record may have
            publisher.send(alerts, b"{}".ljust(100), b"%d" % number)
        publisher.wait()
        with pytest.raises(ConfigurationError) as refused:
            publisher.send(alerts, b"x" * LIMIT, b"k")
    size = record_bytes(b"x" * LIMIT, b"k")
    for said in (f"takes {size} bytes", alerts, f"at most {LIMIT}", "Raise max.message.bytes"):
        assert said in str(refused.value)


def test_a_limit_that_was_raised_is_noticed(broker: Broker, small: TooSmall):
    """Nobody has to start anything anew; a limit is asked for again before it refuses what it has not for a while."""
    only_apache(broker)
    raised, now = small("raised"), 0.0
    sizes = Sizes(kafka(broker), [raised], lambda: now)
    assert sizes.excess(raised, b"x" * LIMIT) is not None

    set_limit(broker, raised, 2 * LIMIT)
    now = AGE_SECONDS + 1
    assert sizes.excess(raised, b"x" * LIMIT) is None


@pytest.mark.parametrize(("limit", "fits"), [(DEAD_LETTER_BYTES, True), (DEAD_LETTER_BYTES - 1, False)])
def test_a_dead_letters_topic_that_takes_too_little_is_refused(
    broker: Broker, namespace: str, limit: int, *, fits: bool
):
    """At the start, and not when the first dead letter is lost."""
    letters = f"letters-{namespace}"
    wanted = {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": str(limit)}}
    with admin(broker.address) as client:
        client.create_topics({letters: wanted}, wait_for_metadata=True)
    settings = settings_of(broker.address, namespace, "logs", dead_letters_topic=letters).kafka

    if fits:
        require_room_for_dead_letters(settings)
    else:
        with pytest.raises(ConfigurationError, match=rf"{letters}.*{limit}.*{DEAD_LETTER_BYTES}"):
            require_room_for_dead_letters(settings)


class Stage:
    """The rekey stage, turned by hand, from a raw topic with the default limit to a logs topic with a lower one."""

    def __init__(self, broker: Broker, settings: Settings) -> None:
        self.address, self.kafka, self.metrics = broker.address, settings.kafka, RekeyMetrics(CollectorRegistry())
        keys = KeyExtractor(KeyRule(pattern=r"request=(\w+)"))
        self._rekey = Rekey(RekeyParts(settings, keys, self.metrics, threading.Event()))
        self._rekey._consumer.subscribe([self.kafka.raw_topic])

    def pass_on(self, *values: bytes) -> None:
        """Write raw records and turn until they have been passed on; failures are waited out at once."""
        before = self.metrics.records._value.get()
        produce(self.address, self.kafka.raw_topic, [Line(None, value) for value in values])

        def passed() -> bool:
            self._rekey._loop._backoff.succeeded()
            self._rekey._loop.turn()
            return bool(self.metrics.records._value.get() == before + len(values))

        wait(passed, seconds=60)

    def keyed(self) -> list[bytes]:
        """The values in the logs topic."""
        return [record.value for record in read_all(self.address, self.kafka.logs_topic)]

    def letters(self) -> list[tuple[int, str]]:
        """Offset and reason of each dead letter."""
        letters = [json.loads(record.value) for record in read_all(self.address, self.kafka.dead_letters_topic)]
        return [(letter["offset"], letter["reason"]) for letter in letters]

    def close(self) -> None:
        """Leave the group."""
        self._rekey._drop_producer()
        self._rekey._consumer.close(autocommit=False, timeout_ms=2000)


@pytest.fixture
def stage(broker: Broker, namespace: str, topic: Callable[..., str], small: TooSmall) -> Iterator[Stage]:
    """A stage whose logs topic takes ``LIMIT`` bytes."""
    given = {"raw_topic": topic("raw"), "dead_letters_topic": topic("letters")}
    made = Stage(broker, settings_of(broker.address, namespace, small("logs"), **given))
    yield made
    made.close()


def raw(name: str, size: int = 100) -> bytes:
    """A line with a key, of a size."""
    return f"request={name} ".encode().ljust(size, b"x")


def test_a_raw_record_that_the_logs_topic_does_not_take_is_a_dead_letter(stage: Stage):
    """Its neighbours are passed on, though together they too are more than one record may have."""
    before, after = [raw(f"a{n}") for n in range(100)], [raw(f"b{n}") for n in range(100)]

    stage.pass_on(*before, raw("large", LIMIT), *after)

    assert stage.keyed() == [*before, *after]
    assert stage.letters() == [(100, "too-long")]
    assert stage.metrics.dead_letters.labels("too-long")._value.get() == 1
    assert stage.metrics.lines._value.get() == 200


def test_a_limit_that_is_lowered_while_rekey_runs_does_not_stop_it(broker: Broker, stage: Stage):
    """Kafka's refusal makes it ask for the limit again."""
    only_apache(broker)
    stage.pass_on(raw("a", LIMIT - 200))

    set_limit(broker, stage.kafka.logs_topic, LIMIT // 2)
    stage.pass_on(raw("b"), raw("c", LIMIT - 200), raw("d"))

    assert stage.keyed() == [raw("a", LIMIT - 200), raw("b"), raw("d")]
    assert stage.letters() == [(2, "too-long")]
    assert stage.metrics.aborted._value.get() >= 1
