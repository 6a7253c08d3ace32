"""The dead letter: a record or window that could not be used, with the reason. Schema ``logscry.dead-letter/1``."""

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from model.errors import RecordError
from stream.text import safe_text

__all__ = ["SCHEMA", "DeadLetter", "Lost", "dead_letter_of", "json_schema"]

SCHEMA: Literal["logscry.dead-letter/1"] = "logscry.dead-letter/1"

VALUE_BYTES = 4096
"""How much of a value a dead letter keeps; the record itself stays where topic, partition and offset say."""

Detail = Annotated[
    str,
    Field(max_length=1000),
    BeforeValidator(lambda value: safe_text(value, 1000) if isinstance(value, str) else value),
]


class DeadLetter(BaseModel):
    """A record or window that could not be used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    # Named twice: as a Python name, `schema` would hide a method of pydantic's.
    schema_name: Literal["logscry.dead-letter/1"] = Field(
        default=SCHEMA, alias="schema", description="Name and version."
    )
    topic: str = Field(max_length=249, description="Kafka topic of the record.")
    partition: int = Field(ge=0, description="Its partition.")
    offset: int = Field(ge=0, description="Its offset; of a window, the offset of its last line.")
    reason: str = Field(pattern="^[a-z][a-z0-9-]{0,63}$", description="A fixed word, such as not-utf8.")
    detail: Detail = Field(description="What was found.")
    value_base64: str | None = Field(description=f"The first {VALUE_BYTES} bytes of the value; null where it was null.")
    value_bytes: int = Field(ge=0, description="The value's whole length.")
    time: datetime = Field(description="When it was given up: UTC, RFC 3339.")

    def encode(self) -> bytes:
        """Return the dead letter as UTF-8 JSON."""
        return self.model_dump_json(by_alias=True).encode()


class Lost(Protocol):
    """What cannot be used: a Kafka record, or a window under the place and bytes of its last line."""

    @property
    def topic(self) -> str:
        """Kafka topic."""

    @property
    def partition(self) -> int:
        """Its partition."""

    @property
    def offset(self) -> int:
        """Its offset."""

    @property
    def value(self) -> bytes | None:
        """Its bytes."""


def _wall_clock_ms() -> float:
    return time.time() * 1000


def dead_letter_of(record: Lost, error: RecordError, now_ms: Callable[[], float] = _wall_clock_ms) -> DeadLetter:
    """Make the dead letter of a record.

    Args:
        record: The record; kafka-python's will do.
        error: Why it cannot be used; its reason is a metric's label as well.
        now_ms: The wall clock, in milliseconds since 1970.
    """
    value = record.value
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=error.reason,
        detail=error.detail,
        value_base64=None if value is None else base64.b64encode(value[:VALUE_BYTES]).decode("ascii"),
        value_bytes=len(value or b""),
        time=datetime.fromtimestamp(now_ms() / 1000, UTC),
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the dead letter."""
    schema = DeadLetter.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:logscry:dead-letter:1",
        **schema,
    }
