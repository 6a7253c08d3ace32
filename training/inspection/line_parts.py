"""What is what in a line: its time, level, key, variables, the rest of its header, its message."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import orjson

from model.errors import RecordError
from model.events.masking import mask
from model.events.shapes import shape
from model.lines.fields import field_path, text_of, value_at
from model.lines.formats import LineFormat
from model.lines.json_fields import JsonFields
from model.lines.json_records import objects_in
from model.lines.key_rule import KeyRule
from model.lines.names import LEVEL_FIELDS, TIME_FIELDS

__all__ = ["KINDS", "Kind", "Part", "line_parts"]

Kind = Literal["header", "time", "level", "key", "variable", "message"]
#: Where parts lie over each other, the later kind is what is shown.
KINDS: tuple[Kind, ...] = ("header", "message", "variable", "time", "level", "key")

_WILDCARD = "<*>"
_WORD = re.compile(rb"\S+")


class Part(NamedTuple):
    """A stretch of a line.

    Attributes:
        kind: What it is.
        text: Its bytes.
    """

    kind: Kind
    text: bytes

    def to_json(self) -> dict[str, str]:
        """Kind and text."""
        return {"kind": self.kind, "text": self.text.decode("utf-8", "backslashreplace")}


class _Span(NamedTuple):
    kind: Kind
    start: int
    stop: int


def line_parts(
    line: bytes, line_format: LineFormat, template: str | None, found: tuple[KeyRule, bytes | None]
) -> list[Part]:
    """Take a line apart.

    Args:
        line: A line of a file.
        line_format: How it is written.
        template: The text of its template, None where it is not known.
        found: How its key is found, and the key; None where it has none.

    Returns:
        Parts that together are the line.
    """
    spans = list(_of_json(line, line_format) if line_format.kind == "json" else _of_text(line, line_format))
    spans += [variable for span in spans if span.kind == "message" for variable in _variables(line, span, template)]
    spans += _of_key(line, line_format, *found)
    return list(_flattened(line, spans))


def _of_key(line: bytes, line_format: LineFormat, rule: KeyRule, key: bytes | None) -> Iterator[_Span]:
    words = line_format.text_header.spans(line) if line_format.kind == "text" else {}
    for name in rule.fields:
        if name in words:
            yield _Span("key", *words[name])
    for piece in (key or b"").split(b"|") if not words or rule.pattern else ():
        match = re.search(rb"(?<![A-Za-z0-9])" + re.escape(piece) + rb"(?![A-Za-z0-9])", line) if piece else None
        if match:
            yield _Span("key", *match.span())


def _of_text(line: bytes, line_format: LineFormat) -> Iterator[_Span]:
    for name, (start, stop) in line_format.text_header.spans(line).items():
        yield _Span(_kind_named(name), start, stop)
    if not line_format.text_header.spans(line):
        yield _Span("message", 0, len(line))


def _kind_named(name: str) -> Kind:
    plain = name.lower()
    if plain in {"message", "level"}:
        return "message" if plain == "message" else "level"
    return "time" if plain in {"time", "date", "year", "month", "day", "timestamp", "datetime", "epoch"} else "header"


def _of_json(line: bytes, line_format: LineFormat) -> Iterator[_Span]:
    try:
        record, text = JsonFields(line_format.message).unwrapped(objects_in(line)[0])
    except (RecordError, IndexError):
        return
    named: tuple[tuple[Kind, tuple[str | None, ...]], ...] = (
        ("time", (line_format.time, *TIME_FIELDS)),
        ("level", (line_format.level, *LEVEL_FIELDS)),
    )
    yield from _found(line, "message", text)
    for kind, names in named:
        values = (value_at(record, field_path(name)) for name in names if name)
        yield from _found(line, kind, next((value for value in values if value is not None), None))


def _found(line: bytes, kind: Kind, value: Any) -> Iterator[_Span]:  # noqa: ANN401 -- any JSON value
    """Where a value stands in the text of its object: as JSON writes it, without the quotes."""
    written = orjson.dumps(value)[1:-1] if isinstance(value, str) else text_of(value).encode()
    start = line.find(written) if written else -1
    if start >= 0:
        yield _Span(kind, start, start + len(written))


def _variables(line: bytes, message: _Span, template: str | None) -> Iterator[_Span]:
    """The words that are masked; where the template has as many words, those that vary in it."""
    words = list(_WORD.finditer(line, message.start, message.stop))
    of_template = (template or "").split()
    for place, word in enumerate(words):
        masked = mask(shape(word[0])).decode("utf-8", "replace")
        if len(of_template) == len(words):
            masked = of_template[place]
        if _WILDCARD in masked:
            before, _, rest = masked.partition(_WILDCARD)
            after = rest.rpartition(_WILDCARD)[2]
            start, stop = word.start() + len(before.encode()), word.end() - len(after.encode())
            yield _Span("variable", *((start, stop) if start < stop else word.span()))


def _flattened(line: bytes, spans: list[_Span]) -> Iterator[Part]:
    """Parts without overlap: a sweep over the borders that counts what lies over each stretch."""
    changes: defaultdict[int, Counter[Kind]] = defaultdict(Counter)
    for span in spans:
        changes[span.start][span.kind] += 1
        changes[span.stop][span.kind] -= 1
    over: Counter[Kind] = Counter()
    begin, kind = 0, KINDS[0]
    for place in sorted(changes):
        over.update(changes[place])
        after = max((each for each in over if over[each] > 0), key=KINDS.index, default=KINDS[0])
        if after != kind:
            if begin < place:
                yield Part(kind, line[begin:place])
            begin, kind = place, after
    if begin < len(line):
        yield Part(kind, line[begin:])
