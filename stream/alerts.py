"""The alert: one JSON value of schema ``logscry.alert/1``, described for people in ``docs/alerts.md``.

Whoever reads alerts shall survive them: every text is bounded in length and holds nothing that does not print, and an
alert fits into the largest record that Kafka takes as it comes installed (1 MiB). Within ``/1`` fields may be added,
never removed or given another meaning.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, NamedTuple

from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, WithJsonSchema

from model.errors import RecordError
from stream.text import safe_text

__all__ = [
    "MAX_EVENTS",
    "MAX_LINES",
    "SCHEMA",
    "Alert",
    "AlertEvent",
    "AlertLine",
    "AlertSource",
    "AlertWindow",
    "Expected",
    "Place",
    "alert_id",
    "cloud_event_headers",
    "decode_alert",
    "encode_alert",
    "fingerprint_of",
    "json_schema",
    "time_of",
]

SCHEMA: Literal["logscry.alert/1"] = "logscry.alert/1"

_URN = "urn:logscry:alert:1"

MAX_LINES = 100
"""The most raw lines of an alert: its window's last."""

MAX_EVENTS = 10
"""The most surprising events of an alert."""

_LATEST = datetime.max.replace(microsecond=0, tzinfo=UTC)


def _cut(limit: int) -> BeforeValidator:
    return BeforeValidator(lambda value: safe_text(value, limit) if isinstance(value, str) else value)


Name = Annotated[str, Field(max_length=512), _cut(512)]
Key = Annotated[str, Field(max_length=1024), _cut(1024)]
Text = Annotated[str, Field(max_length=1000), _cut(1000)]
EventId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
Time = Annotated[
    datetime,
    PlainSerializer(lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="ignore")


class Place(_Part):
    """Where a log line stands in its partition."""

    offset: int = Field(ge=0, description="Offset of the Kafka record.")
    line: int = Field(ge=0, description="Line within the record, from 0.")

    @classmethod
    def of(cls, place: int) -> "Place":
        """Unpack ``offset << 16 | line``."""
        return cls(offset=place >> 16, line=place & 0xFFFF)


class Expected(_Part):
    """An event that the model expected."""

    text: Text = Field(description="Its template.")
    probability: float = Field(ge=0, le=1, description="How likely the model found it there.")


class AlertEvent(_Part):
    """A surprising event of the window."""

    index: int = Field(description="Which event of the window, from 0; -1: the session's start, size: its end.")
    place: Place | None = Field(description="Its log line; null for the session's start or end.")
    event_id: EventId | None = Field(description="Its event ID; null for the session's start or end.")
    text: Text = Field(description="Its template: the message with its variables masked.")
    surprisal: float = Field(description="Negative log-likelihood given the rest of the window, in nats.")
    rank: int = Field(ge=1, description="Its place among all events by likelihood; 1 is the likeliest.")
    expected: tuple[Expected, ...] = Field(max_length=5, description="What was likelier, likeliest first.")


class AlertLine(_Part):
    """A raw line of the window."""

    offset: int = Field(ge=0, description="Offset of the Kafka record.")
    line: int = Field(ge=0, description="Line within the record, from 0.")
    text: Text = Field(description="The line as it came; what does not print is escaped, what is too long is cut.")


class AlertWindow(_Part):
    """Which events were judged."""

    topic: Name = Field(description="Kafka topic of the lines.")
    partition: int = Field(ge=0, description="Its partition.")
    first: Place = Field(description="The window's first line.")
    last: Place = Field(description="The window's last line.")
    size: int = Field(ge=1, description="Events in the window.")
    session_events: int = Field(ge=1, description="Events of the session when the window was cut.")
    starts_session: bool = Field(description="Whether the window holds the session's first event.")
    final: bool = Field(description="Whether the session has ended.")
    fingerprint: str = Field(
        pattern="^[0-9a-f]{16}$",
        description="The same for windows with the same events in the same order and the same marks of start and end.",
    )
    start_time: Time = Field(description="Effective time of the first event: UTC, RFC 3339.")
    end_time: Time = Field(description="Effective time of the last event: UTC, RFC 3339.")


class Alert(_Part):
    """An anomalous window with the reasons."""

    # Named twice: as a Python name, `schema` would hide a method of pydantic's.
    schema_name: Literal["logscry.alert/1"] = Field(default=SCHEMA, alias="schema", description="Name and version.")
    id: str = Field(
        pattern="^[0-9a-f]{32}$", description="The same whenever this window is judged again: drop the second."
    )
    kind: str = Field(
        pattern="^[a-z][a-z-]{0,63}$", description="What is wrong: sequence, novel-event, …; more may be added."
    )
    key: Key = Field(description="Whose lines; the record's Kafka key holds the exact bytes.")
    score: float = Field(description="How anomalous, in nats; higher is more.")
    percentile: float = Field(ge=0, le=100, description="Percent of held-out normal windows that score no higher.")
    threshold: float = Field(description="The score above which alerts are published.")
    model_version: Name = Field(description="The model that judged.")
    window: AlertWindow = Field(description="What was judged.")
    events: tuple[AlertEvent, ...] = Field(
        max_length=MAX_EVENTS, description="The surprising events, most surprising first."
    )
    summary: Text = Field(description="The reason in one sentence.")
    lines: tuple[AlertLine, ...] | None = Field(
        default=None, max_length=MAX_LINES, description="The window's raw lines, where the settings allow them."
    )


class AlertSource(NamedTuple):
    """What makes an alert the same alert.

    Attributes:
        topic: Kafka topic.
        partition: Its partition.
        key: The window's key.
        first: Place of the window's first line.
        last: Place of its last line.
        session_events: Events of the session when the window was cut.
        final: Whether the session has ended.
    """

    topic: str
    partition: int
    key: bytes
    first: int
    last: int
    session_events: int
    final: bool


def alert_id(source: AlertSource) -> str:
    """Return 32 hex digits that depend on the source alone."""
    topic = source.topic.encode()
    numbers = (source.partition, source.first, source.last, source.session_events, int(source.final))
    # Lengths first: no two sources give the same bytes.
    parts = [len(topic).to_bytes(8, "big"), topic, len(source.key).to_bytes(8, "big"), source.key]
    return blake2b(b"".join([*parts, *(each.to_bytes(16, "big") for each in numbers)]), digest_size=16).hexdigest()


def fingerprint_of(event_ids: bytes, *, starts_session: bool, final: bool) -> str:
    """Return 16 hex digits that depend on a window's content alone, wherever it came from.

    Args:
        event_ids: Eight bytes each, oldest first.
        starts_session: Whether the first event is its session's first.
        final: Whether the session has ended.
    """
    marks = int(starts_session) + 2 * int(final)
    return blake2b(event_ids + bytes([marks]), digest_size=8).hexdigest()


def time_of(time_ms: int) -> datetime:
    """Turn milliseconds since 1970 into a time, the latest one that there is where a clock was far off."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return _LATEST


def encode_alert(alert: Alert) -> bytes:
    """Return the alert as UTF-8 JSON."""
    return alert.model_dump_json(by_alias=True).encode()


def decode_alert(value: bytes) -> Alert:
    """Read an alert.

    Raises:
        RecordError: The value is no alert of this schema.
    """
    try:
        return Alert.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the value"
        raise RecordError("no-alert", f"{where}: {first['msg']}") from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the alert."""
    schema = Alert.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _URN,
        **schema,
    }


def cloud_event_headers(alert: Alert) -> list[tuple[str, bytes]]:
    """Return the Kafka headers that make the record a CloudEvent 1.0 in binary mode.

    Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2.
    """
    attributes: dict[str, Any] = {
        "id": alert.id,
        "source": f"/logscry/{alert.window.topic}/{alert.window.partition}",
        "type": SCHEMA.replace("/", ".v"),
        "subject": alert.key or "-",
        "time": alert.window.end_time,
        "datacontenttype": "application/json",
        "dataschema": _URN,
    }
    return list(to_binary(CloudEvent(attributes), JSONFormat()).headers.items())
