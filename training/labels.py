"""Labels: which keys, or which lines, are abnormal, and what of scored windows they let one judge."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from model.errors import ConfigurationError
from training.score import ScoredWindow

__all__ = ["Judged", "KeyLabels", "Labels", "LineLabels", "read_labels"]

_NORMAL_WORDS = frozenset({"0", "false", "no", "normal", "-", ""})
_ABNORMAL_WORDS = frozenset({"1", "true", "yes", "abnormal", "anomaly", "anomalous"})


class Judged(NamedTuple):
    """What labels say of scored windows.

    Attributes:
        units: For each thing that is judged whether it is abnormal, and its windows, of which one suffices to flag it.
        unlabelled: Keys in the logs that the labels do not name; they are left out.
        absent: Keys of the labels that the logs do not have; they are left out.
    """

    units: Sequence[tuple[bool, Sequence[ScoredWindow]]]
    unlabelled: int = 0
    absent: int = 0


@dataclass(frozen=True, slots=True)
class KeyLabels:
    """A label for each key: keys are judged.

    Attributes:
        abnormal: Whether each key is.
    """

    abnormal: Mapping[bytes, bool]
    unit = "keys"

    def judge(self, windows: Iterable[ScoredWindow]) -> Judged:
        """Put windows together by key."""
        by_key: defaultdict[bytes, list[ScoredWindow]] = defaultdict(list)
        for window in windows:
            by_key[window.session.key].append(window)
        units = [(self.abnormal[key], found) for key, found in by_key.items() if key in self.abnormal]
        return Judged(units, len(by_key) - len(units), len(self.abnormal) - len(units))


@dataclass(frozen=True, slots=True)
class LineLabels:
    """A label for lines: windows are judged, which are abnormal where they hold an abnormal line.

    Attributes:
        abnormal: Numbers of the abnormal lines, from 1, by the name of their file; by None in whatever file they are.
            All other lines are normal.
    """

    abnormal: Mapping[str | None, frozenset[int]]
    unit = "windows"

    def judge(self, windows: Iterable[ScoredWindow]) -> Judged:
        """Judge each window by its lines."""
        return Judged([(self._is_abnormal(window), (window,)) for window in windows])

    def _is_abnormal(self, window: ScoredWindow) -> bool:
        places = window.session.places[window.span.start : window.span.stop]
        everywhere = self.abnormal.get(None, frozenset())
        return any(line in everywhere or line in self.abnormal.get(window.files[file], ()) for file, line in places)


Labels = KeyLabels | LineLabels


def read_labels(path: Path) -> Labels:
    """Read which keys or lines are abnormal.

    Args:
        path: CSV with a header and a column ``label``. With a column ``line``, and ``file`` where there are several
            logs, it labels lines. Otherwise its first column is the key, and without a column ``label`` its second is
            the label.

    Raises:
        ConfigurationError: The file cannot be read, or a label or a line number is not understood.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ConfigurationError(f"cannot read the labels {path}: {exc}.") from exc
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 - a key and a label
        raise ConfigurationError(f"{path} must have a header and at least two columns, a key or a line and a label.")
    return _line_labels(rows, path) if "line" in rows[0] and "label" in rows[0] else _key_labels(rows, path)


def _key_labels(rows: Sequence[Sequence[str]], path: Path) -> KeyLabels:
    column = rows[0].index("label") if "label" in rows[0] else 1
    return KeyLabels(
        {row[0].encode(): _label(row, column, f"{path}, row {number}") for number, row in enumerate(rows[1:], 2) if row}
    )


def _line_labels(rows: Sequence[Sequence[str]], path: Path) -> LineLabels:
    header = rows[0]
    label, line = header.index("label"), header.index("line")
    file = header.index("file") if "file" in header else None
    found: defaultdict[str | None, set[int]] = defaultdict(set)
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        where = f"{path}, row {number}"
        if _label(row, label, where):
            found[_file(row, file, where)].add(_line(row, line, where))
    return LineLabels({name: frozenset(lines) for name, lines in found.items()})


def _label(row: Sequence[str], column: int, where: str) -> bool:
    word = row[column].strip().lower() if column < len(row) else "(none)"
    if word not in _NORMAL_WORDS | _ABNORMAL_WORDS:
        raise ConfigurationError(f"{where}: the label {word!r} is not understood; write 0 (normal) or 1 (abnormal).")
    return word in _ABNORMAL_WORDS


def _line(row: Sequence[str], column: int, where: str) -> int:
    word = row[column].strip() if column < len(row) else "(none)"
    if not word.isascii() or not word.isdecimal() or int(word) < 1:
        raise ConfigurationError(f"{where}: the line {word!r} is not understood; write its number, from 1.")
    return int(word)


def _file(row: Sequence[str], column: int | None, where: str) -> str | None:
    if column is None:
        return None
    if column >= len(row) or not row[column].strip():
        raise ConfigurationError(f"{where}: no file is named; write the name of the log, without its folders.")
    return row[column].strip()
