"""What may be the key in a sample's lines: fields, the words of a header, expressions; each with its keys."""

from collections import Counter
from collections.abc import Iterator

from model.lines.fields import bytes_of
from model.lines.key_rule import KeyRule
from model.lines.record_parts import parts_of
from training.inspection.coding import numbered
from training.inspection.columns import Columns
from training.inspection.key_candidates import Column, KeyCandidate
from training.inspection.key_expressions import key_expressions
from training.inspection.key_names import is_no_key, usual_rank

__all__ = ["key_columns"]

_MOST_FIELDS = 40
#: So many lines, spread over the sample, are searched for fields and forms of identifiers.
_SEARCHED_LINES = 3_000
#: A process or a thread is one of its host or program.
_PLACES, _PARTS = ("host", "hostname", "app", "service"), ("pid", "thread")


def key_columns(columns: Columns) -> Iterator[tuple[KeyCandidate, Column]]:
    """Yield the candidates of a sample, each with the key of each line; of those that cut alike, the most usual."""
    seen = set()
    for rule, column in _all_columns(columns):
        cut = hash(tuple(numbered(column)))
        if cut not in seen:
            seen.add(cut)
            yield KeyCandidate(rule, usual_rank(rule.pattern or " ".join(rule.fields))), column


def _all_columns(columns: Columns) -> Iterator[tuple[KeyRule, Column]]:
    fields = _field_columns(columns)
    for name in sorted(fields, key=usual_rank):
        yield KeyRule(fields=(name,)), fields[name]
    for place, part in ((place, part) for place in _PLACES for part in _PARTS if place in fields and part in fields):
        pairs = zip(fields[place], fields[part], strict=True)
        yield KeyRule(fields=(place, part)), [b"|".join((a or b"", b or b"")) if a or b else None for a, b in pairs]
    expressions = key_expressions(columns.values[:: _step(columns)])
    for expression in sorted(expressions, key=usual_rank):
        rule = KeyRule(pattern=expression)
        yield rule, columns.keys(rule)


def _field_columns(columns: Columns) -> dict[str, Column]:
    """The values of fields that may be keys: texts and whole numbers that are neither message, time nor level."""
    places = range(0, len(columns.values), _step(columns))
    counts = Counter(name for place in places for name, value in _fields(columns, place).items() if _may_be(value))
    stated = {columns.line_format.message, columns.line_format.time, columns.line_format.level}
    allowed = [name for name, _ in counts.most_common() if not is_no_key(name) and name not in stated]
    found: dict[str, list[bytes | None]] = {name: [] for name in sorted(allowed, key=usual_rank)[:_MOST_FIELDS]}
    for place in range(len(columns.values) if found else 0):
        said = _fields(columns, place)
        for name, column in found.items():
            column.append(bytes_of(said.get(name)) or None)
    return {**found}


def _fields(columns: Columns, place: int) -> dict[str, object]:
    return parts_of(columns.values[place], columns.line_format).fields(columns.numbers[place])


def _may_be(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _step(columns: Columns) -> int:
    return max(1, len(columns.values) // _SEARCHED_LINES)
