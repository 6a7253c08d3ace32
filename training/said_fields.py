"""Fields that a person names and no line has: a slip of the pen that would otherwise go unseen."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from model.errors import RecordError
from model.lines.choice import FormatChoice
from model.lines.fields import field_path, value_at
from model.lines.formats import LineFormat
from model.lines.json_fields import JsonFields
from model.lines.json_records import objects_in

__all__ = ["notes_on_fields"]


def notes_on_fields(said: FormatChoice, line_format: LineFormat, lines: Iterable[bytes]) -> Iterator[str]:
    """Say which named fields are of no use for lines such as these; the usual names are looked for instead.

    Args:
        said: What a person says.
        line_format: The format that holds.
        lines: A sample of the lines; read only as far as is needed.
    """
    unseen = {option: field for option, field in _options(said) if field is not None}
    if line_format.kind != "json":
        for option, field in unseen.items():
            yield f"{option} {field} has no effect: the lines are read as {line_format.kind}."
        return
    fields, looked_at = JsonFields(line_format.message), 0
    for line in lines if unseen else ():
        looked_at += 1
        records = list(_records(line, fields))
        unseen = {option: field for option, field in unseen.items() if not _is_in(records, field)}
        if not unseen:
            return
    for option, field in unseen.items():
        yield (
            f"none of the {looked_at:,} lines looked at has the field {field} of {option}: fields of the usual names "
            "serve in its place. Is it spelt as in the lines? A field inside another is named /outer/inner."
        )


def _options(said: FormatChoice) -> tuple[tuple[str, str | None], ...]:
    return ("--message-field", said.message_field), ("--time-field", said.time_field)


def _is_in(records: Iterable[object], field: str) -> bool:
    path = field_path(field)
    return any(value_at(record, path) is not None for record in records)


def _records(line: bytes, fields: JsonFields) -> Iterator[object]:
    """The objects of a line, each also as it is once its message, an object itself, is taken apart."""
    with suppress(RecordError):
        for record in objects_in(line):
            yield record
            with suppress(RecordError):  # it has no message, which the reader tells of
                yield fields.unwrapped(record)[0]
