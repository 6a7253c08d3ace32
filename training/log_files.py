"""The lines of log files: folders and globs, compressed or not, in batches that fit into memory."""

import errno
import glob
import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from model.errors import ConfigurationError
from model.lines.records import MAX_RECORD_BYTES
from training.file_identity import identity_of
from training.progress import Progress
from training.selection import Selection

__all__ = ["LogFiles", "name_text", "opened"]

_LINES_A_BATCH = 20_000
_BYTES_A_BATCH = 64 << 20
#: One byte more than any reader takes, so that a reader tells of a line that is longer.
_LONGEST_LINE = MAX_RECORD_BYTES + 1
_PASSED_OVER_AT_ONCE = 1 << 20
#: So many of what is not read are told by name.
_NAMED = 3


class LogFiles:
    """The lines of log files.

    Args:
        inputs: Files, folders (with everything below them, what is hidden left out) and globs; ``.gz`` is unpacked.

    Attributes:
        files: In reading order. One that several names lead to, as links beside it do, is read once.
        passed_over: What was found and is not read: closed folders below a named one, folders that a glob matches,
            links to folders, and what is neither file nor folder; but no folder that another input leads into.

    Raises:
        ConfigurationError: An input leads to no file, or is a folder that cannot be looked into.
    """

    def __init__(self, inputs: Selection | Sequence[str | Path]) -> None:
        selection = Selection.of(inputs)
        if not selection.paths:
            raise ConfigurationError("no log files are named; name files, folders or globs.")
        found: dict[object, Path] = {}
        others, entered = dict[Path, None](), set[Path]()
        for item in selection.paths:
            files, beside = _expand(item)
            others.update(dict.fromkeys(beside))
            for path in files:
                found.setdefault(identity_of(path), path)
                entered.update(path.parents)
        self.files = list(found.values())[: selection.max_files]
        self.passed_over = [path for path in others if path not in entered]

    @property
    def names(self) -> list[str]:
        """The name of each file, as ``name_text`` gives it."""
        return [name_text(path.name) for path in self.files]

    def tell(self, progress: Progress) -> None:
        """Note what was found and is not read."""
        if self.passed_over:
            named = ", ".join(map(str, self.passed_over[:_NAMED])) + (" ..." if self.passed_over[_NAMED:] else "")
            progress.note(
                f"{len(self.passed_over)} names are passed over, as they are closed folders, folders that a glob "
                f"matches, links to folders, or neither file nor folder: {named}. A folder, or one that a link leads "
                "to, is read where it is named itself and may be looked into."
            )

    def lines(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (index of the file, line number from 1, line without its end), blank lines left out.

        Raises:
            ConfigurationError: A file cannot be read.
        """
        for index, path in enumerate(self.files):
            with _readable(path), opened(path) as file:
                for number, line in enumerate(_bounded_lines(file), start=1):
                    if stripped := line.rstrip(b"\r\n"):
                        yield index, number, stripped

    def lines_from(self, index: int, offset: int) -> Iterator[bytes]:
        """Yield the lines of one file behind a place in its text, without their ends, blank ones left out.

        Args:
            index: Of the file.
            offset: In bytes of its text; the line that it falls into is passed over. Past the end there are none.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        path = self.files[index]
        with _readable(path), opened(path) as file:
            file.seek(offset)
            lines = _bounded_lines(file)
            if offset:
                next(lines, None)
            for line in lines:
                if stripped := line.rstrip(b"\r\n"):
                    yield stripped

    def batches(self) -> Iterator[list[tuple[int, int, bytes]]]:
        """Yield the lines in batches that fit into memory."""
        lines = self.lines()
        while batch := list(_bounded_batch(lines)):
            yield batch


def name_text(name: str | Path) -> str:
    r"""Give a file's name as text that can be written anywhere: bytes that are no UTF-8 stand as ``\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as exc:
        raise ConfigurationError(f"cannot read {path}: {exc}. Leave it out, or name a whole file.") from exc


def opened(path: Path) -> BinaryIO:
    """Open a file for reading; ``.gz`` is unpacked."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _expand(item: str | Path) -> tuple[list[Path], list[Path]]:
    """The files that an input leads to, and what it leads to that is not read."""
    path = Path(item)
    try:
        if path.is_file():
            return [path], []
        found = _below(path) if path.is_dir() else map(Path, sorted(glob.glob(str(item), recursive=True)))  # noqa: PTH207
        files, others = list[Path](), list[Path]()
        for each in found:
            (files if each.is_file() else others).append(each)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot look for logs at {exc.filename or item}: {exc.strerror}. Name what can be read, or have it made "
            "readable."
        ) from exc
    if not files:
        raise ConfigurationError(f"{item} leads to no log file; name a file, a folder with files, or a glob.")
    return files, others


def _below(folder: Path) -> list[Path]:
    """All below a folder in the order of names, but what is hidden and the folders that are looked into.

    Links to folders are not followed. One closed folder, such as ``lost+found``, keeps nobody from all others.
    """
    found = list[Path]()

    def closed(error: OSError) -> None:
        path = Path(error.filename)
        if path == folder or not isinstance(error, PermissionError):
            raise error
        found.append(path)

    for parent, folders, names in os.walk(folder, onerror=closed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if not os.access(parent, os.X_OK):  # its names can be listed, and nothing behind them looked at
            folders.clear()
            closed(PermissionError(errno.EACCES, os.strerror(errno.EACCES), parent))
            continue
        found += [Path(parent, name) for name in names if not name.startswith(".")]
        found += [path for name in folders if (path := Path(parent, name)).is_symlink()]
    return sorted(found)


def _bounded_batch(lines: Iterator[tuple[int, int, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    held = 0
    for each in islice(lines, _LINES_A_BATCH):
        yield each
        held += len(each[2])
        if held >= _BYTES_A_BATCH:
            return


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines; of one that is longer than any reader takes only its beginning, so that memory stays bounded."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(_PASSED_OVER_AT_ONCE)
