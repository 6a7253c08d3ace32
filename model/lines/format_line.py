"""A format line of the operator's own, such as ``<Date> <Time> <Level> <Component>: <Content>``.

Fields stand in angle brackets and take as little as possible; a blank stands for one or more; ``(…)?`` may be missing;
a backslash takes the next character as it is; everything else stands for itself. The format lines that loghub publishes
are read as they are. RE2 runs them, so that none takes more than linear time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from typing import Any

import re2

from model.errors import ConfigurationError
from model.lines.field_times import FieldClock

__all__ = ["CONTENT", "FormatClock", "FormatLine", "format_line"]

#: The field of the message; a text with it is a format line.
CONTENT = "<Content>"
_LONGEST = 1000
_TOKEN = re.compile(
    r"<(?P<field>[A-Za-z]\w{0,63})>|\\(?P<escaped>.)|(?P<optional>\)\?)|(?P<blanks> +)|(?P<literal>[0-9]+|.)",
    re.DOTALL | re.ASCII,
)
#: A time of its own, or its parts in the order in which they stand.
_WHOLE_TIMES = ("timestamp", "datetime", "epoch")
_PARTS_OF_TIME = ("date", "time", "year", "month", "day", "zone", "timezone")


@dataclass(frozen=True, slots=True)
class FormatLine:
    """A header that an operator wrote down.

    Attributes:
        name: The format line itself, as it stands in a stored format.
        names: Its fields, in their order.
        times: Those that make up the time.
    """

    name: str
    names: tuple[str, ...]
    times: tuple[str, ...]
    _of_shapes: Any
    _of_lines: Any

    @property
    def is_envelope(self) -> bool:
        """Whether a line may have another header behind this one: it says itself where its message begins."""
        return False

    @property
    def has_time(self) -> bool:
        """Whether its lines state their time."""
        return bool(self.times)

    def message(self, shape: bytes) -> bytes:
        """Cut out the shape of the message; the whole line where it is not written so, or has no message."""
        match = self._of_shapes.fullmatch(shape)
        message: bytes | None = match[1 + self.names.index("Content")] if match else None  # its part may be optional
        return (message or b"").strip() or shape.strip()

    def fields(self, line: bytes) -> dict[str, str]:
        """Give the fields of a line by name, without its message; none where it is not written so."""
        match = self._of_lines.fullmatch(line)
        found = zip(self.names, match.groups(), strict=True) if match else ()
        return {name: text.decode("utf-8", "replace") for name, text in found if text is not None and name != "Content"}

    def spans(self, line: bytes) -> dict[str, tuple[int, int]]:
        """Say where the fields of a line stand, ``message`` for its message; none where it is not written so."""
        match = self._of_lines.fullmatch(line)
        found = {name: match.span(place) for place, name in enumerate(self.names, start=1)} if match else {}
        return {"message" if name == "Content" else name: span for name, span in found.items() if span[0] >= 0}

    def clock(self, zone: tzinfo) -> "FormatClock | None":
        """Give what reads the times of its lines, None where they state none."""
        return FormatClock(self, zone) if self.times else None


class FormatClock:
    """Reads the times of lines of a format line.

    Args:
        header: The format line.
        zone: Where times are meant that state no zone.
    """

    def __init__(self, header: FormatLine, zone: tzinfo) -> None:
        self._header = header
        self._clock = FieldClock(zone)

    def times(self, lines: Sequence[bytes], references_ms: Sequence[int] | None = None) -> list[int]:
        """Read the time of each line; as ``Clock.times``."""
        return self._clock.times([self._stamp(line) for line in lines], references_ms)

    def _stamp(self, line: bytes) -> str:
        fields = self._header.fields(line)
        return " ".join(fields[name] for name in self._header.times if name in fields)


@lru_cache(maxsize=64)
def format_line(text: str) -> FormatLine:
    """Read a format line.

    Args:
        text: At most 1,000 characters, with ``<Content>`` where the message stands.

    Raises:
        ConfigurationError: A field comes twice, or the message has no place.
    """
    tokens = [(str(match.lastgroup), match[str(match.lastgroup)]) for match in _TOKEN.finditer(text)]
    names = tuple(token for kind, token in tokens if kind == "field")
    if len(text) > _LONGEST or len(set(names)) < len(names) or "Content" not in names:
        raise ConfigurationError(
            f"the format line {text[:200]!r} cannot be read; allowed are at most {_LONGEST} characters with each field "
            "once, <Content> for the message among them, such as '<Date> <Time> <Level> <Component>: <Content>'."
        )
    of_shapes = _compiled(
        [(kind, re.sub("[0-9]+", "0", token) if kind in {"literal", "escaped"} else token) for kind, token in tokens]
    )
    return FormatLine(text, names, _times(names), of_shapes, _compiled(tokens))


def _times(names: Sequence[str]) -> tuple[str, ...]:
    whole = [name for name in names if name.lower() in _WHOLE_TIMES]
    return tuple(whole[:1] or [name for name in names if name.lower() in _PARTS_OF_TIME])


def _compiled(tokens: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401  (re2 ships no types)
    parts: list[bytes] = []
    open_at: list[int] = []
    for kind, token in tokens:
        if kind == "optional" and open_at:
            parts[open_at.pop()] = b"(?:"
            parts.append(b")?")
            continue
        if kind == "literal" and token == "(":  # noqa: S105
            open_at.append(len(parts))
        elif kind == "literal" and token == ")" and open_at:  # noqa: S105
            open_at.pop()
        parts.append(_expression(kind, token))
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # any byte is a character
    options.dot_nl = True
    return re2.compile(b"".join(parts), options)


def _expression(kind: str, token: str) -> bytes:
    if kind == "field":
        return b"(.*)" if token == "Content" else b"(.*?)"  # noqa: S105
    if kind == "blanks":
        return rb"[ \t]+"
    escaped: bytes = re2.escape(token.encode("utf-8", "replace"))
    return escaped
