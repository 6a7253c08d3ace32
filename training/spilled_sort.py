"""Sorting more records than fit into memory: sorted runs in files, merged."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

__all__ = ["SpilledSort"]

_MEMORY_BYTES = 48 << 20
#: What Python needs for a record beside its bytes.
_RECORD_OVERHEAD = 48
#: So many runs are open at once; more are merged into one first.
_MOST_RUNS = 64
_LENGTH_BYTES = 8


class SpilledSort:
    """Takes records in any order and gives them back sorted.

    What does not fit into memory is in files of a folder; deleting it is the caller's.

    Args:
        folder: Where to write.
        name: Of the files; no other sort in the folder has it.
        memory_bytes: How much is held in memory.
    """

    def __init__(self, folder: Path, name: str, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._folder, self._name, self._memory_bytes = folder, name, memory_bytes
        self._records: list[bytes] = []
        self._held_bytes = 0
        self._levels: list[list[Path]] = []  # a run of a level is as long as a full level below it
        self._files = 0

    def add(self, record: bytes) -> None:
        """Take a record.

        Raises:
            OSError: The disk refuses.
        """
        self._records.append(record)
        self._held_bytes += len(record) + _RECORD_OVERHEAD
        if self._held_bytes > self._memory_bytes:
            self._records.sort()
            self._keep(self._write(self._records), level=0)
            self._records, self._held_bytes = [], 0

    def drain(self) -> Iterator[bytes]:
        """Yield all records in the order of their bytes; once.

        Raises:
            OSError: The disk refuses.
        """
        self._records.sort()
        runs = [run for level in self._levels for run in level]
        yield from _merged(runs, self._records)
        self._records = []

    def _keep(self, run: Path, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(run)
        if len(runs) == _MOST_RUNS:
            self._levels[level] = []
            self._keep(self._write(_merged(runs)), level + 1)

    def _write(self, records: Iterable[bytes]) -> Path:
        path = self._folder / f"{self._name}-{self._files}.run"
        self._files += 1
        with path.open("xb") as file:
            for record in records:
                file.write(len(record).to_bytes(_LENGTH_BYTES, "big"))
                file.write(record)
        return path


def _merged(runs: list[Path], *others: Iterable[bytes]) -> Iterator[bytes]:
    """Merge runs, and delete them."""
    with ExitStack() as stack:
        files = [stack.enter_context(run.open("rb")) for run in runs]
        yield from heapq.merge(*map(_read, files), *others)
    for run in runs:
        run.unlink()


def _read(file: BinaryIO) -> Iterator[bytes]:
    while length := file.read(_LENGTH_BYTES):
        yield file.read(int.from_bytes(length, "big"))
