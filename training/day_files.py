"""Preprocessed logs on disk: a JSON file a day, a list with one sequence a line.

A sequence is a session: ``key``, and for each of its events one of ``event_ids``, ``times_ms`` and ``places`` (index of
the log file, line number). The first sequence of a file carries ``about`` too: what the sequences were made of,
templates included, so that each file can be read alone. ``docs/decisions/0016-preprocessed-logs.md`` says why.
"""

import re
import shlex
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import orjson

from model.content import EVENT_BYTES
from model.errors import ConfigurationError, LogscryError
from training.corpus import Session
from training.log_files import opened
from training.rows import Row
from training.source import Source, text_in

__all__ = [
    "SCHEMA",
    "DayFile",
    "Source",
    "encode_sequence",
    "file_name",
    "is_day_file",
    "refuse_day_files",
    "write_day_file",
]

SCHEMA = "logscry.sequences/1"
_NAME = re.compile(r"preprocessed_logs_\d{4}-\d{2}-\d{2}\.json(\.gz)?")
_BEGINNING = b'[\n{"about":{"schema":"logscry.sequences/'
_AGAIN = "preprocess the logs again with `logscry preprocess`, or leave the file out"


def file_name(day: str) -> str:
    """The name of a day's file; the day is written ``YYYY-MM-DD``."""
    return f"preprocessed_logs_{day}.json"


def is_day_file(path: Path) -> bool:
    """Whether a file holds preprocessed logs, by its name or else by how it begins."""
    if _NAME.fullmatch(path.name):
        return True
    try:
        with opened(path) as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except (OSError, EOFError, zlib.error):
        return False  # whoever reads it as a log says what is wrong with it


def refuse_day_files(files: Iterable[Path]) -> None:
    """Refuse what holds no log lines any more.

    Raises:
        ConfigurationError: One of the files holds preprocessed logs.
    """
    found = next(filter(is_day_file, files), None)
    if found is not None:
        raise ConfigurationError(
            f"{found} holds preprocessed logs, and log lines are asked for; name the logs themselves, or learn from it "
            f"with `logscry train {shlex.quote(str(found.parent))}`."
        )


def encode_sequence(key: bytes, rows: Iterable[Row]) -> bytes:
    """Write a session as a JSON object without line breaks."""
    rows = list(rows)
    text = key.decode("utf-8", "backslashreplace")
    value: dict[str, Any] = {"key": text} if text.encode() == key else {"key": text, "key_hex": key.hex()}
    value["event_ids"] = [row.event.hex() for row in rows]
    value["times_ms"] = [row.time_ms for row in rows]
    value["places"] = [(row.file, row.line) for row in rows]
    return orjson.dumps(value)


def write_day_file(file: BinaryIO, day: str, source: Source, sequences: Iterable[bytes]) -> None:
    """Write a day.

    Args:
        file: Where to.
        day: ``YYYY-MM-DD``.
        source: What the sequences were made of.
        sequences: What ``encode_sequence`` gave, at least one.
    """
    about = orjson.dumps({"schema": SCHEMA, "day": day, **source.to_json()})
    for number, sequence in enumerate(sequences):
        file.write(b",\n" if number else b'[\n{"about":' + about + b",")
        file.write(sequence if number else sequence[1:])
    file.write(b"\n]\n")


class DayFile:
    """A file of preprocessed logs, read sequence by sequence.

    Args:
        path: The file; ``.gz`` is unpacked.

    Raises:
        ConfigurationError: It is no such file, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _, line = next(self._lines(), (2, b""))
        if not line:
            self._refuse(2, "there is no sequence in it")
        about = self._object(2, line).get("about")
        if not isinstance(about, dict):
            self._refuse(2, "the first sequence does not say in `about` what the file was made of")
        if about.get("schema") != SCHEMA:
            self._refuse(2, f"it is of the schema {about.get('schema')!r}; this version of logscry reads {SCHEMA}")
        try:
            self.day = str(about.pop("day"))
            self.source = _source(orjson.dumps(about))
            self._expected = self.source.days[self.day]
        except (KeyError, TypeError, ValueError, AttributeError, LogscryError) as exc:
            self._refuse(2, f"`about` lacks or mistypes a field ({exc})", exc)

    def sessions(self) -> Iterator[Session]:
        """Yield the sequences, one in memory at a time.

        Raises:
            ConfigurationError: The file is damaged; the text says where.
        """
        found, before = 0, None
        for number, line in self._lines():
            value = self._object(number, line)
            try:
                session = _session(value, len(self.source.files))
            except (KeyError, TypeError, ValueError) as exc:
                self._refuse(number, f"the sequence is broken ({exc})", exc)
            begin = (value["times_ms"][0], *session.places[0], session.key)
            if begin == before:  # copied over another; whoever writes such files may write them in any order
                self._refuse(number, "the sequence stands twice")
            yield session
            found, before = found + 1, begin
        if found != self._expected:
            self._refuse(found + 2, f"it ends after {found} sequences, and {self._expected} were written")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines of the sequences with their numbers, without commas; check what stands around them."""
        number, ended = 0, False
        try:
            with opened(self.path) as file:
                for number, line in enumerate(file, start=1):
                    text = line.strip()
                    if number == 1 and text != b"[":
                        self._refuse(1, "it must hold `[` alone, as the list has one sequence a line")
                    if ended and text:
                        self._refuse(number, "there is something behind the end of the list")
                    ended = ended or text == b"]"
                    if number > 1 and not ended:
                        yield number, text.removesuffix(b",")
        except (OSError, EOFError, zlib.error) as exc:
            self._refuse(number + 1, f"it cannot be read ({exc})", exc)
        if not ended:
            self._refuse(number + 1, "the file ends before its list does: it is empty or was cut off")

    def _object(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            self._refuse(number, f"it is not JSON ({exc})", exc)
        if not isinstance(value, dict):
            self._refuse(number, "it is no JSON object")
        return value

    def _refuse(self, line: int, what: str, cause: Exception | None = None) -> NoReturn:
        raise ConfigurationError(
            f"cannot read the preprocessed logs {self.path}, line {line}: {what}; {_AGAIN}."
        ) from cause


@lru_cache(maxsize=64)
def _source(about: bytes) -> Source:
    """Read what a preprocessing wrote about itself; its files all have one ``Source``."""
    return Source.from_json(orjson.loads(about))


def _session(value: Mapping[str, Any], files: int) -> Session:
    key = bytes.fromhex(value["key_hex"]) if "key_hex" in value else text_in(value["key"]).encode()
    ids, times_ms = value["event_ids"], value["times_ms"]
    numbers, lines = zip(*value["places"], strict=True)
    events = bytes.fromhex("".join(ids))
    # fromhex skips blanks: what holds one comes out too short
    if set(map(len, ids)) != {2 * EVENT_BYTES} or len(events) != EVENT_BYTES * len(ids):
        raise ValueError("event_ids must hold event IDs of 16 hex digits, at least one")
    if not len(ids) == len(times_ms) == len(lines):
        raise ValueError("event_ids, times_ms and places are not of one length")
    if set(map(type, times_ms)) != {int} or times_ms[0] < 0 or sorted(times_ms) != times_ms:
        raise ValueError("times_ms must be whole numbers from 0 that never fall")
    whole = set(map(type, numbers + lines)) == {int}
    if not whole or min(numbers) < 0 or max(numbers) >= files or min(lines) < 1:
        raise ValueError("places must be pairs of a file's index and a line number")
    return Session(key, events, tuple(zip(numbers, lines, strict=True)))
