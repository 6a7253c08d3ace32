"""Times of JSON fields: numbers, and texts in any of the usual styles."""

import math
from datetime import UTC, datetime

import pytest

from model.lines.epochs import NO_TIME, time_of_number
from model.lines.field_times import FieldClock
from model.lines.zones import zone_named


def ms(year: int, *rest: int) -> int:
    """Milliseconds of a moment; the last of seven numbers is microseconds."""
    return round(datetime(year, *rest, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000.25, 1_700_000_000_250),
        (1_700_000_000_123, 1_700_000_000_123),
        (1_700_000_000_123_456, 1_700_000_000_123),
        (1_700_000_000_123_456_789, 1_700_000_000_123),
        (0, 0),
        (-1, NO_TIME),
        (10**30, NO_TIME),
        (math.nan, NO_TIME),
        (math.inf, NO_TIME),
    ],
)
def test_a_number_is_read_by_its_size(number, expected):
    """Seconds to nanoseconds are told apart; what is no time is -1."""
    assert time_of_number(number) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-01-02T03:04:05.678Z", ms(2020, 1, 2, 3, 4, 5, 678000)),
        ("2020-01-02T03:04:05Z", ms(2020, 1, 2, 3, 4, 5)),
        ("2020-01-02T03:04:05.1Z", ms(2020, 1, 2, 3, 4, 5, 100000)),
        ("2020-01-02T03:04:05.123456789Z", ms(2020, 1, 2, 3, 4, 5, 123000)),
        ("2020-01-02T03:04:05.678+01:30", ms(2020, 1, 2, 1, 34, 5, 678000)),
        ("2020-01-02 03:04:05,678", ms(2020, 1, 2, 3, 4, 5, 678000)),
        ("20200102T030405Z", ms(2020, 1, 2, 3, 4, 5)),
        ("Tue, 14 Nov 2023 22:13:20 +0100", ms(2023, 11, 14, 21, 13, 20)),
        ("14-Nov-2023 22:13:20.125", ms(2023, 11, 14, 22, 13, 20, 125000)),
        ("14/Nov/2023:22:13:20 +0000", ms(2023, 11, 14, 22, 13, 20)),
        ("Tue Nov 14 22:13:20 2023", ms(2023, 11, 14, 22, 13, 20)),
        ("Tue Nov 14 22:13:20 UTC 2023", ms(2023, 11, 14, 22, 13, 20)),
        ("1700000000", 1_700_000_000_000),
        ("1700000000.5", 1_700_000_000_500),
        (1_700_000_000_123, 1_700_000_000_123),
        (1_700_000_000.5, 1_700_000_000_500),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5+02:00", NO_TIME),
        ("9999-12-31T23:59:59-23:00", NO_TIME),
        ("2020-13-02T03:04:05Z", NO_TIME),
        ("2020-01-02T03:04:05.²Z", ms(2020, 1, 2, 3, 4, 5)),
        ("yesterday", NO_TIME),
        ("", NO_TIME),
        ("1" * 10_000, NO_TIME),
        ("\ud800", NO_TIME),
        (True, NO_TIME),
        (None, NO_TIME),
        ({"a": 1}, NO_TIME),
    ],
)
def test_a_value_is_read_as_a_time(value, expected):
    """Alone, a second time, and among others."""
    clock = FieldClock()

    assert clock.times([value]) == [expected]
    assert clock.times(["yesterday", value, 7, value]) == [NO_TIME, expected, 7000, expected]


def test_a_text_without_a_zone_is_meant_where_the_format_says():
    """A text with one, and a number, are not moved."""
    clock = FieldClock(zone_named("Europe/Berlin"))

    values = ["2024-07-01 12:00:00", "2024-07-01 12:00:00Z", 1_719_828_000]
    assert clock.times(values) == [ms(2024, 7, 1, 10), ms(2024, 7, 1, 12), ms(2024, 7, 1, 10)]


def test_a_text_without_a_year_takes_that_of_the_record():
    """As text logs do."""
    found = FieldClock().times(["Dec 31 23:59:59", "Jan  1 00:00:01"], [ms(2025, 1, 1), ms(2025, 1, 1)])

    assert found == [ms(2024, 12, 31, 23, 59, 59), ms(2025, 1, 1, 0, 0, 1)]
