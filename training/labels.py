"""Labels: which keys, or which lines, are abnormal, and what of scored windows they let one judge."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from model.errors import ConfigurationError
from training.score import ScoredWindow

__all__ = ["Judged", "KeyLabels", "Labels", "LineLabels", "read_labels"]

_Named = TypeVar("_Named")

_NORMAL_WORDS = frozenset({"0", "false", "no", "normal", "-", ""})
_ABNORMAL_WORDS = frozenset({"1", "true", "yes", "abnormal", "anomaly", "anomalous"})


#: Of many logs, only so many are named in an error.
_SHOWN_FILES = 5
#: More digits than any line's number has.
_MOST_DIGITS = 15


class Judged(NamedTuple):
    """What labels say of scored windows.

    Attributes:
        units: For each thing that is judged whether it is abnormal, and its windows, of which one suffices to flag it.
        unlabelled: Keys in the logs that the labels do not name; they are left out.
        absent: Keys, or abnormal lines, of the labels that the logs do not have; they are left out.
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
        abnormal: Numbers of the abnormal lines, from 1, by the name of their file; by None where the labels name no
            files. All other lines are normal.
    """

    abnormal: Mapping[str | None, frozenset[int]]
    unit = "windows"

    def judge(self, windows: Iterable[ScoredWindow]) -> Judged:
        """Judge each window by its lines.

        Raises:
            ConfigurationError: It cannot be told which file a label means.
        """
        windows = list(windows)
        self._check({id(window.files): window.files for window in windows}.values())
        held: set[tuple[str | None, int]] = set()
        units: list[tuple[bool, Sequence[ScoredWindow]]] = []
        for window in windows:
            found = self._abnormal_lines(window)
            held |= found
            units.append((bool(found), (window,)))
        return Judged(units, absent=sum(map(len, self.abnormal.values())) - len(held))

    def _abnormal_lines(self, window: ScoredWindow) -> set[tuple[str | None, int]]:
        found: set[tuple[str | None, int]] = set()
        for file, line in window.session.places[window.span.start : window.span.stop]:
            name = None if None in self.abnormal else window.files[file]
            if line in self.abnormal.get(name, ()):
                found.add((name, line))
        return found

    def _check(self, logs: Iterable[Sequence[str]]) -> None:
        names = [name for files in logs for name in files]
        shown = ", ".join(sorted(set(names))[:_SHOWN_FILES])
        if None in self.abnormal and len(names) > 1:
            raise ConfigurationError(
                f"the labels name lines but no files, and there are {len(names)} logs: {shown}. Add a column `file`."
            )
        for name in self.abnormal:
            if name is not None and names.count(name) != 1:
                raise ConfigurationError(
                    f"the labels name the file {name!r}, and {names.count(name)} of the logs have this name; it must be"
                    f" one. The logs are: {shown}. Name files without their folders."
                )


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
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ConfigurationError(f"cannot read the labels {path}: {exc}.") from exc
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 - a key and a label
        raise ConfigurationError(f"{path} must have a header and at least two columns, a key or a line and a label.")
    rows[0] = [name.strip() for name in rows[0]]
    return _line_labels(rows, path) if "line" in rows[0] and "label" in rows[0] else _key_labels(rows, path)


def _key_labels(rows: Sequence[Sequence[str]], path: Path) -> KeyLabels:
    column = rows[0].index("label") if "label" in rows[0] else 1
    found: dict[bytes, bool] = {}
    for number, row in enumerate(rows[1:], 2):
        if row:
            where = f"{path}, row {number}"
            _add(found, row[0].encode(), _label(row, column, where), where)
    return KeyLabels(found)


def _line_labels(rows: Sequence[Sequence[str]], path: Path) -> LineLabels:
    header = rows[0]
    label, line = header.index("label"), header.index("line")
    file = header.index("file") if "file" in header else None
    labels: dict[tuple[str | None, int], bool] = {}
    for number, row in enumerate(rows[1:], 2):
        if row:
            where = f"{path}, row {number}"
            _add(labels, (_file(row, file, where), _line(row, line, where)), _label(row, label, where), where)
    found: defaultdict[str | None, set[int]] = defaultdict(set)
    for (name, place), abnormal in labels.items():
        if abnormal:
            found[name].add(place)
    return LineLabels({name: frozenset(lines) for name, lines in found.items()})


def _add(labels: dict[_Named, bool], named: _Named, abnormal: bool, where: str) -> None:  # noqa: FBT001 -- a label
    if labels.setdefault(named, abnormal) != abnormal:
        raise ConfigurationError(f"{where}: a row before says the opposite; give each key or line one label.")


def _label(row: Sequence[str], column: int, where: str) -> bool:
    word = row[column].strip().lower() if column < len(row) else "(none)"
    if word not in _NORMAL_WORDS | _ABNORMAL_WORDS:
        raise ConfigurationError(f"{where}: the label {word!r} is not understood; write 0 (normal) or 1 (abnormal).")
    return word in _ABNORMAL_WORDS


def _line(row: Sequence[str], column: int, where: str) -> int:
    word = row[column].strip() if column < len(row) else "(none)"
    if not word.isascii() or not word.isdecimal() or len(word) > _MOST_DIGITS or int(word) < 1:
        raise ConfigurationError(f"{where}: the line {word[:40]!r} is not understood; write its number, from 1.")
    return int(word)


def _file(row: Sequence[str], column: int | None, where: str) -> str | None:
    if column is None:
        return None
    if column >= len(row) or not row[column].strip():
        raise ConfigurationError(f"{where}: no file is named; write the name of the log, without its folders.")
    return row[column].strip()
