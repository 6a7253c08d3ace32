"""OTLP in JSON: ``otlp_json`` of the OpenTelemetry Collector."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import orjson

from model.errors import RecordError
from model.lines.epochs import NO_TIME, time_of_number
from model.lines.fields import text_of
from model.lines.json_records import objects_in
from model.lines.otlp import MAX_DEPTH, Entry

__all__ = ["OtlpJson"]

_LONGEST_NUMBER = 20
_INT64 = range(-(1 << 63), 1 << 63)


class OtlpJson:
    """Decodes OTLP in JSON; an ``Encoding``."""

    def may_be(self, value: bytes) -> bool:
        """Tell at a glance whether a Kafka record is worth decoding."""
        return b'"resourceLogs"' in value

    def entries(self, value: bytes) -> list[Entry]:
        """Decode the log records of a Kafka record; of several objects in it, one after the other.

        Raises:
            RecordError: It is no JSON, or no OTLP.
        """
        return [
            Entry(resource, scope, record)
            for each in objects_in(value)
            for group in _objects(each, "resourceLogs", required=True)
            for resource in [_object(group, "resource")]
            for scoped in _objects(group, "scopeLogs")
            for scope in [_object(scoped, "scope")]
            for record in _objects(scoped, "logRecords")
        ]

    def text(self, record: dict[str, Any]) -> str:
        """Give the body of a log record, empty where it is no text."""
        body = record.get("body")
        text = body.get("stringValue") if isinstance(body, dict) else None
        return text if isinstance(text, str) else ""

    def times_ms(self, record: dict[str, Any]) -> tuple[int, int]:
        """Give when a log record happened and when it was observed; ``NO_TIME`` for what is not stated."""
        return _time_ms(record.get("timeUnixNano")), _time_ms(record.get("observedTimeUnixNano"))

    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """Give a log record as plain values."""
        named = {name: text_of(record.get(name)) for name in ("severityText", "eventName", "traceId", "spanId")}
        return {
            "body": _plain(record.get("body")),
            **named,
            "attributes": _plain_attributes(record.get("attributes")),
        }

    def shared(self, entry: Entry) -> dict[str, Any]:
        """Give what a log record shares with its neighbours as plain values."""
        scope = {name: entry.scope[name] for name in ("name", "version") if name in entry.scope}
        return {"scope": scope, "resource": _plain_attributes(entry.resource.get("attributes"))}

    def written(self, entries: Sequence[Entry]) -> bytes:
        """Write some log records as a Kafka record of their own.

        Raises:
            RecordError: They are nested too deeply to be written again.
        """
        groups: list[dict[str, Any]] = []
        last = None
        for entry in entries:
            if last is None or entry.resource is not last.resource or entry.scope is not last.scope:
                scoped: dict[str, Any] = {"scope": entry.scope, "logRecords": []}
                groups.append({"resource": entry.resource, "scopeLogs": [scoped]})
            scoped["logRecords"].append(entry.record)
            last = entry
        try:
            return orjson.dumps({"resourceLogs": groups})
        except orjson.JSONEncodeError as error:
            raise RecordError("bad-otlp", f"the log records cannot be written again: {error}") from error


def _objects(parent: dict[str, Any], name: str, *, required: bool = False) -> list[dict[str, Any]]:
    found = parent.get(name)
    if found is None and not required:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise RecordError("bad-otlp", f"{name} is no list of objects")
    return found


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _time_ms(value: object) -> int:
    """Read nanoseconds, which are text in JSON; 0 stands for a time that is not known."""
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= _LONGEST_NUMBER:
        value = int(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or value == 0:
        return NO_TIME
    return time_of_number(value)


def _plain(value: object, depth: int = 0) -> Any:  # noqa: ANN401
    """Turn an ``AnyValue`` into what it stands for."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return None
    for name in ("stringValue", "boolValue", "doubleValue"):
        if name in value:
            return value[name]
    if "intValue" in value:
        return _whole(value["intValue"])
    if "bytesValue" in value:
        return _decoded(value["bytesValue"])
    if "arrayValue" in value:
        return [_plain(each, depth + 1) for each in _values(value["arrayValue"])]
    return _plain_attributes(_values(value["kvlistValue"]), depth + 1) if "kvlistValue" in value else None


def _plain_attributes(value: object, depth: int = 0) -> dict[str, Any]:
    pairs = value if isinstance(value, list) else []
    return {
        each["key"]: _plain(each.get("value"), depth)
        for each in pairs
        if isinstance(each, dict) and isinstance(each.get("key"), str)
    }


def _values(value: object) -> list[Any]:
    found = value.get("values") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _whole(value: object) -> object:
    """Read a number, which is text in JSON; what does not fit into 64 bits stays text."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            number = int(value)
        except ValueError:
            return value
        return number if number in _INT64 else value
    return value


def _decoded(value: object) -> str:
    try:
        return b64decode(value if isinstance(value, str) else "", validate=True).decode("utf-8", "replace")
    except ValueError:
        return text_of(value)
