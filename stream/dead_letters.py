"""The dead letter: a record or window that could not be used, with the reason. Schema ``logscry.dead-letter/1``."""

import base64
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from model.errors import RecordError
from stream.text import safe_text

__all__ = ["SCHEMA", "DeadLetter", "dead_letter", "dead_letter_of", "encode_dead_letter", "json_schema"]

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


def dead_letter(  # noqa: PLR0913 -- a record's three coordinates are one thing
    topic: str, partition: int, offset: int, *, reason: str, detail: str, value: bytes | None, time_ms: int
) -> DeadLetter:
    """Make a dead letter.

    Args:
        topic: Where the record is.
        partition: Its partition.
        offset: Its offset; of a window, the offset of its last line.
        reason: A fixed word; it is a metric's label as well.
        detail: What was found.
        value: The value, of which the beginning is kept.
        time_ms: Now, in milliseconds since 1970.
    """
    return DeadLetter(
        topic=topic,
        partition=partition,
        offset=offset,
        reason=reason,
        detail=detail,
        value_base64=None if value is None else base64.b64encode(value[:VALUE_BYTES]).decode("ascii"),
        value_bytes=len(value or b""),
        time=datetime.fromtimestamp(time_ms / 1000, UTC),
    )


def dead_letter_of(record: Any, error: RecordError) -> DeadLetter:  # noqa: ANN401 -- kafka-python ships no types
    """Make the dead letter of a Kafka record that cannot be read, now."""
    return dead_letter(
        record.topic,
        record.partition,
        record.offset,
        reason=error.reason,
        detail=error.detail,
        value=record.value,
        time_ms=int(time.time() * 1000),
    )


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Return the dead letter as UTF-8 JSON."""
    return letter.model_dump_json(by_alias=True).encode()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the dead letter."""
    schema = DeadLetter.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:logscry:dead-letter:1",
        **schema,
    }
