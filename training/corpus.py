"""Log files -> sessions: the lines of each key, in order, cut where the key falls silent."""

import glob
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from model.content import EVENT_BYTES, WindowContent
from model.errors import ConfigurationError
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser, ParsedLines
from stream.windowing.windows import Span, WindowRule, session_spans

__all__ = ["Corpus", "LogFiles", "Session", "read_corpus", "windows_of"]

_LINES_A_BATCH = 20_000
_LONGEST_LINE = 1 << 20


class Session(NamedTuple):
    """The events of one key between two silences.

    Attributes:
        key: Whose events they are.
        events: Event IDs, eight bytes each, oldest first.
        places: Where each comes from: (index of the file, line number from 1).
    """

    key: bytes
    events: bytes
    places: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.places)


@dataclass(slots=True)
class Corpus:
    """What was read.

    Attributes:
        sessions: In order of their first event.
        files: The files, in reading order.
        lines: Lines read, blank ones left out.
        without_key: Lines in which no key was found; they are in no session.
        unreadable: Lines that are no log lines, by reason.
        texts: Texts of the events that no template matches, by event ID.
    """

    sessions: list[Session] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    lines: int = 0
    without_key: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    texts: dict[bytes, str] = field(default_factory=dict)

    def fingerprint(self) -> dict[str, object]:
        """Counts, and a hash of all keys and events: equal for equal data."""
        digest = sha256()
        for session in sorted(self.sessions):
            digest.update(len(session.key).to_bytes(4, "big") + session.key + session.events)
        return {
            "files": [path.name for path in self.files],
            "lines": self.lines,
            "lines_without_key": self.without_key,
            "unreadable_lines": dict(sorted(self.unreadable.items())),
            "sessions": len(self.sessions),
            "events": sum(map(len, self.sessions)),
            "sha256": digest.hexdigest(),
        }


class LogFiles:
    """The lines of log files.

    Args:
        inputs: Files, folders (with everything below them, hidden files left out) and globs; ``.gz`` is unpacked.

    Raises:
        ConfigurationError: An input leads to no file.
    """

    def __init__(self, inputs: Sequence[str | Path]) -> None:
        if not inputs:
            raise ConfigurationError("no log files are named; name files, folders or globs.")
        self.files = list(dict.fromkeys(path for item in inputs for path in _expand(item)))

    def lines(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (index of the file, line number from 1, line without its end), blank lines left out.

        Raises:
            ConfigurationError: A file cannot be read.
        """
        for index, path in enumerate(self.files):
            try:
                with _opened(path) as file:
                    for number, line in enumerate(_bounded_lines(file), start=1):
                        if stripped := line.rstrip(b"\r\n"):
                            yield index, number, stripped
            except (OSError, EOFError, zlib.error) as exc:
                raise ConfigurationError(f"cannot read {path}: {exc}. Leave it out, or name a whole file.") from exc

    def batches(self) -> Iterator[list[tuple[int, int, bytes]]]:
        """Yield the lines in batches that fit into memory."""
        lines = self.lines()
        while batch := list(islice(lines, _LINES_A_BATCH)):
            yield batch


def read_corpus(files: LogFiles, parser: LineParser, keys: KeyExtractor | None, session_gap_ms: int) -> Corpus:
    """Read log files into sessions as a partition would see them.

    Within a file time never goes back: a line that is older than the one before takes its time, as serving does.
    Files may overlap in time; their lines are merged by it.

    Args:
        files: What to read.
        parser: Line -> time and event ID.
        keys: Line -> key; None makes each file one key, its name.
        session_gap_ms: Silence, in event time, that ends a session.
    """
    corpus = Corpus(files=files.files)
    gathered = _Gathered(corpus)
    for batch in files.batches():
        values = [line for _, _, line in batch]
        parsed = parser.parse(values)
        found = keys.of_lines(values, parsed.record, parsed.line) if keys else _file_keys(batch, parsed, files)
        gathered.add(batch, parsed, found)
    corpus.sessions = gathered.sessions(session_gap_ms)
    return corpus


def windows_of(session: Session, rule: WindowRule) -> Iterator[tuple[Span, WindowContent]]:
    """Cut a session as serving would cut it."""
    for span in session_spans(len(session), rule):
        events = session.events[EVENT_BYTES * span.start : EVENT_BYTES * span.stop]
        yield span, WindowContent(events, span.start == 0, span.final)


class _Row(NamedTuple):
    time_ms: int
    file: int
    line: int
    event: bytes


class _Gathered:
    """The events of each key so far."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._rows: defaultdict[bytes, list[_Row]] = defaultdict(list)
        self._stream_time_ms: defaultdict[int, int] = defaultdict(int)

    def add(self, batch: Sequence[tuple[int, int, bytes]], parsed: ParsedLines, keys: Sequence[bytes | None]) -> None:
        """Take a batch of (file, line number, line), with what parsing it gave and the key of each parsed line."""
        self._corpus.lines += len(batch)
        for _, error in parsed.errors:
            self._corpus.unreadable[error.reason] = self._corpus.unreadable.get(error.reason, 0) + 1
        self._corpus.texts.update({event: novel.text for event, novel in parsed.novel.items()})
        times = self._stream_time_ms
        for record, time_ms, event, key in zip(parsed.record, parsed.time_ms, parsed.event_id, keys, strict=True):
            file, line, _ = batch[record]
            times[file] = effective_ms = max(time_ms, times[file])
            if key is None:
                self._corpus.without_key += 1
            else:
                self._rows[key].append(_Row(effective_ms, file, line, event))

    def sessions(self, gap_ms: int) -> list[Session]:
        """All sessions, in the order in which they begin."""
        cut = [
            (rows[0], _session(key, rows)) for key, all_rows in self._rows.items() for rows in _cut(all_rows, gap_ms)
        ]
        cut.sort(key=lambda pair: (pair[0].time_ms, pair[0].file, pair[0].line, pair[1].key))
        return [session for _, session in cut]


def _cut(rows: list[_Row], gap_ms: int) -> Iterator[list[_Row]]:
    """Order the events of a key and cut them where it was silent."""
    rows = sorted(rows, key=lambda row: (row.time_ms, row.file))  # stable: ties keep the order of their file
    start = 0
    for i in range(1, len(rows)):
        if rows[i].time_ms - rows[i - 1].time_ms > gap_ms:
            yield rows[start:i]
            start = i
    yield rows[start:]


def _session(key: bytes, rows: list[_Row]) -> Session:
    return Session(key, b"".join(row.event for row in rows), tuple((row.file, row.line) for row in rows))


def _file_keys(batch: Sequence[tuple[int, int, bytes]], parsed: ParsedLines, files: LogFiles) -> list[bytes | None]:
    return [files.files[batch[record][0]].name.encode() for record in parsed.record]


def _expand(item: str | Path) -> list[Path]:
    path = Path(item)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [p for p in sorted(path.rglob("*")) if p.is_file() and not p.name.startswith(".")]
    else:
        found = [p for p in map(Path, sorted(glob.glob(str(item), recursive=True))) if p.is_file()]  # noqa: PTH207
    if not found:
        raise ConfigurationError(f"{item} leads to no log file; name a file, a folder with files, or a glob.")
    return found


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines; of a line longer than a megabyte only its beginning, so that memory stays bounded."""
    inside = False
    while chunk := file.readline(_LONGEST_LINE):
        if not inside:
            yield chunk
        inside = not chunk.endswith(b"\n")
