"""Files that are written whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

import orjson

from model.errors import ConfigurationError

__all__ = ["write_json", "written_whole"]


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file under a temporary name; it gets its own when the block ends well, else it is removed.

    Of several that write one file at once, each writes it whole; that of the last one stays.

    Raises:
        ConfigurationError: It cannot be written.
    """
    # Not made of the file's name, which may be as long as the system allows.
    temporary = path.parent / f".{token_hex(8)}.part"
    try:
        _refuse_other_kinds(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:  # x: whatever has that name, such as a link, is not written through
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as exc:
        raise _refused(path, exc) from exc
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file.

    Raises:
        ConfigurationError: It cannot be written.
    """
    with written_whole(path) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def _refuse_other_kinds(path: Path) -> None:
    """Raise an ``OSError`` where the path has something that is no regular file: a folder, a device, a pipe."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a device or a pipe, which cannot be written whole or not at all", str(path))


def _refused(path: Path, exc: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write {path}: {exc}. Name a file in a folder that can be written.")
