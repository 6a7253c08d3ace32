"""Time zones for times that state none."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from model.errors import ConfigurationError

__all__ = ["to_utc_ms", "zone_named"]

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Clocks are put forward and back on quarters of an hour.
_QUARTER_MS = 15 * 60 * 1000
_REMEMBERED = 50_000


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo:
    """Find a time zone.

    Args:
        name: ``UTC``, an offset such as ``+02:00``, or a name of the IANA database such as ``Europe/Berlin``.

    Raises:
        ConfigurationError: There is no such zone.
    """
    if name == "UTC":
        return UTC
    try:
        if match := _OFFSET.fullmatch(name):
            offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
            return timezone(-offset if match[1] == "-" else offset)
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ConfigurationError(
            f"the time zone {name!r} is unknown; allowed are UTC, an offset such as +02:00, "
            "and names of the IANA database such as Europe/Berlin."
        ) from error


def to_utc_ms(local_ms: int, zone: tzinfo) -> int:
    """Turn a local time into UTC.

    Args:
        local_ms: What the clock on the wall shows, as milliseconds since 1970.
        zone: Where the wall stands. Of an hour that comes twice, the first is meant.

    Returns:
        Milliseconds since 1970, UTC.
    """
    return local_ms if zone is UTC else local_ms - _offset_ms(local_ms // _QUARTER_MS, zone)


@lru_cache(maxsize=_REMEMBERED)
def _offset_ms(quarter: int, zone: tzinfo) -> int:
    local = (_EPOCH + timedelta(milliseconds=quarter * _QUARTER_MS)).replace(tzinfo=zone)
    offset = local.utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)
