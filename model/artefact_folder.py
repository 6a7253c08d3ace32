"""A folder of files that is written whole or not at all, and that tells when it was altered."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from model.errors import ModelError

__all__ = ["MANIFEST", "SCHEMA", "check_output", "read_folder", "write_folder"]

MANIFEST = "manifest.json"
_ANY_SCHEMA = "logscry.artefact/"
SCHEMA = f"{_ANY_SCHEMA}1"
#: Plain file names: no separators, so that none can lead out of the folder.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+")
#: What systems put into folders that people look into, by themselves.
_OF_A_SYSTEM = re.compile(r"\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|\.nfs.*")
#: A manifest has a few kilobytes.
_MOST_MANIFEST_BYTES = 1 << 20
_AGAIN = "copy the whole folder again, or train the model again"


def write_folder(folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    """Write files and a manifest under a temporary name, then rename.

    Args:
        folder: Where to; it may exist if it is empty or holds an artefact and nothing else, and is then replaced.
        files: Contents by plain file name.
        about: Further entries of the manifest.

    Raises:
        ModelError: The folder holds other things, or the disk refuses.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link and replace what it points to
    try:
        check_output(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            _write_files(temporary, files, about)
            _put_in_place(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as exc:
        raise ModelError(f"cannot write the artefact {folder}: {exc}. Name a folder that can be written.") from exc


def read_folder(folder: Path, *, required: Iterable[str]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Read every file that the manifest names and compare its size and hash.

    Args:
        folder: Written by ``write_folder``.
        required: File names that must be among them.

    Returns:
        Contents by name, and the manifest.

    Raises:
        ModelError: Something is missing, altered, a link, or not an artefact of this version.
    """
    manifest = _read_manifest(folder)
    listed: dict[str, dict[str, Any]] = manifest["files"]
    for name in required:
        if name not in listed:
            raise ModelError(f"{folder / MANIFEST} does not list {name}: the artefact is not whole; {_AGAIN}.")
    return {name: _read_checked(folder, name, entry) for name, entry in listed.items()}, manifest


def check_output(folder: Path) -> None:
    """Check that an artefact can be written there without deleting what is none.

    Args:
        folder: Need not exist.

    Raises:
        ModelError: It is a link or a file, or holds files that its manifest does not name.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(f"{folder} is a link or a file; name a folder for the artefact.")
    if not folder.is_dir():
        return
    found = {path.name for path in folder.iterdir() if not _OF_A_SYSTEM.fullmatch(path.name)}
    if not found:
        return
    if MANIFEST not in found:
        raise ModelError(f"{folder} holds files that are no artefact; name a new or empty folder.")
    foreign = sorted(found - {MANIFEST} - _files_of_any_version(folder))
    if foreign:
        raise ModelError(
            f"{folder} holds {foreign[0]!r} beside an artefact, and would be replaced as a whole; move it away, or "
            "name another folder."
        )


def _files_of_any_version(folder: Path) -> set[str]:
    """What the manifest names; an artefact of an older version may be replaced, too."""
    path = folder / MANIFEST
    try:
        manifest = orjson.loads(_read_plain(path, _MOST_MANIFEST_BYTES))
    except orjson.JSONDecodeError:
        manifest = None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or not str(manifest.get("schema")).startswith(_ANY_SCHEMA):
        raise ModelError(f"{path} is no artefact's, so {folder} is not replaced; move it away, or name another folder.")
    return set(files)


def _write_files(folder: Path, files: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    entries = {name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in sorted(files.items())}
    manifest = {"schema": SCHEMA, **about, "files": entries}
    for name, data in {**files, MANIFEST: orjson.dumps(manifest, option=orjson.OPT_INDENT_2)}.items():
        _check_name(name, folder)
        with (folder / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    folder.chmod(0o755)  # a temporary folder is private; an artefact is for the service's user too


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Rename; an artefact that is replaced steps aside first and comes back if that fails."""
    if not folder.exists():
        temporary.rename(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent)) / folder.name
    try:
        folder.rename(aside)
        temporary.rename(folder)
    except BaseException:  # an end by a signal, too, leaves one of the two
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise
    finally:
        shutil.rmtree(aside.parent, ignore_errors=True)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not _is_folder(folder):
        raise ModelError(f"there is no artefact folder {folder}; train one with `logscry train`, or correct the path.")
    try:
        manifest = orjson.loads(_read_plain(path, _MOST_MANIFEST_BYTES))
    except orjson.JSONDecodeError as exc:
        raise ModelError(f"{path} is not JSON ({exc}); {_AGAIN}.") from exc
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise ModelError(f"{path} is not of the schema {SCHEMA}; train the model with this version of logscry.")
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
        raise ModelError(f"{path} lists no files; {_AGAIN}.")
    return manifest


def _is_folder(folder: Path) -> bool:
    """Whether it is one: nothing can be said below a closed folder, or of a name that is too long."""
    try:
        return folder.is_dir()
    except OSError as exc:
        raise ModelError(f"cannot look at the artefact {folder}: {exc.strerror}. Name one that can be read.") from exc


def _read_checked(folder: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    _check_name(name, folder)
    expected = entry.get("bytes")
    if type(expected) is not int:
        raise ModelError(f"{folder / MANIFEST} does not say how long {name} is; {_AGAIN}.")
    data = _read_plain(folder / name, expected)
    if len(data) != expected:
        raise ModelError(f"{folder / name} has {len(data)} bytes, {expected} were written; {_AGAIN}.")
    if sha256(data).hexdigest() != entry.get("sha256"):
        raise ModelError(f"{folder / name} was altered since it was written; {_AGAIN}.")
    return data


def _check_name(name: str, folder: Path) -> None:
    if not _PLAIN_NAME.fullmatch(name):
        raise ModelError(f"{folder / MANIFEST} names {name!r}, which is no plain file name; do not use this artefact.")


def _read_plain(path: Path, most: int) -> bytes:
    """Read a regular file of at most so many bytes; a link is never followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size  # before anything is read: memory is bounded by what was written
            if size > most:
                raise ModelError(f"{path} has {size} bytes, at most {most} were written; {_AGAIN}.")
            return file.read(size + 1)  # one more, so that growth is seen
    except OSError as exc:
        raise ModelError(f"cannot read {path} ({exc.strerror or exc}); {_AGAIN}.") from exc
