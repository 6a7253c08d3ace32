"""Log files -> rows: each line's key, effective time, place and event, as a partition would see them."""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from model.errors import ConfigurationError
from model.events.templates import Template
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser, NovelEvent, ParsedLines
from training.log_files import LogFiles
from training.progress import Progress
from training.selection import KeySample

__all__ = [
    "FUTURE_MS",
    "MAX_NOVEL",
    "EffectiveTimes",
    "LineCounts",
    "Row",
    "cut_at_silences",
    "keys_of_files",
    "rows_of",
]

#: A line may be this far ahead of this machine's clock; one beyond takes the time before it in its file. Unlike in
#: serving, a file may be of a zone that nobody said, and zones are up to 26 hours apart.
FUTURE_MS = 26 * 60 * 60 * 1000
#: Texts of novel events that are kept, so that memory stays bounded.
MAX_NOVEL = 20_000


class Row(NamedTuple):
    """One event, in the order in which rows sort.

    Attributes:
        time_ms: Effective time: no earlier than that of the line before it in its file, unless that one is ahead.
        file: Index of its file.
        line: Its line number there, from 1.
        part: Its number within the line, from 0: a line of OTLP holds several.
        event: Event ID, eight bytes.
    """

    time_ms: int
    file: int
    line: int
    part: int
    event: bytes


@dataclass(slots=True)
class LineCounts:
    """What became of the lines that were read.

    Attributes:
        lines: Lines read, blank ones left out.
        without_key: Lines in which no key was found; they give no row.
        unreadable: Lines that are no log lines, by reason.
        novel: The events that no template matches, as templates; at most ``MAX_NOVEL``.
        ahead: Lines whose own time is too far ahead; they take that of the line before.
        outside_sample: Lines whose key the sample leaves out.
    """

    lines: int = 0
    without_key: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    novel: dict[bytes, Template] = field(default_factory=dict)
    ahead: int = 0
    outside_sample: int = 0

    def add(self, lines: int, parsed: ParsedLines, keys: Sequence[bytes | None]) -> None:
        """Count a batch."""
        self.lines += lines
        self.without_key += sum(key is None for key in keys)
        for _, error in parsed.errors:
            self.unreadable[error.reason] = self.unreadable.get(error.reason, 0) + 1
        for event, found in parsed.novel.items():
            self._add_novel(event, found)

    def _add_novel(self, event: bytes, found: NovelEvent) -> None:
        known = self.novel.get(event)
        if known is not None:
            self.novel[event] = Template(event, known.text, known.count + found.count, known.sample)
        elif found.text and len(self.novel) < MAX_NOVEL:
            self.novel[event] = Template(event, found.text, found.count, found.text)

    def to_json(self) -> dict[str, Any]:
        """The counts; without the novel events."""
        return {
            "lines": self.lines,
            "lines_without_key": self.without_key,
            "unreadable_lines": dict(sorted(self.unreadable.items())),
            **({"lines_ahead": self.ahead} if self.ahead else {}),
        }

    def tell(self, progress: Progress) -> None:
        """Note the lines that could not be used, or not as they are."""
        if self.without_key:
            progress.note(f"{self.without_key} of {self.lines} lines have no key and are left out.")
        if self.unreadable:
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.unreadable.items()))
            progress.note(f"lines that cannot be read are left out: {reasons}.")
        if self.ahead:
            progress.note(
                f"{self.ahead} lines state a time more than 26 hours ahead of this machine's clock; each takes that "
                "of the line before it in its file."
            )

    def no_session(self) -> ConfigurationError:
        """The error that no line belongs to a session."""
        reasons = [
            (self.without_key, "have no key", "Check the key's pattern or field against a line of the logs."),
            (self.outside_sample, "have a key that is not in the sample", "Raise the sample ratio, or leave it out."),
            (sum(self.unreadable.values()), "cannot be read", "Check the format."),
        ]
        found = [(f"{count} {what}", advice) for count, what, advice in reasons if count]
        why, what_to_do = ", ".join(each for each, _ in found), " ".join(advice for _, advice in found)
        return ConfigurationError(f"none of the {self.lines} lines belongs to a session: {why}. {what_to_do}")


class EffectiveTimes:
    """Of each file, the time that its lines have reached.

    A line is ahead only where its file has reached a time that is not. A file that begins ahead keeps its own times, up
    to its first line that is not: this machine's clock may be behind, or the times made up.

    Attributes:
        ahead: Lines whose own time was too far ahead.
    """

    def __init__(self) -> None:
        self.ahead = 0
        self._latest_ms = int(time.time() * 1000) + FUTURE_MS
        self._reached_ms: defaultdict[int, int] = defaultdict(int)

    def of(self, file: int, time_ms: int) -> int:
        """Give the time that counts for the next line of a file; its own may be missing (below 0)."""
        reached_ms = self._reached_ms[file]
        begins_ahead = reached_ms > self._latest_ms
        if time_ms > self._latest_ms and reached_ms and not begins_ahead:
            self.ahead += 1
        elif time_ms > reached_ms or (begins_ahead and 0 < time_ms <= self._latest_ms):
            self._reached_ms[file] = reached_ms = time_ms
        return reached_ms


def keys_of_files(key: KeyRule, line_format: LineFormat) -> KeyExtractor | None:
    """What finds the keys of lines in files; None makes each file one key.

    Raises:
        ConfigurationError: The key is to be taken from what only Kafka records have.
    """
    if key.record_key or key.headers:
        raise ConfigurationError(
            "the key is to be taken from record keys or headers, and files have none; name a field or an expression."
        )
    return KeyExtractor(key, line_format) if key.names_a_key else None


def rows_of(
    files: LogFiles, parser: LineParser, keys: KeyExtractor | None, counts: LineCounts, sample: KeySample
) -> Iterator[list[tuple[bytes, Row]]]:
    """Read log files batch by batch.

    Within a file time never goes back: a line that is older than the one before takes its time, as serving does. So
    does one whose time is more than ``FUTURE_MS`` ahead of now, or else all lines behind it would have its time; of a
    file that begins so, see ``EffectiveTimes``.

    Args:
        files: What to read.
        parser: Line -> time and event ID.
        keys: Line -> key; None makes each file one key, its name.
        counts: Counted up.
        sample: Rows of other keys are left out; they are counted as read.

    Yields:
        (key, row) of a batch's lines, in reading order.
    """
    effective = EffectiveTimes()
    for batch in files.batches():
        values = [line for _, _, line in batch]
        parsed = parser.parse(values)
        found = keys.of_lines(values, parsed.record, parsed.line) if keys else _file_keys(batch, parsed, files)
        counts.add(len(batch), parsed, found)
        rows = [(key, row) for key, row in zip(found, _rows(batch, parsed, effective), strict=True) if key is not None]
        counts.ahead = effective.ahead
        kept = [(key, row) for key, row in rows if key in sample]
        counts.outside_sample += len(rows) - len(kept)
        yield kept


def cut_at_silences(rows: Iterable[Row], gap_ms: int) -> Iterator[list[Row]]:
    """Part the rows of one key, which are in their order, where it was silent for longer than the gap."""
    session: list[Row] = []
    for row in rows:
        if session and row.time_ms - session[-1].time_ms > gap_ms:
            yield session
            session = []
        session.append(row)
    if session:
        yield session


def _rows(batch: Sequence[tuple[int, int, bytes]], parsed: ParsedLines, effective: EffectiveTimes) -> Iterator[Row]:
    for record, part, time_ms, event in zip(parsed.record, parsed.line, parsed.time_ms, parsed.event_id, strict=True):
        file, line, _ = batch[record]
        yield Row(effective.of(file, time_ms), file, line, part, event)


def _file_keys(batch: Sequence[tuple[int, int, bytes]], parsed: ParsedLines, files: LogFiles) -> list[bytes | None]:
    return [os.fsencode(files.files[batch[record][0]].name) for record in parsed.record]
