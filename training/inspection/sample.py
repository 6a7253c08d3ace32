"""A bounded part of many logs to look at: all of small ones, places all over large ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from model.errors import ConfigurationError
from training.day_files import refuse_day_files
from training.log_files import LogFiles

__all__ = ["Sample", "take_sample"]

_MOST_LINES = 120_000
_MOST_BYTES = 32 << 20
#: Half of a sample is the beginning; the other half comes from so many places behind it.
_PLACES = 15
#: About how much longer than its file the text of a .gz file is.
_UNPACKED = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines to look at.

    Attributes:
        lines: Without their ends, blank ones left out; at least one.
        files: For each line, the index of its file.
        paths: All files of the logs.
        size_bytes: Of the files as they lie there, packed ones packed.
        whole: Whether these are all lines.
    """

    lines: list[bytes]
    files: list[int]
    paths: list[Path]
    size_bytes: int
    whole: bool


def take_sample(inputs: Sequence[str | Path], most_lines: int = _MOST_LINES, most_bytes: int = _MOST_BYTES) -> Sample:
    """Read a sample.

    Args:
        inputs: Files, folders and globs; ``.gz`` is unpacked.
        most_lines: More are not taken.
        most_bytes: More of their text is not taken, but for the rest of a line, which may be 64 MiB long.

    Raises:
        ConfigurationError: An input leads to no file or no line or to preprocessed logs, or a file cannot be read.
    """
    logs = LogFiles(inputs)
    refuse_day_files(logs.files)
    lines = ((file, line) for file, _, line in logs.lines())
    taken = list(_bounded(lines, most_lines, most_bytes))
    if not taken:
        raise ConfigurationError(f"there is no line in {', '.join(map(str, inputs))}; name logs of normal operation.")
    whole = next(lines, None) is None
    if not whole:
        taken = list(_bounded(taken, most_lines // 2, most_bytes // 2))
        begun = sum(len(line) + 1 for _, line in taken)
        for file, offset, room in _places([_text_bytes(path) for path in logs.files], begun):
            if sum(len(line) for _, line in taken) >= most_bytes:  # a line may be longer than all that was asked for
                break
            more = ((file, line) for line in logs.lines_from(file, offset))
            taken += _bounded(more, most_lines // 2 // _PLACES, min(room, most_bytes // 2 // _PLACES))
    size = sum(path.stat().st_size for path in logs.files)
    return Sample([line for _, line in taken], [file for file, _ in taken], logs.files, size, whole)


def _bounded(lines: Iterable[tuple[int, bytes]], most_lines: int, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield lines up to the bounds; of an iterator, the line after the last one stays where it is."""
    held = 0
    for item in islice(lines, most_lines):
        held += len(item[1])
        yield item
        if held >= most_bytes:
            return


def _text_bytes(path: Path) -> int:
    return path.stat().st_size * (_UNPACKED if path.suffix == ".gz" else 1)


def _places(texts: Sequence[int], begun: int) -> Iterator[tuple[int, int, int]]:
    """Yield (index of a file, offset in its text, room behind it), evenly spaced behind the beginning."""
    room = (sum(texts) - begun) // _PLACES
    for number in range(_PLACES if room > 0 else 0):
        offset = begun + room * number
        for file, size in enumerate(texts):
            if offset < size:
                yield file, offset, room
                break
            offset -= size
