"""Reading record values: which log lines are in a record, and what is wrong with one that has none.

A record is read whole or not at all: one line that cannot be read makes the record an error, so that a dead letter and
the windows never both hold a part of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from model.errors import RecordError
from model.lines.framing import frames_in

__all__ = [
    "MAX_LINES",
    "MAX_LINE_BYTES",
    "MAX_RECORD_BYTES",
    "Lines",
    "bare_line",
    "checked",
    "most_lines",
    "read_text",
]

#: Longer lines are errors, in bytes.
MAX_LINE_BYTES = 1 << 20
#: Longer records of OTLP, which hold many lines, are errors, in bytes.
MAX_RECORD_BYTES = 64 << 20
#: A place is ``offset << 16 | line``: the number of a line has 16 bits.
MAX_LINES = 1 << 16

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_SHOWN_BYTES = 80
#: An octet count and the first two bytes after it.
_COUNT_BYTES = 9
#: How a record may begin that holds several objects: so, with white space, or with a mark that readers take off.
_BEFORE_OBJECTS = frozenset({b"{", b"[", b" ", b"\t", b"\n", b"\r", b"\x0b", b"\x0c", b"\x1e", b"\xef"})


@dataclass(slots=True)
class Lines:
    """The lines of a batch of records, as parallel columns.

    Attributes:
        record: Index of the record.
        line: Number of the line in its record.
        text: The line; of JSON, its message. Without a newline, white space at its ends taken off, never empty.
        time_ms: Event times, if reading found them already (JSON).
        observed_ms: When each line was observed, for those that state no time of their own (OTLP).
        joined: All texts with a newline between two, if reading has joined them already.
        errors: Records that cannot be read.
    """

    record: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    text: list[bytes] = field(default_factory=list)
    time_ms: list[int] | None = None
    observed_ms: list[int] | None = None
    joined: bytes | None = None
    errors: list[tuple[int, RecordError]] = field(default_factory=list)


def read_text(values: Sequence[bytes | None], max_line_bytes: int, *, framed: bool = False) -> Lines:
    """Read records of text, one line or several in a record.

    Args:
        values: Record values.
        max_line_bytes: The longest line allowed.
        framed: Records that begin with an octet count hold messages of counted length; of each, its first line counts.

    Returns:
        Their lines, blank ones left out.
    """
    if framed and any(value and value[:1].isdigit() for value in values):
        return _read_each(values, lambda value: _frames_of(value, max_line_bytes))
    plain = _all_plain(values, max_line_bytes)
    return plain or _read_each(values, lambda value: _lines_of(value, max_line_bytes))


def bare_line(line: bytes) -> bytes:
    """Give a line without what is around it; a file that begins with a byte order mark gives that to its first line."""
    return line.strip().removeprefix(BYTE_ORDER_MARK).lstrip()


def most_lines(value: bytes | None) -> int:
    """Bound how many lines a record holds, whatever its format, without reading it.

    Args:
        value: The record's value.

    Returns:
        At least as many lines as any reader finds in it.
    """
    if value is None:
        return 1
    count = value.count(b"\n") + 1
    if value[:1] in _BEFORE_OBJECTS:
        count += value.count(b"{")
    if b" <" in value[:_COUNT_BYTES]:  # octet-counted syslog
        count += value.count(b"<")
    # In OTLP protobuf, which begins like this, 0x12 begins a log record.
    return count + value.count(b"\x12") if value[:1] == b"\n" else count


def checked(value: bytes | None) -> bytes:
    """Give a value that says something in UTF-8.

    Raises:
        RecordError: It is no such value.
    """
    if value is None or not value.strip():
        raise RecordError("empty", "the record has no value" if value is None else "the record holds white space only")
    if not (value.isascii() or _is_utf8(value)):
        raise RecordError("not-utf8", f"the record is not UTF-8; it begins with {value[:_SHOWN_BYTES]!r}")
    return value


def _read_each(
    values: Sequence[bytes | None], lines_of: Callable[[bytes | None], Sequence[tuple[int, bytes]]]
) -> Lines:
    lines = Lines()
    for index, value in enumerate(values):
        try:
            found = lines_of(value)
        except RecordError as error:
            lines.errors.append((index, error))
            continue
        lines.record += [index] * len(found)
        lines.line += [number for number, _ in found]
        lines.text += [text for _, text in found]
    return lines


def _all_plain(values: Sequence[bytes | None], max_line_bytes: int) -> Lines | None:
    """Read a batch in which nothing is out of the ordinary, in a few passes over the whole; None for any other."""
    if not values or None in values:
        return None
    texts = list(map(bytes.strip, values))  # type: ignore[arg-type]
    joined = b"\n".join(texts)
    if joined.count(b"\n") != len(texts) - 1 or not all(texts) or len(max(texts, key=len)) > max_line_bytes:
        return None
    if joined.startswith(BYTE_ORDER_MARK) or b"\n" + BYTE_ORDER_MARK in joined:
        return None
    if not (joined.isascii() or _is_utf8(joined)):
        return None
    count = len(texts)
    return Lines(record=list(range(count)), line=[0] * count, text=texts, joined=joined)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _frames_of(value: bytes | None, max_line_bytes: int) -> list[tuple[int, bytes]]:
    frames = frames_in(checked(value))
    if frames is None:
        return _lines_of(value, max_line_bytes)
    if len(frames) > MAX_LINES:
        raise RecordError("too-long", f"the record has {len(frames)} messages; allowed are {MAX_LINES}")
    found = [(number, frame.strip().partition(b"\n")[0].rstrip()) for number, frame in enumerate(frames)]
    _check_lengths(found, max_line_bytes)
    return found


def _lines_of(value: bytes | None, max_line_bytes: int) -> list[tuple[int, bytes]]:
    # White space around a record is none of its lines: lines are numbered from the first that says something.
    parts = checked(value).strip().split(b"\n", MAX_LINES)
    if len(parts) > MAX_LINES:
        raise RecordError("too-long", f"the record has more than {MAX_LINES} lines")
    found = [(number, text) for number, part in enumerate(parts) if (text := bare_line(part))]
    if not found:
        raise RecordError("empty", "the record holds byte order marks only")
    _check_lengths(found, max_line_bytes)
    return found


def _check_lengths(lines: Sequence[tuple[int, bytes]], max_line_bytes: int) -> None:
    for number, text in lines:
        if len(text) > max_line_bytes:
            raise RecordError("too-long", f"line {number} has {len(text)} bytes; allowed are {max_line_bytes}")
