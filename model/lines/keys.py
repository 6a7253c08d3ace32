"""Keys: whose sequence a line belongs to, found as a rule says."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from model.errors import RecordError
from model.lines.expressions import Expression
from model.lines.fields import bytes_of, field_path
from model.lines.formats import LineFormat
from model.lines.key_rule import SHARED_KEY, KeyRule
from model.lines.otlp_json import OtlpJson
from model.lines.otlp_proto import OtlpProto
from model.lines.record_parts import RecordParts, parts_of
from model.lines.records import bare_line

__all__ = ["KeyExtractor"]

#: How a record may begin whose lines do not show at a glance: with an octet count, with an array.
_COUNT = re.compile(rb"[0-9]{1,7} <")
_ARRAY = re.compile(rb"[\s\x1e\xef\xbb\xbf]*\[")
#: Of all parts of one record together.
_MOST_BYTES = 16 << 20


class KeyExtractor:
    """Finds the keys of lines.

    What it finds is never empty: an empty key is no key.

    Args:
        rule: Where the key is.
        line_format: How lines are written; None tells JSON and OTLP by their content.
    """

    def __init__(self, rule: KeyRule, line_format: LineFormat | None = None) -> None:
        self.rule = rule
        self._format = line_format
        self._paths = [field_path(field) for field in rule.fields]
        self._expression = None if rule.pattern is None else Expression(rule.pattern)
        self._keyless = SHARED_KEY if rule.without == "shared" else None
        self._in_line = self._searcher()
        self._is_compound = _compound(line_format)

    def extract(self, values: Sequence[bytes | None]) -> list[bytes | None]:
        """Find the key of each record by its value alone.

        Args:
            values: Record values, or log lines.

        Returns:
            For each value the key of the first of its lines that has one; None where none has.
        """
        return [self._keyless if value is None else self._of_value(value) or self._keyless for value in values]

    def of_lines(
        self, values: Sequence[bytes | None], records: Sequence[int], lines: Sequence[int]
    ) -> list[bytes | None]:
        """Find the key of each line that a parser found.

        Args:
            values: Record values.
            records: For each line, the index of its record.
            lines: For each line, its number in its record.

        Returns:
            A key for each line, None where there is none.
        """
        if not any(lines):
            return self.extract([values[record] for record in records])
        by_record = {record: self._keys(parts_of(values[record] or b"", self._format), ()) for record in set(records)}
        return [by_record[record][line] for record, line in zip(records, lines, strict=True)]

    def split(
        self, value: bytes, record_key: bytes | None = None, headers: Sequence[tuple[str, bytes | None]] = ()
    ) -> list[tuple[bytes | None, bytes]]:
        """Part a record between the keys of its lines.

        Args:
            value: The record's value.
            record_key: Its own key.
            headers: Its headers.

        Returns:
            (key, value) of each run of lines with one key, in their order: the value itself where all have the same.
            A key of None is none.

        Raises:
            RecordError: The lines belong to several keys and cannot be written apart.
        """
        if self._in_line is not None and not self._is_compound(value):
            return [(self._in_line(bare_line(value)) or self._keyless, value)]
        parts = parts_of(value, self._format)
        keys = self._keys(parts, self._of_record(record_key, dict(headers))) or [self._keyless]
        runs = [(key, [number for number, _ in run]) for key, run in groupby(enumerate(keys), key=lambda each: each[1])]
        if len(runs) == 1:
            return [(keys[0], value)]
        return self._written(parts, runs)

    def _written(
        self, parts: RecordParts, runs: Sequence[tuple[bytes | None, list[int]]]
    ) -> list[tuple[bytes | None, bytes]]:
        written: list[tuple[bytes | None, bytes]] = []
        size = 0
        for key, numbers in runs:
            written.append((key, parts.value(numbers[0], numbers[-1] + 1)))
            size += len(written[-1][1])
            if size > _MOST_BYTES:  # each part repeats what its lines share
                raise RecordError(
                    "too-long", f"parted between {len(runs)} runs of lines, it exceeds {_MOST_BYTES} bytes"
                )
        return written

    def _of_record(self, record_key: bytes | None, headers: dict[str, bytes | None]) -> tuple[bytes, ...]:
        own = (record_key or b"",) if self.rule.record_key else ()
        return (*own, *(headers.get(name) or b"" for name in self.rule.headers))

    def _keys(self, parts: RecordParts, of_record: tuple[bytes, ...]) -> list[bytes | None]:
        numbers = range(len(parts))
        keys = [None if parts.is_blank(number) else self._key(parts, number, of_record) for number in numbers]
        if None in keys:
            before = next((key for key in keys if key is not None), None)
            for number in numbers:
                if keys[number] is None and (parts.goes_on(number) or parts.is_blank(number)):
                    keys[number] = before
                before = keys[number]
        return [key or self._keyless for key in keys]

    def _key(self, parts: RecordParts, number: int, of_record: tuple[bytes, ...]) -> bytes | None:
        found = of_record
        found += tuple(bytes_of(parts.field(number, path)) for path in self._paths)
        if self._expression is not None:
            found += self._expression.groups_in(parts.text(number))
        return b"|".join(found) if any(found) else None

    def _of_value(self, value: bytes) -> bytes | None:
        if self._in_line is not None and not self._is_compound(value):
            return self._in_line(bare_line(value))
        keys = self._keys(parts_of(value, self._format), self._of_record(None, {}))
        return next((key for key in keys if key is not None), None)

    def _searcher(self) -> Callable[[bytes], bytes | None] | None:
        """The short way: an expression alone is searched in a value that is one line, where that is not OTLP."""
        alone = not (self.rule.record_key or self.rule.headers or self._paths)
        if self._expression is None or not alone or (self._format is not None and self._format.kind.startswith("otlp")):
            return None
        return self._expression.searcher()


def _compound(line_format: LineFormat | None) -> Callable[[bytes], bool]:
    """Give what tells whether a value must be taken apart before its lines are known: it may say so needlessly."""
    if line_format is None:
        json, proto = OtlpJson().may_be, OtlpProto().may_be
        return lambda value: (
            b"\n" in value or json(value) or proto(value) or bool(_COUNT.match(value) or _ARRAY.match(value))
        )
    if line_format.may_be_counted:
        return lambda value: b"\n" in value or _COUNT.match(value) is not None
    if line_format.kind == "json":
        return lambda value: b"\n" in value or _ARRAY.match(value) is not None
    return lambda value: b"\n" in value
