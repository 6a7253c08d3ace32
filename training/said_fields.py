"""Fields that a person names and no line has: a slip of the pen that would otherwise go unseen."""

from collections.abc import Iterator, Sequence

import orjson

from model.errors import RecordError
from model.lines.choice import FormatChoice
from model.lines.fields import field_path, value_at
from model.lines.formats import LineFormat
from model.lines.json_fields import JsonFields

__all__ = ["notes_on_fields"]


def notes_on_fields(said: FormatChoice, line_format: LineFormat, lines: Sequence[bytes]) -> Iterator[str]:
    """Say which named fields are of no use for lines such as these; the usual names are looked for instead.

    Args:
        said: What a person says.
        line_format: The format that holds.
        lines: A sample of the lines.
    """
    named = [(option, field) for option, field in _options(said) if field is not None]
    if line_format.kind != "json":
        for option, field in named:
            yield f"{option} {field} has no effect: the lines are read as {line_format.kind}."
        return
    fields = JsonFields(line_format.message)
    records = [record for line in lines if named for record in _records(line, fields)]
    for option, field in named:
        path = field_path(field)
        if all(value_at(record, path) is None for record in records):
            yield (
                f"none of the first {len(lines):,} lines has the field {field} of {option}: fields of the usual names "
                "serve in its place. Is it spelt as in the lines? A field inside another is named /outer/inner."
            )


def _options(said: FormatChoice) -> tuple[tuple[str, str | None], ...]:
    return ("--message-field", said.message_field), ("--time-field", said.time_field)


def _records(line: bytes, fields: JsonFields) -> Iterator[object]:
    """The object of a line, and as it is once its message, an object itself, is taken apart."""
    try:
        record = orjson.loads(line)
        yield record
        if isinstance(record, dict):
            yield fields.unwrapped(record)[0]
    except (orjson.JSONDecodeError, RecordError):
        return
