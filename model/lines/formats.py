"""Formats of log lines: text with or without a header, JSON; and which of them a sample is."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from model.errors import ConfigurationError, ModelError
from model.events.shapes import shapes
from model.lines.fields import field_path, value_at
from model.lines.headers import HEADERS, PLAIN, Header

__all__ = ["MESSAGE_FIELDS", "TIME_FIELDS", "LineFormat", "detect_format"]

#: The usual names, the commonest first.
MESSAGE_FIELDS = (
    "message",
    "msg",
    "log",
    "body",
    "event",
    "text",
    "MESSAGE",
    "@message",
    "short_message",
    "textPayload",
    "Message",
)
TIME_FIELDS = (
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "time_unix_nano",
    "timeUnixNano",
    "__REALTIME_TIMESTAMP",
    "datetime",
    "date",
    "asctime",
    "eventTime",
    "Timestamp",
    "t",
)

_SAMPLE_LINES = 2000
_SAMPLE_BYTES = 8192
#: A header is believed if this share of the lines has it, and this share of those that have the commonest one.
_LEAST_SHARE = 0.3
_LEAST_OF_BEST = 0.9


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How the lines of a stream are written.

    Attributes:
        kind: ``text`` (one line or several in a record) or ``json`` (one object or several in a record).
        header: Text only: the name of a header of ``model.lines.headers``, ``plain`` for none.
        message: JSON only: the field of the message, a name or a JSON pointer; None looks for the usual names.
        time: JSON only: the field of the event time; likewise.

    Raises:
        ConfigurationError: The kind, the header or a field is not allowed.
    """

    kind: Literal["text", "json"] = "text"
    header: str = PLAIN.name
    message: str | None = None
    time: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in {"text", "json"}:
            raise ConfigurationError(f"the line format {self.kind!r} is unknown; allowed are text and json.")
        if self.header not in HEADERS:
            raise ConfigurationError(
                f"the header {self.header!r} is unknown; allowed are {', '.join(sorted(HEADERS))}."
            )
        for field in (self.message, self.time):
            if field is not None:
                field_path(field)

    @property
    def text_header(self) -> Header:
        """The header of text lines; that of plain text where the lines are JSON."""
        return HEADERS[self.header]

    @property
    def has_time(self) -> bool:
        """Whether lines of this format usually state their time."""
        return self.time is not None if self.kind == "json" else self.text_header.style is not None

    def to_json(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"kind": self.kind, "header": self.header, "message": self.message, "time": self.time}

    @classmethod
    def from_json(cls, value: object) -> "LineFormat":
        """Read what ``to_json`` gave.

        Raises:
            ModelError: The value is no line format that this version knows.
        """
        try:
            return cls(**{name: value[name] for name in ("kind", "header", "message", "time")})  # type: ignore[index]
        except (KeyError, TypeError, AttributeError, ConfigurationError) as error:
            raise ModelError(
                f"the line format of the model cannot be read ({error}); it must be an object with "
                "kind, header, message and time. Train the model again, with this version."
            ) from error


def detect_format(sample: Iterable[bytes | None]) -> LineFormat:
    """Find the format that most lines of a sample have.

    Args:
        sample: Record values or lines; the first 2,000 lines are looked at, blank ones left out.

    Returns:
        JSON where most lines are objects; else the most particular header that (nearly) as many lines have as any;
        plain text where no header is common.
    """
    lines = [line[:_SAMPLE_BYTES] for line in _first_lines(sample)]
    objects = [each for each in map(_object, lines) if each is not None]
    if len(objects) * 2 > len(lines):
        return LineFormat("json", message=_usual(objects, MESSAGE_FIELDS, _is_text), time=_usual(objects, TIME_FIELDS))
    return LineFormat("text", header=_common_header(lines).name)


def _first_lines(sample: Iterable[bytes | None]) -> list[bytes]:
    lines: list[bytes] = []
    for value in sample:
        lines += [line for line in (value or b"").split(b"\n", _SAMPLE_LINES)[:_SAMPLE_LINES] if line.strip()]
        if len(lines) >= _SAMPLE_LINES:
            break
    return lines[:_SAMPLE_LINES]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line) if line.lstrip()[:1] == b"{" else None
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _usual(
    objects: Sequence[dict[str, Any]], names: Sequence[str], fits: Callable[[object], bool] = lambda _: True
) -> str | None:
    """Give the usual name that most objects have; of equals the first."""
    counts = Counter(name for each in objects for name in names if fits(value_at(each, (name,))) and name in each)
    return max(counts, key=lambda name: (counts[name], -names.index(name))) if counts else None


def _common_header(lines: Sequence[bytes]) -> Header:
    found = shapes(lines)
    counts = {name: sum(1 for shape in found if header.pattern.match(shape)) for name, header in HEADERS.items()}
    del counts[PLAIN.name]
    best = max(counts.values())
    if best < _LEAST_SHARE * len(lines) or not best:
        return PLAIN
    return next(HEADERS[name] for name, count in counts.items() if count >= _LEAST_OF_BEST * best)
