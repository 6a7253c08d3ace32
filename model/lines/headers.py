"""Headers of text logs: where the message begins, and how the time before it is written.

A header is looked for in the *shape* of a line (every run of digits is ``0``), so where the message begins is part of
what a shape decides, and one dictionary from the shape of a whole line to its event ID stays exact.
"""

import re
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from typing import Any

import re2

from model.errors import ConfigurationError
from model.lines.format_line import CONTENT, FormatLine, format_line
from model.lines.header_table import ENVELOPES, TABLE
from model.lines.times import STYLES, Clock

__all__ = ["HEADERS", "PLAIN", "Header", "header_named"]


@dataclass(frozen=True, slots=True)
class Header:
    """A kind of text log.

    Attributes:
        name: As it stands in a stored format.
        pattern: Matches the shape of a line up to its message. Its named groups say what is what.
        style: The name of its time style (``model.lines.times``), None where it states no time.
    """

    name: str
    pattern: re.Pattern[bytes]
    style: str | None

    @property
    def has_time(self) -> bool:
        """Whether its lines state their time."""
        return self.style is not None

    @property
    def is_envelope(self) -> bool:
        """Whether a line may have another header behind this one."""
        return self.name in _ENVELOPES

    def message(self, shape: bytes) -> bytes:
        """Cut the header off.

        Args:
            shape: The shape of a whole line.

        Returns:
            The shape of its message; the whole line where it has no such header, or nothing comes after it.
        """
        match = self.pattern.match(shape)
        message = shape[match.end() :].strip() if match else b""
        return message or shape.strip()

    def fields(self, line: bytes) -> dict[str, str]:
        """Give what a header says by name, such as ``host`` and ``app``; nothing where a line has no such header.

        Args:
            line: A whole line.
        """
        match = _for_lines(self.pattern.pattern).match(line)
        texts = match.groups() if match else ()
        places = self.pattern.groupindex.items()
        found = {name: texts[place - 1] for name, place in places if texts and texts[place - 1]}
        return {name: text.decode("utf-8", "replace") for name, text in found.items()}

    def spans(self, line: bytes) -> dict[str, tuple[int, int]]:
        """Say where the words of ``fields`` stand, and the message; nothing where a line has no such header.

        Args:
            line: A whole line.

        Returns:
            For each name, and for ``message``, the first byte and the one behind the last.
        """
        match = _for_lines(self.pattern.pattern).match(line)
        if not match:
            return {}
        found = {name: match.span(place) for name, place in self.pattern.groupindex.items()}
        return {**{name: span for name, span in found.items() if span[0] >= 0}, "message": (match.end(), len(line))}

    def clock(self, zone: tzinfo) -> Clock | None:
        """Give what reads the times of its lines, None where they state none.

        Args:
            zone: Where times are meant that state no zone.
        """
        return None if self.style is None else Clock(STYLES[self.style], zone)


@lru_cache(maxsize=256)
def _for_lines(of_shapes: bytes) -> Any:  # noqa: ANN401  (re2 ships no types)
    """Turn an expression for shapes into one for lines; RE2 runs it, for lines may be long."""
    pattern = re.sub(rb"\{[^}]*\}|0", lambda match: rb"[0-9]+" if match[0] == b"0" else match[0], of_shapes)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # any byte is a character
    return re2.compile(pattern, options)


#: Text without a header: the whole line is the message.
PLAIN = Header("plain", re.compile(b""), None)
HEADERS: dict[str, Header] = {name: Header(name, re.compile(pattern), style) for name, pattern, style in TABLE}
HEADERS[PLAIN.name] = PLAIN
_ENVELOPES = frozenset(name for name, _, _ in ENVELOPES)

_NAMED = re.compile(rb"\(\?P<(\w+)>")


@lru_cache(maxsize=256)
def header_named(name: str) -> Header | FormatLine:
    """Find a header.

    Args:
        name: That of a known header, or of two: ``cri+log4j`` is a log4j header behind that of a container runtime. Or
            a format line of the operator's own (``model.lines.format_line``).

    Raises:
        ConfigurationError: There is none of that name, or the format line cannot be read.
    """
    if CONTENT in name:
        return format_line(name)
    outer, _, inner = name.partition("+")
    if name in HEADERS:
        return HEADERS[name]
    if outer in _ENVELOPES and inner in HEADERS:
        return _behind(HEADERS[outer], HEADERS[inner])
    raise ConfigurationError(
        f"the header {name!r} is unknown; allowed are {', '.join(sorted(HEADERS))}, and two of them "
        f"such as cri+log4j, the first being one of {', '.join(sorted(_ENVELOPES))}."
    )


def _behind(outer: Header, inner: Header) -> Header:
    """Join two headers: the inner one may be missing, and its words count where both have one."""
    of_inner = inner.pattern.groupindex
    before = _NAMED.sub(lambda match: b"(" if match[1].decode() in of_inner else match[0], outer.pattern.pattern)
    pattern = re.compile(before + rb"(?:" + inner.pattern.pattern + rb")?")
    return Header(f"{outer.name}+{inner.name}", pattern, outer.style)
