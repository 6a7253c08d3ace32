"""Log files -> sessions: the lines of each key, in order, cut where the key falls silent."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from model.content import EVENT_BYTES, WindowContent
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from stream.windowing.windows import Span, WindowRule, session_spans
from training.log_files import LogFiles
from training.rows import LineCounts, Row, cut_at_silences, rows_of
from training.selection import KeySample

__all__ = ["Corpus", "Session", "read_corpus", "session_of", "windows_of"]


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
        files: The log files, in reading order.
        counts: What became of their lines.
        days: The days that the sessions are of, where they are some of those that were preprocessed; else empty.
    """

    sessions: list[Session]
    files: list[Path]
    counts: LineCounts
    days: tuple[str, ...] = ()

    def fingerprint(self) -> dict[str, object]:
        """Counts, and a hash of all keys and events: equal for equal data, whenever it is read."""
        digest = sha256()
        for session in sorted(self.sessions):
            digest.update(len(session.key).to_bytes(4, "big") + session.key + session.events)
        counts = self.counts.to_json()
        counts.pop("lines_ahead", None)  # which lines are ahead is a matter of when they are read
        return {
            "files": [path.name for path in self.files],
            **counts,
            "sessions": len(self.sessions),
            "events": sum(map(len, self.sessions)),
            "sha256": digest.hexdigest(),
            **({"days": list(self.days)} if self.days else {}),
        }


def read_corpus(
    files: LogFiles,
    parser: LineParser,
    keys: KeyExtractor | None,
    session_gap_ms: int,
    sample: KeySample = KeySample(),  # noqa: B008 - frozen, so one for all does no harm
) -> Corpus:
    """Read log files into sessions as a partition would see them.

    Files may overlap in time; their lines are merged by it.

    Args:
        files: What to read.
        parser: Line -> time and event ID.
        keys: Line -> key; None makes each file one key, its name.
        session_gap_ms: Silence, in event time, that ends a session.
        sample: Which keys.
    """
    counts = LineCounts()
    by_key: defaultdict[bytes, list[Row]] = defaultdict(list)
    for batch in rows_of(files, parser, keys, counts, sample):
        for key, row in batch:
            by_key[key].append(row)
    return Corpus(_sessions(by_key, session_gap_ms), files.files, counts)


def windows_of(session: Session, rule: WindowRule) -> Iterator[tuple[Span, WindowContent]]:
    """Cut a session as serving would cut it."""
    for span in session_spans(len(session), rule):
        events = session.events[EVENT_BYTES * span.start : EVENT_BYTES * span.stop]
        yield span, WindowContent(events, span.start == 0, span.final)


def session_of(key: bytes, rows: Iterable[Row]) -> Session:
    """The session that rows of one key are."""
    rows = list(rows)
    return Session(key, b"".join(row.event for row in rows), tuple((row.file, row.line) for row in rows))


def _sessions(by_key: dict[bytes, list[Row]], gap_ms: int) -> list[Session]:
    """All sessions, in the order in which they begin."""
    cut = [
        (rows[0], session_of(key, rows))
        for key, all_rows in by_key.items()
        for rows in cut_at_silences(sorted(all_rows), gap_ms)
    ]
    cut.sort(key=lambda pair: (pair[0].time_ms, pair[0].file, pair[0].line, pair[1].key))
    return [session for _, session in cut]
