"""OTLP in protobuf: ``otlp_proto`` of the OpenTelemetry Collector.

The messages are those of the package opentelemetry-proto. Its decoder bounds nesting to 100, and refuses texts that are
no UTF-8.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from model.errors import RecordError
from model.lines.epochs import NO_TIME, time_of_number
from model.lines.otlp import MAX_DEPTH, Entry

__all__ = ["OtlpProto", "request_in"]

_SHOWN_BYTES = 80


def request_in(value: bytes) -> ExportLogsServiceRequest:
    """Decode a request; ``LogsData``, which the exporter writes, is the same on the wire.

    Raises:
        RecordError: It is none.
    """
    try:
        return ExportLogsServiceRequest.FromString(value)
    except DecodeError as error:
        raise RecordError(
            "bad-otlp", f"the record is no OTLP in protobuf ({error}); it begins with {value[:_SHOWN_BYTES]!r}"
        ) from error


class OtlpProto:
    """Decodes OTLP in protobuf; an ``Encoding``."""

    def may_be(self, value: bytes) -> bool:
        """Tell at a glance whether a Kafka record is worth decoding: it begins with its first field."""
        return value[:1] == b"\x0a"

    def entries(self, value: bytes) -> list[Entry]:
        """Decode the log records of a Kafka record.

        Raises:
            RecordError: It is no OTLP.
        """
        return [
            Entry(resource, scope, record)
            for group in request_in(value).resource_logs
            for resource in [group.resource]
            for scoped in group.scope_logs
            for scope in [scoped.scope]
            for record in scoped.log_records
        ]

    def text(self, record: LogRecord) -> str:
        """Give the body of a log record, empty where it is no text."""
        return record.body.string_value

    def times_ms(self, record: LogRecord) -> tuple[int, int]:
        """Give when a log record happened and when it was observed; ``NO_TIME`` for what is not stated."""
        return _time_ms(record.time_unix_nano), _time_ms(record.observed_time_unix_nano)

    def fields(self, record: LogRecord) -> dict[str, Any]:
        """Give a log record as plain values."""
        return {
            "body": _plain(record.body),
            "severityText": record.severity_text,
            "eventName": record.event_name,
            "traceId": record.trace_id.hex(),
            "spanId": record.span_id.hex(),
            "attributes": _plain_attributes(record.attributes),
        }

    def shared(self, entry: Entry) -> dict[str, Any]:
        """Give what a log record shares with its neighbours as plain values."""
        scope = {"name": entry.scope.name, "version": entry.scope.version}
        return {
            "scope": {name: text for name, text in scope.items() if text},
            "resource": _plain_attributes(entry.resource.attributes),
        }

    def written(self, entries: Sequence[Entry]) -> bytes:
        """Write some log records as a Kafka record of their own."""
        request = ExportLogsServiceRequest()
        last = None
        for entry in entries:
            if last is None or entry.resource is not last.resource or entry.scope is not last.scope:
                group = request.resource_logs.add()
                group.resource.CopyFrom(entry.resource)
                scoped = group.scope_logs.add()
                scoped.scope.CopyFrom(entry.scope)
            scoped.log_records.append(entry.record)
            last = entry
        return request.SerializeToString()


def _time_ms(nanoseconds: int) -> int:
    return time_of_number(nanoseconds) if nanoseconds else NO_TIME


def _plain(value: AnyValue, depth: int = 0) -> Any:  # noqa: ANN401
    """Turn an ``AnyValue`` into what it stands for."""
    kind = value.WhichOneof("value")
    if kind is None or depth > MAX_DEPTH:
        return None
    if kind == "array_value":
        return [_plain(each, depth + 1) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _plain_attributes(value.kvlist_value.values, depth + 1)
    if kind == "bytes_value":
        return value.bytes_value.decode("utf-8", "replace")
    return getattr(value, kind)


def _plain_attributes(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Any]:
    return {pair.key: _plain(pair.value, depth) for pair in pairs}
