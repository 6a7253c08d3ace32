"""The session gap from all lines of large logs, in bounded memory: all lines of some keys, chosen by a hash.

A sample of lines would tear sessions apart; a sample of keys keeps them whole.
"""

from model.lines.key_rule import KeyRule
from model.lines.parser import LineParser
from training.inspection.coding import numbered
from training.inspection.session_gap import SessionGap, proposed_gap
from training.log_files import LogFiles
from training.progress import Progress
from training.rows import LineCounts, Row, keys_of_files, rows_of
from training.selection import KeySample

__all__ = ["surveyed_gap"]

_MOST_LINES = 300_000
#: With so few keys none is left out; then it is the later lines that are.
_FEW_KEYS = 40


def surveyed_gap(
    files: LogFiles, parser: LineParser, key: KeyRule, progress: Progress, most_lines: int = _MOST_LINES
) -> SessionGap:
    """Propose a session gap from all lines.

    Args:
        files: All logs.
        parser: Line -> time and event.
        key: Whose sequence a line belongs to.
        progress: Told how far it is.
        most_lines: So many are kept.
    """
    kept, counts, read = _KeptKeys(most_lines), LineCounts(), 0
    progress.begin("silences", None)
    for batch in rows_of(files, parser, keys_of_files(key, parser.line_format), counts, KeySample()):
        kept.add(batch)
        progress.advance(counts.lines - read, {})
        read = counts.lines
    progress.end()
    rows = sorted(kept.rows, key=lambda each: each[1])
    return proposed_gap(
        [key for key, _ in rows], [row.time_ms for _, row in rows], numbered([row.event for _, row in rows])
    )


class _KeptKeys:
    """Rows of a share of the keys that is halved whenever they are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sample = KeySample()
        self.rows: list[tuple[bytes, Row]] = []

    def add(self, rows: list[tuple[bytes, Row]]) -> None:
        self.rows += [each for each in rows if each[0] in self._sample]
        while len(self.rows) > self._most:
            if len({key for key, _ in self.rows}) <= _FEW_KEYS:
                del self.rows[self._most :]
            else:
                self._sample = KeySample(0.5).of(self._sample)
                self.rows = [each for each in self.rows if each[0] in self._sample]
