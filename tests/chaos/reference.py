"""The windows of a partition's log, found the simple way: sort all lines, split where a key was silent, slice.

It shares no code with logscry: event IDs, places, alert ids and fingerprints are computed from what ``docs/alerts.md``
and ``docs/glossary.md`` say. It needs the whole log at once and all of it in memory, which is why a service cannot
work like this, and why this can be believed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from tests.chaos.rules import Rule

__all__ = ["Content", "Entry", "Reference", "Undecodable", "reference_of"]

TEMPLATES = (
    "gate opened for request=<*>",
    "ticket checked for request=<*> in <*>",
    "seat <*> taken by request=<*>",
    "snack sold to request=<*>",
    "film started for request=<*>",
    "film ended for request=<*>",
    "door closed behind request=<*>",
)
"""Those of ``tests/toy_model.py``. A message that has none of their first words is novel, and its own template."""


class Entry(NamedTuple):
    """A record as it stands in the log."""

    offset: int
    key: bytes | None
    value: bytes | None


class Content(NamedTuple):
    """What a window holds.

    Attributes:
        fingerprint: The hash of its event IDs, in order, and of its marks.
        start_ms: Effective time of its first event.
        end_ms: Effective time of its last.
    """

    fingerprint: str
    start_ms: int
    end_ms: int


class Undecodable(NamedTuple):
    """Where a record stands that gives no line."""

    partition: int
    offset: int


class Reference(NamedTuple):
    """What must come out.

    Attributes:
        windows: Alert id -> what the window holds.
        undecodable: Records that must become dead letters.
        lines: How many lines the windows were made of.
    """

    windows: dict[str, Content]
    undecodable: set[Undecodable]
    lines: int


class _Line(NamedTuple):
    time_ms: int
    place: int
    key: bytes
    event_id: bytes


def reference_of(topic: str, log: Mapping[int, Sequence[Entry]], rule: Rule) -> Reference:
    """Find the windows of a topic whose sessions have all ended.

    Args:
        topic: Its name, which is part of the alert ids.
        log: The records of each partition, in the order of their offsets.
        rule: How windows are cut.
    """
    windows: dict[str, Content] = {}
    undecodable: set[Undecodable] = set()
    total = 0
    for partition, entries in log.items():
        lines, bad = _lines_of(entries)
        undecodable |= {Undecodable(partition, offset) for offset in bad}
        total += len(lines)
        for session in _sessions(_at_effective_times(lines, rule.grace_ms), rule.gap_ms):
            for start, stop, final in _slices(len(session), rule):
                name = _alert_id(topic, partition, session, (start, stop), final=final)
                windows[name] = _content(session[start:stop], starts=start == 0, final=final)
    return Reference(windows, undecodable, total)


def _lines_of(entries: Iterable[Entry]) -> tuple[list[_Line], list[int]]:
    """The lines in the order of the log, and the offsets of records that give none."""
    lines: list[_Line] = []
    bad: list[int] = []
    for offset, key, value in entries:
        if not key or len(key) > 1024 or not _is_text(value):
            bad.append(offset)
            continue
        for number, text in enumerate((value or b"").strip().split(b"\n")):
            if text.strip():
                lines.append(_line(key, offset << 16 | number, text.strip().decode()))
    return lines, bad


def _is_text(value: bytes | None) -> bool:
    try:
        return value is not None and bool(value.decode().strip())
    except UnicodeDecodeError:
        return False


def _line(key: bytes, place: int, text: str) -> _Line:
    time, _, message = text.partition(" INFO ")
    time_ms = round(datetime.fromisoformat(time).timestamp() * 1000)
    words = tuple(message.split()[:2])
    template = next((each for each in TEMPLATES if _same_beginning(each, words)), message)
    return _Line(time_ms, place, key, blake2b(template.encode(), digest_size=8).digest())


def _same_beginning(template: str, words: Sequence[str]) -> bool:
    return all(mine in {"<*>", word} for mine, word in zip(template.split()[:2], words, strict=True))


def _at_effective_times(lines: Iterable[_Line], grace_ms: int) -> list[_Line]:
    """Raise each line to the watermark, which follows the largest time at a distance; then put all in their order."""
    watermark = 0
    raised = []
    for line in lines:
        watermark = max(watermark, line.time_ms - grace_ms)
        raised.append(line._replace(time_ms=max(line.time_ms, watermark)))
    return sorted(raised, key=lambda line: (line.time_ms, line.place))


def _sessions(lines: Iterable[_Line], gap_ms: int) -> Iterator[list[_Line]]:
    by_key: defaultdict[bytes, list[_Line]] = defaultdict(list)
    for line in lines:
        by_key[line.key].append(line)
    for every in by_key.values():
        begins = [0, *(n for n, (a, b) in enumerate(pairwise(every), 1) if b.time_ms - a.time_ms > gap_ms)]
        for begin, end in pairwise([*begins, len(every)]):
            yield every[begin:end]


def _slices(length: int, rule: Rule) -> Iterator[tuple[int, int, bool]]:
    for stop in range(rule.hop, length + 1, rule.hop):
        yield max(0, stop - rule.size), stop, False
    yield max(0, length - rule.size), length, True


def _alert_id(topic: str, partition: int, session: Sequence[_Line], window: tuple[int, int], *, final: bool) -> str:
    start, stop = window
    key = session[0].key
    numbers = (partition, session[start].place, session[stop - 1].place, stop, int(final))
    texts = (len(topic).to_bytes(8, "big"), topic.encode(), len(key).to_bytes(8, "big"), key)
    return blake2b(b"".join([*texts, *(n.to_bytes(16, "big") for n in numbers)]), digest_size=16).hexdigest()


def _content(window: Sequence[_Line], *, starts: bool, final: bool) -> Content:
    marks = bytes([starts + 2 * final])
    fingerprint = blake2b(b"".join(line.event_id for line in window) + marks, digest_size=8).hexdigest()
    return Content(fingerprint, window[0].time_ms, window[-1].time_ms)
