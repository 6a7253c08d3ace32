"""Which reader reads the records of a format."""

from collections.abc import Callable, Sequence

from model.lines.formats import LineFormat
from model.lines.json_records import JsonReader
from model.lines.otlp import OtlpReader
from model.lines.otlp_json import OtlpJson
from model.lines.otlp_proto import OtlpProto
from model.lines.records import Lines, read_text

__all__ = ["Reader", "reader_of"]

#: Record values and their timestamps -> lines.
Reader = Callable[[Sequence[bytes | None], Sequence[int] | None], Lines]


def reader_of(line_format: LineFormat, max_line_bytes: int) -> Reader:
    """Give what reads records of a format.

    Args:
        line_format: How their lines are written.
        max_line_bytes: A longer line (of JSON, a longer record) makes its record an error.
    """
    if line_format.kind == "json":
        return JsonReader(line_format, max_line_bytes).read
    if line_format.kind == "text":
        return lambda values, _: read_text(values, max_line_bytes, framed=line_format.may_be_counted)
    encoding = OtlpJson() if line_format.kind == "otlp-json" else OtlpProto()
    otlp = OtlpReader(encoding, line_format, max_line_bytes)
    return lambda values, _: otlp.read(values)
