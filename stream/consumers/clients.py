"""Kafka clients made from the settings, and kafka-python's errors in our words."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    IncompatibleBrokerVersion,
    InvalidTopicError,
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LogTruncationError,
    SaslAuthenticationFailedError,
    UnsupportedCodecError,
    UnsupportedVersionError,
)

from model.errors import ConfigurationError, KafkaAwayError, StateError
from stream.consumers.tls import Connections
from stream.consumers.unreadable import tolerate_unreadable
from stream.settings import KafkaSettings

__all__ = [
    "MAX_REQUEST_BYTES",
    "abandon",
    "new_admin",
    "new_consumer",
    "new_producer",
    "poll",
    "reading_consumer",
    "translated",
]

log = structlog.get_logger()

_ABANDON_SECONDS = 1.0
_JOIN_SECONDS = 1.0

MAX_FETCH_BYTES = 1 << 20
"""Bytes of one fetch from one partition. Larger fetches make latency, not throughput."""

BATCH_BYTES = 1 << 18
"""Bytes of one batch that a producer sends, where all of its topics take as much."""

MAX_REQUEST_BYTES = 1 << 20
"""The most that a producer sends at once, so no record is larger, whatever its topic takes."""

_REFUSED = (
    SaslAuthenticationFailedError,
    AuthorizationError,
    IncompatibleBrokerVersion,
    InvalidTopicError,
    KafkaConfigurationError,
    UnsupportedCodecError,
    UnsupportedVersionError,
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn kafka-python's errors into ours.

    Args:
        doing: What was tried, for the sentence: "reading topic logs".

    Raises:
        ConfigurationError: The broker refuses the user, the topic or the version; trying again does not help.
        StateError: Kafka lost records that were read.
        KafkaAwayError: Anything else: the broker is away, busy, or electing a leader.
    """
    try:
        yield
    except LogTruncationError as exc:
        lost = ", ".join(f"{p.topic}:{p.partition}" for p in exc.divergent_offsets)
        raise StateError(
            f"Kafka has lost records of {lost} that were read before, as after an election of a replica that lagged "
            "behind: what the state counts is gone. Start it anew with: logscry reset"
        ) from exc
    except _REFUSED as exc:
        raise ConfigurationError(f"Kafka refuses {doing}: {exc}. Check the settings kafka.*.") from exc
    except KafkaError as exc:
        raise KafkaAwayError(f"{doing}: Kafka does not answer as it should: {exc!r}") from exc


def new_consumer(
    settings: KafkaSettings, group: str, poll_records: int, without_commit: str = "none"
) -> "KafkaConsumer":
    """A member of a consumer group that subscribes to nothing yet and commits only when told to.

    Args:
        settings: How to connect.
        group: The consumer group.
        poll_records: The most records of one poll.
        without_commit: Where to begin in a partition without a committed offset; "none" where that is the business of
            the state and never Kafka's.

    Raises:
        ConfigurationError, KafkaAwayError: See `translated`.
    """
    with translated(f"connecting to {settings.bootstrap_servers}"):
        consumer = _made(
            KafkaConsumer,
            group_id=group,
            auto_offset_reset=without_commit,
            enable_auto_commit=False,
            isolation_level="read_committed",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 3,
            max_poll_records=poll_records,
            max_partition_fetch_bytes=MAX_FETCH_BYTES,
            **_uncounted(settings),
        )
    return tolerate_unreadable(_creating_no_topics(consumer))


def reading_consumer(settings: KafkaSettings) -> "KafkaConsumer":
    """A consumer outside any group, for looking at offsets and single records.

    Raises:
        ConfigurationError, KafkaAwayError: See `translated`.
    """
    with translated(f"connecting to {settings.bootstrap_servers}"):
        consumer = _made(
            KafkaConsumer,
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_FETCH_BYTES,
            fetch_max_wait_ms=50,  # it looks at what is there, it does not wait for more
            **_uncounted(settings),
        )
    return tolerate_unreadable(_creating_no_topics(consumer))


def new_admin(settings: KafkaSettings) -> "KafkaAdminClient":
    """A client that looks after groups.

    Raises:
        ConfigurationError, KafkaAwayError: See `translated`.
    """
    with translated(f"connecting to {settings.bootstrap_servers}"):
        return _made(KafkaAdminClient, **_common(settings))


def new_producer(settings: KafkaSettings, most_bytes: int, transactional_id: str | None = None) -> "KafkaProducer":
    """An idempotent producer that waits for all replicas.

    Args:
        settings: How to connect.
        most_bytes: What each of its topics takes as a batch. kafka-python 3.0.12 halves a batch that a broker refuses
            for its size, over and over, and within a transaction does not come to an end with that.
        transactional_id: The name that its transactions go by; None makes it one without.

    Raises:
        ConfigurationError, KafkaAwayError: See `translated`.
    """
    with translated(f"connecting to {settings.bootstrap_servers}"):
        return _made(
            KafkaProducer,
            max_block_ms=10_000,  # its own default is a minute
            acks="all",
            linger_ms=5,
            batch_size=min(BATCH_BYTES, most_bytes),
            max_request_size=MAX_REQUEST_BYTES,
            transactional_id=transactional_id,
            transaction_timeout_ms=15_000,  # readers wait this long for a producer that died in a transaction
            **_uncounted(settings),
        )


def _creating_no_topics(consumer: "KafkaConsumer") -> "KafkaConsumer":
    """A broker creates a topic that it is asked about if it may, one that an operator has just deleted as well.

    kafka-python 3.0.12 takes the option `allow_auto_create_topics` and does not pass it on to what does the asking.
    """
    consumer._client.cluster.config["allow_auto_create_topics"] = False  # noqa: SLF001
    return consumer


def poll(consumer: "KafkaConsumer", timeout_ms: int) -> dict[TopicPartition, Sequence[Any]]:
    """Read on as a member of a group, where kafka-python 3.0.12 alone would stand still in silence.

    Where no broker answers, it reads nothing, as if there were nothing. And it joins the group within calls of its
    ``poll``: what Kafka answers between two of them is thrown away and asked for anew; where it joins once more because
    its topic has grown, it even thinks that all is done, takes no partitions, and sends no more heartbeats.

    Args:
        consumer: The member.
        timeout_ms: How long to wait for records; a little longer while the group is joined.

    Raises:
        KafkaError: Also where no broker answers for the group.
    """
    group = consumer._coordinator  # noqa: SLF001
    records = dict(consumer.poll(timeout_ms=timeout_ms))
    deadline = time.monotonic() + _JOIN_SECONDS
    while not records and group.rejoining and time.monotonic() < deadline:
        group.request_rejoin()
        records = dict(consumer.poll(timeout_ms=timeout_ms))
    if not records and consumer.assignment() and group.coordinator_id is None:
        raise CoordinatorNotAvailableError("no broker answers for the consumer group")
    return records


def abandon(producer: "KafkaProducer") -> None:
    """Close a producer at once and give up what it has not sent.

    Its own ``close`` waits for what cannot be sent; after its time-out it raises and closes nothing.
    """
    producer._sender.force_close()  # noqa: SLF001
    producer._sender.join(_ABANDON_SECONDS)  # noqa: SLF001
    try:
        producer.close(timeout=0)
    except KafkaError as exc:
        log.info("producer_not_closed", error=repr(exc))


def _made(kind: Callable[..., Any], **options: object) -> Any:  # noqa: ANN401 -- kafka-python ships no types
    """Make a client; one that finds no broker would leave its thread and its open files behind.

    Raises:
        KafkaConnectionError: No TLS handshake came to a good end; it says why.
        KafkaError: Anything else.
    """
    connections: list[Connections] = []

    def connect(**of_connection: object) -> Connections:
        connections.append(Connections(**of_connection))
        return connections[-1]

    try:
        return kind(kafka_client=connect, **options)
    except BaseException as exc:
        for connection in connections:
            connection.close()
        errors = [connection.handshake_error for connection in connections if connection.handshake_error]
        if errors and isinstance(exc, KafkaTimeoutError):
            raise KafkaConnectionError(errors[-1]) from exc
        raise


def _common(settings: KafkaSettings) -> dict[str, Any]:
    return {
        **settings.client_options(),
        "client_id": "logscry",
        "bootstrap_timeout_ms": 3_000,  # whoever calls tries again; a process that is told to stop must not hang
        "metadata_max_age_ms": 30_000,  # new partitions are seen within this time
        "reconnect_backoff_max_ms": 2_000,
    }


def _uncounted(settings: KafkaSettings) -> dict[str, Any]:
    """kafka-python's own counters cost time on every record; ours are in telemetry."""
    return {**_common(settings), "metrics_enabled": False}
