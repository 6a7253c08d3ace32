"""Records as hostile and careless producers write them, and what becomes of each: a row each of docs/bad-input.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["JSON", "KEYS", "LINE", "NOW_MS", "NOW_TEXT", "NO_KEY", "PLAIN", "TEXT", "Bad"]

NOW_TEXT = "2026-03-01T00:00:00.000Z"
"""The stream time of all of them; one that cannot be read, or lies before it, is raised to it."""
NOW_MS = 1_772_323_200_000
MIB = 1 << 20
LINE = f"{NOW_TEXT} INFO seat 5 taken".encode()

NO_KEY = b"(none)"
"""Stands for a null key."""

Time = Literal["read", "late", "none"]


@dataclass(frozen=True)
class Bad:
    """A record, and what becomes of it.

    Attributes:
        name: Its row in docs/bad-input.md.
        value: Of the record.
        becomes: How many lines are applied, or the reason of the dead letter.
        time: Whether its lines' time is read, is read and lies before the stream time, or is not usable.
        key: Of the record; None for one of its own, ``NO_KEY`` for none.
        codec: How its batch is compressed.
        headers: Of the record.
        bad_header_name: Whether the first of them is called by bytes that are no UTF-8.
        timestamp_ms: Of the record.
    """

    name: str
    value: bytes | None
    becomes: int | str
    time: Time = "read"
    key: bytes | None = None
    codec: str = "none"
    headers: Sequence[tuple[str, bytes | None]] = ()
    bad_header_name: bool = False
    timestamp_ms: int = NOW_MS


def _long(length: int) -> bytes:
    return LINE + b"x" * (length - len(LINE))


def _at(time: str) -> bytes:
    return f"{time} INFO seat 5 taken".encode()


def _json(time: bytes) -> bytes:
    return b'{"message": "seat 5 taken", "time": %s}' % time


def _objects(count: int) -> bytes:
    return b"[" + b",".join([b'{"log":"a"}'] * count) + b"]"


TEXT = [
    Bad("null value, a tombstone", None, "empty"),
    Bad("empty value", b"", "empty"),
    Bad("white space only", b" \r\n\t\r\n", "empty"),
    Bad("UTF-16 with a byte order mark", LINE.decode().encode("utf-16"), "not-utf8"),
    Bad("UTF-16 without one", LINE.decode().encode("utf-16-le"), 1, "none"),
    Bad("UTF-8 with a byte order mark", b"\xef\xbb\xbf" + LINE, 1),
    Bad("a byte order mark and nothing else", b"\xef\xbb\xbf\n", "empty"),
    Bad("Latin-1", "gestört".encode("latin-1"), "not-utf8"),
    Bad("a character cut in two", LINE + "é".encode()[:1], "not-utf8"),
    Bad("overlong UTF-8", LINE + b"\xc0\xaf", "not-utf8"),
    Bad("a surrogate in UTF-8", LINE + b"\xed\xa0\x80", "not-utf8"),
    Bad("a code point beyond Unicode", LINE + b"\xf4\x90\x80\x80", "not-utf8"),
    Bad("bytes of a gzip file as value", b"\x1f\x8b\x08\x00" + LINE, "not-utf8"),
    Bad("NUL within a line", LINE + b"\x00\x00", 1),
    Bad("NUL in front of a line", b"\x00" + LINE, 1, "none"),
    Bad("control characters", LINE + bytes(range(1, 9)) + b"\x7f", 1),
    Bad("colours of a terminal around a line", b"\x1b[31m" + LINE + b"\x1b[0m", 1, "none"),
    Bad("direction marks", LINE + "\u202e".encode(), 1),
    Bad("a line of one character that does not print", "\u200b".encode(), 1, "none"),
    Bad("CRLF between lines", LINE + b"\r\n" + LINE + b"\r\n", 2),
    Bad("CR alone between lines", LINE + b"\r" + LINE, 1),
    Bad("U+2028, NEL, VT or FF between lines", LINE + "\u2028\u0085\x0b\x0c".encode() + LINE, 1),
    Bad("a line of 1 MiB - 1 byte", _long(MIB - 1), 1, codec="gzip"),
    Bad("a line of 1 MiB", _long(MIB), 1, codec="gzip"),
    Bad("a line of 1 MiB + 1 byte", _long(MIB + 1), "too-long", codec="gzip"),
    Bad("a line of 10 MiB, compressed to less than Kafka's limit", _long(10 * MIB), "too-long", codec="gzip"),
    Bad("a record as large as Kafka takes", b"\n".join([_long(99_999)] * 10), 10),
    Bad("65,536 lines", b"a\n" * 65_536, 65_536, "none"),
    Bad("65,537 lines", b"a\n" * 65_537, "too-long"),
    Bad("a leap second, 23:59:60", _at("2026-02-28T23:59:60Z"), 1, "none"),
    Bad("24:00:00", _at("2026-02-28T24:00:00Z"), 1, "none"),
    Bad("29 February of a leap year", _at("2024-02-29T12:00:00Z"), 1, "late"),
    Bad("29 February of another year", _at("2026-02-29T12:00:00Z"), 1, "none"),
    Bad("31 April", _at("2026-04-31T12:00:00Z"), 1, "none"),
    Bad("month 0 or 13", _at("2026-13-01T12:00:00Z"), 1, "none"),
    Bad("year 0", _at("0000-01-01T00:00:00Z"), 1, "none"),
    Bad("year 9999", _at("9999-12-31T23:59:59Z"), 1, "none"),
    Bad("year 99999", _at("99999-12-31T23:59:59Z"), 1, "none"),
    Bad("1969, a negative time", _at("1969-12-31T23:59:59Z"), 1, "none"),
    Bad("1970", _at("1970-01-01T00:00:00Z"), 1, "late"),
    Bad("a time zone", _at("2026-03-01T05:30:00.000+05:30"), 1),
    Bad("a time zone of hours alone, +05", _at("2026-03-01T05:00:00.000+05"), 1),
    Bad("a time zone that there is not, +99:99", _at("2026-03-01T00:00:00+99:99"), 1, "none"),
    Bad("a time zone by an abbreviation, PST", _at("2026-03-01 00:00:00 PST"), 1),
    Bad("AM and PM", _at("2026-03-01 12:00:00 AM"), 1),
    Bad("a comma before the milliseconds", _at("2026-03-01T00:00:00,000"), 1),
    Bad("nanoseconds", _at("2026-03-01T00:00:00.000999999Z"), 1),
    Bad("day before month", _at("01/03/2026 00:00:00"), 1, "none"),
    Bad("digits of another script", _at("\uff12\uff10\uff12\uff16-03-01T00:00:00Z"), 1, "none"),
    Bad("headers, with null values too", LINE, 1, headers=[("a", None), ("a", b"\xff"), ("", b"")]),
    Bad("a header whose name is not UTF-8", LINE, 1, headers=[("name", b"")], bad_header_name=True),
    Bad("compressed with gzip", LINE, 1, codec="gzip"),
    Bad("compressed with snappy", LINE, 1, codec="snappy"),
    Bad("compressed with lz4", LINE, 1, codec="lz4"),
    Bad("compressed with zstd", LINE, 1, codec="zstd"),
]

KEYS = [
    Bad("no key", LINE, "no-key", key=NO_KEY),
    Bad("an empty key", LINE, "no-key", key=b""),
    Bad("a key of 1,024 bytes", LINE, 1, key=b"k" * 1024),
    Bad("a key of 1,025 bytes", LINE, "key-too-long", key=b"k" * 1025),
    Bad("a key of 64 KB", LINE, "key-too-long", key=b"k" * 64_000),
    Bad("a key with NUL", LINE, 1, key=b"a\x00b"),
    Bad("a key with a newline", LINE, 1, key=b"a\nb"),
    Bad("a key of white space", LINE, 1, key=b" "),
    Bad("a key that is not UTF-8", LINE, 1, key=b"\xff\xfe\x80"),
    Bad("a key with braces, as Redis's hash tags have", LINE, 1, key=b"{a}:}{"),
    Bad("a key with a terminal's commands", LINE, 1, key=b"\x1b]0;x\x07"),
]

JSON = [
    Bad("JSON: an empty value", b"", "empty"),
    Bad("JSON: UTF-16", _json(b"1").decode().encode("utf-16"), "not-utf8"),
    Bad("JSON: a byte order mark", b"\xef\xbb\xbf" + _json(b'"%s"' % NOW_TEXT.encode()), 1),
    Bad("JSON: half a surrogate pair, \\ud800", b'{"message": "a\\ud800b"}', "bad-json"),
    Bad("JSON: overlong UTF-8", b'{"message": "\xc0\xaf"}', "not-utf8"),
    Bad("JSON: \\u0000 in the message", b'{"message": "a\\u0000b"}', 1, "none"),
    Bad("JSON: a bare control character in a text", b'{"message": "a\x01b"}', "bad-json"),
    Bad("JSON: cut off", b'{"message": "a", "time"', "bad-json"),
    Bad("JSON: a trailing comma, a comment, single quotes", b"{'message': 'a',} // so", "bad-json"),
    Bad("JSON: a key twice", b'{"message": "a", "time": 1, "message": "b", "time": 1772323200}', 1),
    Bad("JSON: no object", b'"a text"', "bad-json"),
    Bad("JSON: plain text", LINE, "bad-json"),
    Bad("JSON: two objects on a line", b'{"message": "a"}{"message": "b"}', "bad-json"),
    Bad("JSON: an empty array", b"[]", "bad-json"),
    Bad("JSON: something else in an array of objects", b'[{"message": "a"}, "b"]', "bad-json"),
    Bad("JSON: an array of 65,536 objects", _objects(65_536), 65_536, "none"),
    Bad("JSON: an array of 65,537 objects", _objects(65_537), "too-long"),
    Bad("JSON: 100,000 open brackets", b"[" * 100_000, "bad-json"),
    Bad("JSON: a record of more than 1 MiB", b'{"message": "%s"}' % (b"x" * MIB), "too-long", codec="gzip"),
    Bad("JSON: no message, or an empty one", b'{"level": "info", "message": " "}', "no-message"),
    Bad("JSON: a message that is a number", b'{"message": 5}', 1, "none"),
    Bad("JSON: NaN or Infinity", _json(b"NaN"), "bad-json"),
    Bad("JSON: a number beyond a double, 1e400", _json(b"1e400"), "bad-json"),
    Bad("JSON: a time of 1e20", _json(b"1e20"), 1, "none"),
    Bad("JSON: a time of 30 digits", _json(b"1" * 30), 1, "none"),
    Bad("JSON: a negative time", _json(b"-1772323200"), 1, "none"),
    Bad("JSON: a time in seconds", _json(b"1772323200"), 1),
    Bad("JSON: a time in milliseconds", _json(b"1772323200000"), 1),
    Bad("JSON: a time in microseconds, as text", _json(b'"1772323200000000"'), 1),
    Bad("JSON: a time in nanoseconds", _json(b"1772323200000000000"), 1),
    Bad("JSON: a time that is true, null, empty or an array", _json(b"[true]"), 1, "none"),
    Bad("JSON: the year 2099", _json(b'"2099-01-01T00:00:00Z"'), 1, "none"),
]

#: Where the lines state no time, the records' timestamps are the times.
PLAIN = [
    Bad("a record without a timestamp, -1", b"plain", 1, "none", timestamp_ms=-1),
    Bad("a record with a negative timestamp", b"plain", 1, "none", timestamp_ms=-5_000),
    Bad("a record of 1970", b"plain", 1, "none", timestamp_ms=0),
    Bad("a record with a timestamp in seconds", b"plain", 1, "late", timestamp_ms=NOW_MS // 1000),
    Bad("a record with a timestamp in nanoseconds", b"plain", 1, "none", timestamp_ms=NOW_MS * 1_000_000),
    Bad("a record with the largest timestamp", b"plain", 1, "none", timestamp_ms=(1 << 63) - 1),
]
