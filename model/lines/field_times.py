"""Times in fields of JSON records: numbers, and texts in any of the usual styles."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo

from model.lines.epochs import LATEST_MS, NO_TIME, time_of_number
from model.lines.times import STYLES, Clock

__all__ = ["FieldClock"]

#: Tried one after the other.
_STYLES = (
    "iso",
    "iso-basic",
    "day-month",
    "ctime",
    "slashes",
    "hdfs",
    "dashed",
    "month-day-precise",
    "logcat",
    "dotted",
)
_LONGEST_TEXT = 64
_REMEMBERED = 50_000
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,9})?", re.ASCII)
#: The length of 2024-01-02T03:04:05.
_HEAD = 19
_REST = re.compile(r"(?:[.,](\d{1,20}))?(?:Z| ?([+-])(\d\d):?(\d\d))", re.ASCII)


class FieldClock:
    """Reads times of fields, and remembers: most lines of a batch share their second with the line before.

    Args:
        zone: Where times are meant that state no zone.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._clocks = [Clock(replace(STYLES[name], before=b""), zone) for name in _STYLES]
        self._utc = Clock(replace(STYLES["iso"], before=b""))
        self._seconds: dict[str, int] = {}
        self._rests: dict[str, int] = {}

    def times(self, values: Sequence[object], references_ms: Sequence[int] | None = None) -> list[int]:
        """Read the time of each value.

        Args:
            values: Values of a JSON field.
            references_ms: A time near each value's own, for texts without a year.

        Returns:
            Milliseconds since 1970 (UTC), ``NO_TIME`` where a value is none that can be read.
        """
        if max(len(self._seconds), len(self._rests)) > _REMEMBERED:
            self._seconds.clear()
            self._rests.clear()
        quick = self._quick
        found = [quick(value) if type(value) is str else _of_number(value) for value in values]
        if None not in found:
            return found  # type: ignore[return-value]
        references = references_ms or [NO_TIME] * len(values)
        each = zip(found, values, references, strict=True)
        return [self._of_text(str(value), reference) if time is None else time for time, value, reference in each]

    def time(self, value: object) -> int:
        """Read the time of one value."""
        return self.times([value])[0]

    def _quick(self, text: str) -> int | None:
        """Read what nearly all shippers write, such as ``2024-01-02T03:04:05.678Z``; None for any other text."""
        second = self._seconds.get(text[:_HEAD])
        if second is None:
            second = self._second(text[:_HEAD])
        rest = self._rests.get(text[_HEAD:])
        if rest is None:
            rest = self._rest(text[_HEAD:])
        if second is None or rest is None or not 0 <= second + rest <= LATEST_MS:
            return None
        return second + rest

    def _second(self, head: str) -> int | None:
        [second] = self._utc.times([head.encode("utf-8", "replace")])
        if second == NO_TIME:
            return None
        self._seconds[head] = second
        return second

    def _rest(self, rest: str) -> int | None:
        """Read what follows the seconds, fraction and zone, as milliseconds to add."""
        match = _REST.fullmatch(rest)
        if match is None:
            return None
        offset_ms = 0 if match[2] is None else (int(match[3]) * 60 + int(match[4])) * 60_000
        found = int(((match[1] or "") + "000")[:3]) + (offset_ms if match[2] == "-" else -offset_ms)
        self._rests[rest] = found
        return found

    def _of_text(self, text: str, reference_ms: int) -> int:
        if len(text) > _LONGEST_TEXT:
            return NO_TIME
        if _NUMBER.fullmatch(text):
            return time_of_number(float(text) if "." in text else int(text))
        line = text.encode("utf-8", "replace")
        for clock in self._clocks:
            [found] = clock.times([line], [reference_ms])
            if found != NO_TIME:
                return found
        return NO_TIME


def _of_number(value: object) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return time_of_number(value)
    return NO_TIME
