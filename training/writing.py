"""Files that are written whole or not at all."""

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

import orjson

from model.artefact_folder import check_output
from model.errors import ConfigurationError, ModelError
from training.file_identity import identity_of

__all__ = ["check_model_folder", "check_outputs", "standard_output", "write_json", "written_whole"]


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """Refuse files that cannot be written, or would replace what is read or each other: before the work is done.

    Args:
        outputs: Files to be written, by the options that name them; None is none.
        inputs: Files that are read, and folders with all files in them.

    Raises:
        ConfigurationError: It names the option.
    """
    read = {identity_of(file): file for path in inputs for file in _files_of(path)} if any(outputs.values()) else {}
    taken: dict[object, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        _refuse_place(path)
        identity = identity_of(path)
        if identity in read:
            raise ConfigurationError(
                f"{option} {path} would replace {read[identity]}, which is read; name another file for {option}."
            )
        if identity in taken:
            raise ConfigurationError(f"{taken[identity]} and {option} name one file, {path}; name two.")
        taken[identity] = option


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


def check_model_folder(folder: Path) -> None:
    """Refuse a folder that a model cannot be written to, before hours of training.

    Raises:
        ModelError: It holds other things, is a mount point, its parent cannot be written to, or this runs in it.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link
    try:
        check_output(folder)
        if folder in {Path.cwd(), *Path.cwd().parents}:
            raise ModelError(
                f"{folder} is the folder that this runs in, and a model takes the place of its folder; name a new "
                "folder in it, such as model."
            )
        if folder.is_mount():
            raise ModelError(
                f"{folder} is a mount point, and a model takes the place of its folder; name a new folder in it, such "
                "as model."
            )
        _refuse_parent(folder)
    except OSError as exc:
        raise ModelError(f"cannot write the artefact {folder}: {exc}. Name a folder that can be written.") from exc


def standard_output() -> BinaryIO:
    """Standard output, for bytes.

    Raises:
        ConfigurationError: It is closed.
    """
    output: BinaryIO | None = getattr(sys.stdout, "buffer", None)  # a closed one is no file at all
    if output is None:
        raise ConfigurationError("standard output is closed; open it, or name a file with --output.")
    return output


def _files_of(path: Path) -> Iterator[Path]:
    """The file itself, and those below it if it is a folder."""
    yield path
    yield from (Path(folder, name) for folder, _, names in os.walk(path) for name in names)


def _refuse_place(path: Path) -> None:
    """Refuse what can be known to fail before it is written."""
    try:
        _refuse_other_kinds(path)
        _refuse_parent(path.absolute())
    except OSError as exc:
        raise _refused(path, exc) from exc


def _refuse_parent(path: Path) -> None:
    """Raise an ``OSError`` where nothing can be put beside the path, or where its folder is yet to be made."""
    parent = next(each for each in path.parents if each.exists())
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(parent))


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
