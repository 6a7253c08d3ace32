"""Event times: from the timestamp of a log line to milliseconds since 1970, UTC.

A style is a regular expression whose named groups say what is what: ``Y`` ``y`` (year, of two digits), ``M`` ``b``
(month, its English name), ``D`` ``h`` ``m`` ``s``, or ``epoch``. Most lines of a batch share their second with the
line before, so what a text means is kept.

Styles without a year (syslog, klog, logcat) are completed to the time that is nearest to a reference, the record's
timestamp: a function of the log alone, so that a replay gives the same times. Without a reference the year is 2000, a
leap year: distances are right within a year.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from model.lines.epochs import LATEST_MS, NO_TIME, time_of_number
from model.lines.zones import to_utc_ms

__all__ = ["STYLES", "Clock", "Style"]

_YEARLESS = 2000
_DAY_MS = 86_400_000
_FARTHEST_MINUTES = 18 * 60
_REMEMBERED = 50_000
_SECONDS = {b"%02d" % second: 1000 * second for second in range(60)}
#: So far below zero that adding seconds to it does not make a time of it.
_BAD = -(10**15)
_MONTHS = {name: index for index, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_HALF_DAY = rb"(?: ?(?P<half>[AP])M\b)?"


@dataclass(frozen=True, slots=True)
class Style:
    """How a timestamp is written.

    Attributes:
        head: Expression for the timestamp up to its seconds, with the named groups of this module's docstring.
        before: Expression for what comes before it in its line.
        fraction: Fractions of a second may follow.
        zone: A time zone may follow; without one the clock's own holds.
        width: Bytes that the head always takes, at the beginning of its line, its last two the seconds; 0 otherwise.
    """

    head: bytes
    before: bytes = b""
    fraction: bool = False
    zone: bool = False
    width: int = 0

    def pattern(self) -> re.Pattern[bytes]:
        """Give the whole expression."""
        fraction = rb"(?:[.,:](?P<f>\d{1,9})\d*)?" if self.fraction else b"(?P<f>)"
        zone = rb"(?:(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)|[+-]\d\d)\b)?" if self.zone else b"(?P<zone>)"
        return re.compile(self.before + rb"(?P<head>" + self.head + rb")" + fraction + _HALF_DAY + zone)


_CLOCK = rb"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)"
_ISO = rb"(?P<Y>\d{4})[-/.](?P<M>\d\d)[-/.](?P<D>\d\d)[ T]" + _CLOCK
_MONTH_DAY = rb"(?P<b>[A-Z][a-z][a-z]) {1,2}(?P<D>\d{1,2}) " + _CLOCK

STYLES: dict[str, Style] = {
    "iso": Style(_ISO, before=rb"(?:\[|<\d{1,3}>)?", fraction=True, zone=True),
    "iso-basic": Style(
        rb"(?P<Y>\d{4})(?P<M>\d\d)(?P<D>\d\d)T(?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)", fraction=True, zone=True
    ),
    "ruby": Style(_ISO, before=rb"[A-Z], \[", fraction=True),
    "redis": Style(
        rb"(?P<D>\d{2}) (?P<b>[A-Z][a-z][a-z]) (?P<Y>\d{4}) " + _CLOCK, before=rb"\d{1,9}:[A-Z] ", fraction=True
    ),
    "iso-inside": Style(_ISO, before=rb"(?:\S+ ){0,2}?", fraction=True, zone=True),
    "named-iso": Style(_ISO, before=rb"(?:time|ts|timestamp)=\"?", fraction=True, zone=True),
    "hdfs": Style(rb"(?P<y>\d\d)(?P<M>\d\d)(?P<D>\d\d) (?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)", width=13),
    "slashes": Style(rb"(?P<y>\d\d)/(?P<M>\d\d)/(?P<D>\d\d) " + _CLOCK, width=17),
    "dashed": Style(rb"(?P<Y>\d{4})(?P<M>\d\d)(?P<D>\d\d)-(?P<h>\d{1,2}):(?P<m>\d{1,2}):(?P<s>\d{1,2})", fraction=True),
    "month-day": Style(_MONTH_DAY, width=15),
    "month-day-precise": Style(_MONTH_DAY, before=rb"(?:<\d{1,3}>)?", fraction=True),
    "priority-month-day": Style(_MONTH_DAY, before=rb"<\d{1,3}>"),
    "priority-iso": Style(_ISO, before=rb"<\d{1,3}>\d{1,2} ", fraction=True, zone=True),
    "logcat": Style(rb"(?P<M>\d\d)-(?P<D>\d\d) " + _CLOCK, fraction=True),
    "klog": Style(rb"(?P<M>\d\d)(?P<D>\d\d) " + _CLOCK, before=rb"[IWEF]", fraction=True),
    "dotted": Style(rb"(?P<M>\d\d)\.(?P<D>\d\d) " + _CLOCK, before=rb"\["),
    "weekday": Style(
        rb"(?P<b>[A-Z][a-z][a-z]) {1,2}(?P<D>\d{1,2}) " + _CLOCK + rb"(?:\.\d+)? (?P<Y>\d{4})",
        before=rb"\[[A-Z][a-z][a-z] ",
    ),
    "access": Style(
        rb"(?P<D>\d\d)/(?P<b>[A-Z][a-z][a-z])/(?P<Y>\d{4})[: ]" + _CLOCK,
        before=rb"\S{1,255} \S{1,255} [^\[]{1,255}\[",
        zone=True,
    ),
    "day-month": Style(
        rb"(?:[A-Z][a-z][a-z], )?(?P<D>\d{1,2})[ /-](?P<b>[A-Z][a-z][a-z])[ /-](?P<Y>\d{4})[ :]" + _CLOCK,
        fraction=True,
        zone=True,
    ),
    "ctime": Style(
        rb"(?:[A-Z][a-z][a-z] )?(?P<b>[A-Z][a-z][a-z]) {1,2}(?P<D>\d{1,2}) " + _CLOCK + rb" (?:UTC |GMT )?(?P<Y>\d{4})"
    ),
    "second-word": Style(rb"(?P<epoch>\d{1,20})", before=rb"\S+ "),
    "fifth-word": Style(rb"(?P<epoch>\d{1,20})", before=rb"(?:\S+ ){4}"),
}


class Clock:
    """Reads the times of lines in one style, and remembers.

    Args:
        style: How the lines write their time.
        zone: Where times are meant that state no zone.
    """

    def __init__(self, style: Style, zone: tzinfo = UTC) -> None:
        self._pattern = style.pattern()
        self._width = style.width
        self._zone = zone
        self._yearless = not {"Y", "y", "epoch"} & set(self._pattern.groupindex)
        self._known: dict[tuple[bytes, bytes | None, bytes | None], int] = {}
        self._minutes: dict[bytes, int] = {}

    def times(self, lines: Sequence[bytes], references_ms: Sequence[int] | None = None) -> list[int]:
        """Read the time of each line.

        Args:
            lines: Log lines.
            references_ms: A time near each line's own, for styles without a year; negative ones are ignored.

        Returns:
            Milliseconds since 1970 (UTC), ``NO_TIME`` where a line states none that can be read.
        """
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        if len(self._minutes) > _REMEMBERED:
            self._minutes.clear()
        found = self._cut(lines) if self._width else [self._read(line) for line in lines]
        if not self._yearless:
            return found
        if references_ms is not None:
            found = [_nearest(time, reference) for time, reference in zip(found, references_ms, strict=True)]
        return found if self._zone is UTC else [_in_utc(time, self._zone) for time in found]

    def _cut(self, lines: Sequence[bytes]) -> list[int]:
        """Read times of fixed width: the minute is looked up, the seconds after it are added."""
        minute, end = self._width - 2, self._width
        known, seconds = self._minutes, _SECONDS
        try:
            found = [known[line[:minute]] + seconds[line[minute:end]] for line in lines]
        except KeyError:
            for head in {line[:minute] for line in lines} - known.keys():
                known[head] = self._minute(head)
            found = [known[line[:minute]] + seconds.get(line[minute:end], _BAD) for line in lines]
        return found if min(found, default=0) >= 0 else [max(time, NO_TIME) for time in found]

    def _minute(self, head: bytes) -> int:
        time = self._read(head + b"00")
        return _BAD if time == NO_TIME else time

    def _read(self, line: bytes) -> int:
        """Read the time of one line; without a year it is the local time of the year 2000."""
        match = self._pattern.match(line)
        if match is None:
            return NO_TIME
        key = match["head"], match["half"], match["zone"]
        base = self._known.get(key)
        if base is None:
            base = self._known[key] = _milliseconds(match, UTC if self._yearless else self._zone)
        fraction = match["f"]
        return base + int((fraction + b"00")[:3]) if fraction and base >= 0 else base


def _milliseconds(match: re.Match[bytes], zone: tzinfo) -> int:
    parts = match.groupdict()
    if "epoch" in parts:
        return time_of_number(int(parts["epoch"]))
    try:
        day, hour, minute, second = (int(parts[name]) for name in "Dhms")
        hour = _of_24(hour, parts["half"])
        moment = datetime(_year(parts), _month(parts), day, hour, minute, second, tzinfo=UTC)
        offset_ms = _offset_ms(parts["zone"])
    except (ValueError, KeyError):
        return NO_TIME
    local_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    return _in_utc(local_ms, zone) if offset_ms is None else _possible(local_ms - offset_ms)


def _in_utc(local_ms: int, zone: tzinfo) -> int:
    return NO_TIME if local_ms < 0 else _possible(to_utc_ms(local_ms, zone))


def _possible(time_ms: int) -> int:
    return time_ms if 0 <= time_ms <= LATEST_MS else NO_TIME


def _year(parts: dict[str, bytes]) -> int:
    return int(parts["Y"]) if "Y" in parts else 2000 + int(parts["y"]) if "y" in parts else _YEARLESS


def _month(parts: dict[str, bytes]) -> int:
    return int(parts["M"]) if "M" in parts else _MONTHS[parts["b"].lower()]


def _of_24(hour: int, half: bytes | None) -> int:
    """The hour of a clock of twice 12 hours, each half beginning at 12; behind any other hour AM is just a word."""
    return hour if half is None or not 1 <= hour <= 12 else hour % 12 + 12 * (half == b"P")  # noqa: PLR2004


def _offset_ms(zone: bytes | None) -> int | None:
    """How far a stated zone is ahead of UTC; None where none is stated.

    Raises:
        ValueError: No zone is so far from UTC.
    """
    zone = (zone or b"").strip()
    if not zone:
        return None
    if zone in {b"Z", b"UTC", b"GMT"}:
        return 0
    digits = zone[1:].replace(b":", b"")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or b"0")
    if minutes > _FARTHEST_MINUTES:
        raise ValueError(f"{zone!r} is no time zone")
    return -minutes * 60_000 if zone.startswith(b"-") else minutes * 60_000


def _nearest(time_ms: int, reference_ms: int) -> int:
    if time_ms < 0 or reference_ms < 0:
        return time_ms
    day = min(reference_ms, LATEST_MS) // _DAY_MS
    return _day_nearest(time_ms // _DAY_MS, day) * _DAY_MS + time_ms % _DAY_MS


@lru_cache(maxsize=_REMEMBERED)
def _day_nearest(day: int, reference: int) -> int:
    """Move a day of the year 2000, both in days since 1970, to the year that brings it nearest to a reference day."""
    moment = _EPOCH + timedelta(days=day)
    year = (_EPOCH + timedelta(days=reference)).year
    candidates = []
    for each in range(max(1970, year - 4), min(9999, year + 4) + 1):
        try:
            candidates.append((moment.replace(year=each) - _EPOCH).days)
        except ValueError:  # 29 February, in a year that has none
            continue
    return min(candidates, key=lambda candidate: abs(candidate - reference))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
