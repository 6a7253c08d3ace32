"""Labelled sequences of ready-made event IDs, HDFS's and ADFA-LD's, as preprocessed logs and a file of labels."""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from model.events.identity import event_id
from model.events.templates import Template, Templates
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from training.day_files import Source, encode_sequence, file_name, write_day_file
from training.rows import LineCounts, Row
from training.selection import KeySample

__all__ = ["SEQUENCES", "Sequences"]

#: Any day does: the sequences tell no times.
_DAY, _DAY_MS = "2000-01-01", 946_684_800_000
_GAP_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Sequences:
    """Where the parts of a data set lie, and what its event numbers mean.

    Attributes:
        training: CSV of normal sequences; ``.gz`` is unpacked.
        judged: CSV of sequences with a ``label``.
        key: The column that names a sequence.
        texts: Gives the text of each event number, from the data set's folder.
    """

    training: str
    judged: str
    key: str
    texts: Callable[[Path], Mapping[str, str]]

    def is_in(self, folder: Path) -> bool:
        """Whether the data are there."""
        return (folder / self.training).is_file()

    def write(self, folder: Path, output: Path) -> tuple[Path, Path, Path]:
        """Write preprocessed logs to learn from, others to judge by, and their labels.

        Args:
            folder: The data set's.
            output: A folder to write to.

        Returns:
            The three paths, in this order.
        """
        texts = self.texts(folder)
        paths = []
        for part, name in (("training", self.training), ("judged", self.judged)):
            paths.append(output / part / file_name(_DAY))
            paths[-1].parent.mkdir(parents=True)
            rows = {row[self.key]: row["events"].split() for row in _rows(folder / name)}
            _write(paths[-1], name, rows, texts)
        labels = output / "labels.csv"
        with labels.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [("key", "label"), *((row[self.key], row["label"]) for row in _rows(folder / self.judged))]
            )
        return paths[0], paths[1], labels


def _hdfs_texts(folder: Path) -> Mapping[str, str]:
    return {row["id"]: row["template"] for row in _rows(folder / "templates.csv")}


def _adfa_texts(folder: Path) -> Mapping[str, str]:
    calls = {call for name in ("train_normal", "sessions_test") for row in _rows(folder / f"{name}.csv.gz")
             for call in row["events"].split()}  # fmt: skip
    return {call: f"system call number {call}" for call in calls}


SEQUENCES = {
    "hdfs": Sequences("sessions_train.csv", "sessions_test.csv", "block_id", _hdfs_texts),
    "adfa": Sequences("train_normal.csv.gz", "sessions_test.csv.gz", "trace", _adfa_texts),
}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with _opened(path) as file:
        yield from csv.DictReader(file)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")
    return path.open(newline="", encoding="utf-8")


def _write(path: Path, name: str, sequences: Mapping[str, list[str]], texts: Mapping[str, str]) -> None:
    events = {number: event_id(text) for number, text in texts.items()}
    used = {number for sequence in sequences.values() for number in sequence}
    templates = Templates([Template(events[number], texts[number], 1, texts[number]) for number in sorted(used)])
    source = Source(
        line_format=LineFormat(),
        templates=templates,
        novel=Templates([]),
        model=None,
        key=KeyRule(pattern="(.*)"),
        session_gap_ms=_GAP_MS,
        sample=KeySample(),
        files=(name,),
        counts=LineCounts(lines=sum(map(len, sequences.values()))),
        days={_DAY: len(sequences)},
    )
    written = (encode_sequence(key.encode(), _events(sequence, events)) for key, sequence in sequences.items())
    with path.open("wb") as file:
        write_day_file(file, _DAY, source, written)


def _events(sequence: list[str], events: Mapping[str, bytes]) -> Iterator[Row]:
    for number, event in enumerate(sequence, start=1):
        yield Row(_DAY_MS + number, 0, number, 0, events[event])
