"""The decoders that are fuzzed: what each is given, and what is checked."""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from model.errors import ConfigurationError
from model.lines.formats import LineFormat
from model.lines.headers import HEADERS
from model.lines.key_rule import KeyRule
from model.lines.times import STYLES
from model.lines.zones import zone_named
from tests.fuzz.checks import (
    Keyed,
    Read,
    Timed,
    Written,
    check_format_line,
    check_keys,
    check_reading,
    check_times,
)
from tests.fuzz.values import (
    FORMATS_OF_LINES,
    JSON,
    JSON_VALUES,
    OTLP_JSON,
    OTLP_PROTO,
    SYSLOG,
    TEXT,
    batches,
    mutated,
)

__all__ = ["DECODERS", "Decoder"]


class Decoder(NamedTuple):
    """A part of ``model/lines`` that reads what others wrote.

    Attributes:
        cases: What it is given.
        check: Raises where something is not as it must be.
    """

    cases: SearchStrategy[Any]
    check: Callable[[Any], None]


_ZONES = st.sampled_from([UTC, zone_named("Europe/Berlin"), zone_named("-11:30")])
_ZONE_NAMES = st.sampled_from(["UTC", "Europe/Berlin", "-11:30"])
_MOMENTS = st.integers(-1, 1 << 62) | st.integers(1_600_000_000_000, 1_800_000_000_000)


@st.composite
def _read(draw: DrawFn, formats: SearchStrategy[LineFormat], valid: SearchStrategy[bytes]) -> Read:
    values = draw(batches(valid))
    return Read(draw(formats), values, draw(st.lists(_MOMENTS, min_size=len(values), max_size=len(values))))


@st.composite
def _timed(draw: DrawFn) -> Timed:
    """Lines of a style; or values of a field, which are any JSON or texts in which lines state times."""
    style = draw(st.none() | st.sampled_from(sorted(STYLES)))
    texts = mutated(TEXT).map(lambda text: text.partition(b"\n")[0])
    values: Sequence[Any] = draw(
        st.lists(texts, max_size=6)
        if style is not None
        else st.lists(
            JSON_VALUES | _numbers() | texts.map(lambda text: text[:40].decode("utf-8", "replace")), max_size=6
        )
    )
    references = draw(st.lists(_MOMENTS, min_size=len(values), max_size=len(values)))
    return Timed(style, draw(_ZONES), values, references)


def _numbers() -> SearchStrategy[Any]:
    numbers = st.integers(0, 10**20) | st.floats(0, 1e20)
    return numbers | numbers.map(str)


_WORDS = st.sampled_from(["<Date>", "<Time>", "<Level>", "<A>", " ", "(", ")?", ")", ":", "[", "\\", "0", "é", "x"])
_OWN = st.builds(
    lambda before, content, behind: "".join([*before, content, *behind]),
    st.lists(_WORDS, max_size=6),
    st.sampled_from(["<Content>", "( <Content>)?"]),
    st.lists(_WORDS, max_size=3),
)


@st.composite
def _written(draw: DrawFn) -> Written:
    written, line = draw(st.sampled_from(FORMATS_OF_LINES))
    own = draw(st.none() | _OWN | mutated(st.just(written.encode())).map(lambda each: each.decode("utf-8", "replace")))
    written = written if own is None else own
    return Written(written, draw(batches(st.just(line))))


def _rule(fields: Sequence[str], pattern: str | None, without: Any) -> KeyRule | None:
    try:
        return KeyRule(fields=tuple(fields), pattern=pattern, without=without)
    except ConfigurationError:
        return None


_FIELDS = st.sampled_from(["msg", "a.b", "/a/0", "traceId", "service.name", "host", "app", "level"]) | st.text(
    max_size=9
)
_PIECES = st.sampled_from(
    ["a", "0", "[0-9]", r"\w", r"\S", ".", "<", " ", "=", "^", "$", "|", "é", "(a)", "[^a]", "\\b"]
)
_REPEATED = st.builds(str.__add__, _PIECES, st.sampled_from(["", "", "?", "+", "*", "{2}"]))
_PATTERNS = st.lists(_REPEATED | _REPEATED.map("({})".format), min_size=1, max_size=6).map("".join)
_RULES = st.builds(
    _rule,
    st.just([]) | st.lists(_FIELDS, max_size=2),
    st.none() | _PATTERNS | _PATTERNS | st.text(max_size=9),
    st.sampled_from(["dead-letter", "shared"]),
)
_HEADERS = st.sampled_from([*HEADERS, "cri+log4j", "syslog-3164+klog", "syslog-5424+iso"])
_SYSLOG_HEADERS = st.sampled_from([name for name in HEADERS if name.startswith("syslog")] + ["syslog-5424+iso"])
_TEXTS = st.builds(LineFormat, st.just("text"), _HEADERS, zone=_ZONE_NAMES)
_SYSLOGS = st.builds(LineFormat, st.just("text"), _SYSLOG_HEADERS, zone=_ZONE_NAMES)
_NAMED = st.none() | st.sampled_from(["msg", "log", "a.b", "/a/0", "time"])
_OBJECTS = st.builds(LineFormat, st.just("json"), st.sampled_from(["plain", "iso", "log4j"]), _NAMED, _NAMED)
_OTLP_JSON = st.builds(LineFormat, st.just("otlp-json"), st.sampled_from(["plain", "iso"]))
_OTLP_PROTO = st.builds(LineFormat, st.just("otlp-proto"), st.sampled_from(["plain", "iso"]))
_ALL = JSON | OTLP_JSON | OTLP_PROTO | SYSLOG | TEXT
_FORMATS = _TEXTS | _SYSLOGS | _OBJECTS | _OTLP_JSON | _OTLP_PROTO
#: Values of a format under that format; and all under any, or under one that is to be found out.
_KEYED = [
    st.builds(Keyed, _RULES, formats, batches(valid))
    for formats, valid in (
        (_SYSLOGS, SYSLOG),
        (_TEXTS, TEXT),
        (_OBJECTS, JSON),
        (_OTLP_JSON, OTLP_JSON),
        (_OTLP_PROTO, OTLP_PROTO),
        (st.none() | _FORMATS, _ALL),
    )
]

DECODERS: dict[str, Decoder] = {
    "json": Decoder(_read(_OBJECTS, JSON), check_reading),
    "otlp-json": Decoder(_read(_OTLP_JSON, OTLP_JSON), check_reading),
    "otlp-proto": Decoder(_read(_OTLP_PROTO, OTLP_PROTO), check_reading),
    "syslog": Decoder(_read(_SYSLOGS, SYSLOG), check_reading),
    "text": Decoder(_read(_TEXTS, TEXT), check_reading),
    "format-lines": Decoder(_written(), check_format_line),
    "times": Decoder(_timed(), check_times),
    "keys": Decoder(st.one_of(_KEYED), check_keys),
}
