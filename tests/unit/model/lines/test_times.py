"""Times: every style to milliseconds of UTC."""

from datetime import UTC, datetime

import pytest

from model.errors import ConfigurationError
from model.lines.epochs import NO_TIME
from model.lines.times import STYLES, Clock
from model.lines.zones import zone_named


def ms(year: int, *rest: int) -> int:
    """Milliseconds of a moment; the last of seven numbers is microseconds."""
    return round(datetime(year, *rest, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("style", "line", "expected"),
    [
        ("hdfs", "081109 203531 145 INFO x: y", ms(2008, 11, 9, 20, 35, 31)),
        ("iso", "2015-10-18 18:01:47,978 INFO", ms(2015, 10, 18, 18, 1, 47, 978000)),
        ("iso", "[2015-10-18T18:01:47.9Z] x", ms(2015, 10, 18, 18, 1, 47, 900000)),
        ("iso", "2015-10-18T18:01:47+02:00 x", ms(2015, 10, 18, 16, 1, 47)),
        ("iso", "2015-10-18 18:01:47 -0530 x", ms(2015, 10, 18, 23, 31, 47)),
        ("iso", "2015-10-18T18:01:47+02 x", ms(2015, 10, 18, 16, 1, 47)),
        ("iso", "2015-10-18 18:01:47 -05 is no zone but a message", ms(2015, 10, 18, 18, 1, 47)),
        ("iso", "2015-10-18T18:01:47+99:99 no zone is so far away", NO_TIME),
        ("iso", "2015-10-18 06:01:47.5 PM x", ms(2015, 10, 18, 18, 1, 47, 500000)),
        ("iso", "2015-10-18 06:01:47 AM x", ms(2015, 10, 18, 6, 1, 47)),
        ("iso", "2015-10-18 12:01:47PM +0200 noon", ms(2015, 10, 18, 10, 1, 47)),
        ("iso", "2015-10-18 12:01:47 AM midnight", ms(2015, 10, 18, 0, 1, 47)),
        ("iso", "2015-10-18 18:01:47 AM is the ApplicationMaster", ms(2015, 10, 18, 18, 1, 47)),
        ("iso-inside", "nova.log 2017-05-16 00:00:00.008 25746", ms(2017, 5, 16, 0, 0, 0, 8000)),
        ("named-iso", 'time="2020-01-02T03:04:05Z" level=info', ms(2020, 1, 2, 3, 4, 5)),
        ("slashes", "17/06/09 20:10:40 INFO", ms(2017, 6, 9, 20, 10, 40)),
        ("dashed", "20171223-22:15:29:606|Step", ms(2017, 12, 23, 22, 15, 29, 606000)),
        ("month-day", "Jun 14 15:16:01 combo", ms(2000, 6, 14, 15, 16, 1)),
        ("month-day", "Jul  1 09:00:55 host", ms(2000, 7, 1, 9, 0, 55)),
        ("priority-month-day", "<34>Oct 11 22:14:15 host", ms(2000, 10, 11, 22, 14, 15)),
        ("priority-iso", "<34>1 2003-10-11T22:14:15.003Z host", ms(2003, 10, 11, 22, 14, 15, 3000)),
        ("logcat", "03-17 16:13:38.811  1702", ms(2000, 3, 17, 16, 13, 38, 811000)),
        ("klog", "I0317 16:13:38.811000  1 x.go:1] y", ms(2000, 3, 17, 16, 13, 38, 811000)),
        ("dotted", "[10.30 16:49:06] chrome", ms(2000, 10, 30, 16, 49, 6)),
        ("weekday", "[Sun Dec 04 04:47:44 2005] [notice]", ms(2005, 12, 4, 4, 47, 44)),
        ("access", '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET', ms(2000, 10, 10, 20, 55, 36)),
        ("second-word", "- 1117838570 2005.06.03", 1117838570000),
        ("fifth-word", "134681 node-246 unix.hw state 1077804742 1 x", 1077804742000),
        ("hdfs", "081309 203531 a thirteenth month", NO_TIME),
        ("hdfs", "081109 203561 a sixty-second second", NO_TIME),
        ("hdfs", "0811", NO_TIME),
        ("iso", "1969-12-31 23:59:59 before there was time", NO_TIME),
        ("iso", "1970-01-01 00:00:00 the first second", 0),
        ("iso", "2099-12-31 23:59:59 far", ms(2099, 12, 31, 23, 59, 59)),
        ("month-day", "Foo 14 15:16:01 no month", NO_TIME),
    ],
)
def test_a_time_is_read_in_its_style(style, line, expected):
    """What a line states is what comes out; what is no time is -1."""
    clock = Clock(STYLES[style])

    assert clock.times([line.encode()] * 2) == [expected] * 2


def test_a_bad_time_does_not_spoil_its_neighbours():
    """Lines with and without a time may be mixed."""
    lines = [b"081109 203531 x", b"no time at all, sorry", b"081109 203532 x"]

    assert Clock(STYLES["hdfs"]).times(lines) == [1226262931000, NO_TIME, 1226262932000]


@pytest.mark.parametrize(
    ("line", "reference", "expected"),
    [
        ("Jun 14 15:16:01 x", ms(2024, 6, 14, 15, 16, 5), ms(2024, 6, 14, 15, 16, 1)),
        ("Dec 31 23:59:59 x", ms(2025, 1, 1), ms(2024, 12, 31, 23, 59, 59)),
        ("Jan  1 00:00:01 x", ms(2024, 12, 31, 23, 59), ms(2025, 1, 1, 0, 0, 1)),
        ("Feb 29 12:00:00 x", ms(2025, 3, 1), ms(2024, 2, 29, 12)),
        ("Jun 14 15:16:01 x", -1, ms(2000, 6, 14, 15, 16, 1)),
    ],
)
def test_a_missing_year_is_that_of_the_record(line, reference, expected):
    """The year is chosen so that the line is nearest to its record's timestamp."""
    assert Clock(STYLES["month-day"]).times([line.encode()], [reference]) == [expected]


@pytest.mark.parametrize(
    ("style", "zone", "line", "expected"),
    [
        ("iso", "Europe/Berlin", "2024-07-01 12:00:00 x", ms(2024, 7, 1, 10)),
        ("iso", "Europe/Berlin", "2024-01-01 12:00:00 x", ms(2024, 1, 1, 11)),
        ("iso", "Europe/Berlin", "2024-07-01T12:00:00Z x", ms(2024, 7, 1, 12)),
        ("iso", "+05:30", "2024-07-01 12:00:00 x", ms(2024, 7, 1, 6, 30)),
        ("hdfs", "America/New_York", "240701 120000 1 INFO x: y", ms(2024, 7, 1, 16)),
        ("month-day", "Europe/Berlin", "Jul  1 12:00:00 host", ms(2024, 7, 1, 10)),
        # 02:30 comes twice on the last Sunday of October: the first is meant
        ("iso", "Europe/Berlin", "2024-10-27 02:30:00 x", ms(2024, 10, 27, 0, 30)),
        ("iso", "+14:00", "1970-01-01 02:00:00 x", NO_TIME),
        ("second-word", "Europe/Berlin", "- 1117838570 x", 1117838570000),
    ],
)
def test_a_time_without_a_zone_is_meant_where_the_format_says(style, zone, line, expected):
    """A stated zone wins; summer time is minded."""
    clock = Clock(STYLES[style], zone_named(zone))

    assert clock.times([line.encode()], [ms(2024, 7, 2)]) == [expected]


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "+25:00", "CESTX", "/UTC"])
def test_an_unknown_zone_says_what_is_allowed(name):
    """Names of files outside the database are no zones either."""
    with pytest.raises(ConfigurationError, match="allowed"):
        zone_named(name)
