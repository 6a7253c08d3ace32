"""Log files -> preprocessed logs: the sequences of event IDs of each day, in as much memory as the longest needs."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from model.artefact import Artefact
from model.errors import ConfigurationError
from model.events.own_masks import NO_OWN_MASKS, OwnMasks
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.parser import LineParser
from training.day_files import encode_sequence, file_name, is_day_file, refuse_day_files, write_day_file
from training.log_files import LogFiles
from training.progress import Progress, SilentProgress, counted
from training.reading import Wording, learn_templates
from training.rows import LineCounts, Row, cut_at_silences, keys_of_files, rows_of
from training.selection import Selection
from training.source import Source
from training.spilled_sort import SpilledSort

__all__ = ["PreprocessRequest", "Preprocessed", "preprocess"]

_DAY_MS = 24 * 60 * 60 * 1000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_WORD = 8
DEFAULT_GAP_MS = 30 * 60 * 1000


@dataclass(frozen=True, slots=True)
class PreprocessRequest:
    """What to preprocess, and where to put it.

    Attributes:
        inputs: Log files, and which keys of them; what an earlier run wrote into ``output`` is passed over.
        output: Folder for the files; those of other days in it stay.
        key: Whose sequence a line belongs to; None takes the model's, or else makes each file one key.
        lines: What is said about how lines are written; what is not said is the model's, or is found out.
        session_gap_ms: Silence that ends a session; None takes the model's, or else 30 minutes.
        model: Folder of a trained model, for its templates; None mines templates from the logs.
        masks: What varies in messages, beside what the built-in masks find; a model has its own.
    """

    inputs: Selection
    output: Path
    key: KeyRule | None = None
    lines: FormatChoice = FormatChoice()  # noqa: RUF009 - frozen, so one for all does no harm
    session_gap_ms: int | None = None
    model: Path | None = None
    masks: OwnMasks = NO_OWN_MASKS

    def __post_init__(self) -> None:
        if self.model is not None and self.masks != NO_OWN_MASKS:
            raise ConfigurationError(
                "a model's masks were decided when it was trained; leave out the masks, or the model."
            )
        if self.session_gap_ms is not None and self.session_gap_ms < 1:
            raise ConfigurationError(f"session gap is {self.session_gap_ms} ms; it must be at least 1 ms.")


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """What was written.

    Attributes:
        files: In the order of their days.
        sequences: In all files together.
        events: In all sequences together.
    """

    files: tuple[Path, ...]
    sequences: int
    events: int


class _Words(NamedTuple):
    """How lines are read and parted."""

    line_format: LineFormat
    templates: Templates
    key: KeyRule
    session_gap_ms: int
    model: str | None


def preprocess(request: PreprocessRequest, progress: Progress | None = None) -> Preprocessed:
    """Write the sequences of log files, a file for each day (UTC) on which a sequence begins.

    The event IDs, sequences and their order are those that training on the log files would see.

    Args:
        request: What to preprocess.
        progress: Told how far it is.

    Raises:
        ConfigurationError: The request or the logs cannot be used, or the folder cannot be written.
        ModelError: The model cannot be used.
    """
    progress = progress or SilentProgress()
    request = replace(request, inputs=_logs(request, progress))
    words = _words(request, progress)
    try:
        request.output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".preprocess.", dir=request.output) as folder:
            return _Run(request, words, Path(folder), progress).write()
    except OSError as exc:
        raise ConfigurationError(
            f"cannot write preprocessed logs to {request.output}: {exc}. Name a folder that can be written, with room "
            "for twice the events of the logs."
        ) from exc


def _logs(request: PreprocessRequest, progress: Progress) -> Selection:
    """The log files; those that an earlier run wrote into the folder are none."""
    found, output = LogFiles(replace(request.inputs, max_files=None)), request.output.resolve()
    found.tell(progress)
    logs = [path for path in found.files if path.parent.resolve() != output or not is_day_file(path)]
    refuse_day_files((logs or found.files)[: request.inputs.max_files])
    return replace(request.inputs, paths=tuple(logs))


def _words(request: PreprocessRequest, progress: Progress) -> _Words:
    gap_ms, key = request.session_gap_ms, request.key
    if request.model is None:
        line_format, templates = learn_templates(request.inputs, Wording(request.lines, request.masks), progress)
        return _Words(line_format, templates, key or KeyRule(), gap_ms or DEFAULT_GAP_MS, None)
    model = Artefact.load(request.model)
    return _Words(
        line_format=request.lines.applied_to(lambda: model.line_format),
        templates=model.templates,
        key=key or KeyRule.from_json(model.settings["key"]),
        session_gap_ms=gap_ms or model.rule.session_gap_ms,
        model=model.version,
    )


class _Run:
    """One preprocessing under way.

    Rows are sorted by key and time, cut into sequences, and those sorted by their beginning; both sorts spill to files.
    """

    def __init__(self, request: PreprocessRequest, words: _Words, folder: Path, progress: Progress) -> None:
        self._request, self._words, self._folder, self._progress = request, words, folder, progress
        self._counts = LineCounts()
        self._files = LogFiles(request.inputs)
        self._days: Counter[str] = Counter()
        self._events = 0

    def write(self) -> Preprocessed:
        rows, sequences = SpilledSort(self._folder, "rows"), SpilledSort(self._folder, "sequences")
        self._read_into(rows)
        for key, session in self._sessions(rows.drain()):
            sequences.add(_begin(key, session[0]) + encode_sequence(key, session))
            self._days[_day_of(session[0].time_ms)] += 1
            self._events += len(session)
        if not self._days:
            raise self._counts.no_session()
        self._counts.tell(self._progress)
        written = self._write_days(sequences.drain())
        self._note_others(written)
        return Preprocessed(written, self._days.total(), self._events)

    def _read_into(self, sort: SpilledSort) -> None:
        words = self._words
        parser, keys = LineParser(words.line_format, words.templates), keys_of_files(words.key, words.line_format)
        self._progress.begin("reading", None)
        for batch in rows_of(self._files, parser, keys, self._counts, self._request.inputs.sample):
            for key, row in batch:
                sort.add(_pack(key, row))
            self._progress.advance(len(batch), {})
        self._progress.end()

    def _sessions(self, records: Iterable[bytes]) -> Iterator[tuple[bytes, list[Row]]]:
        for key, group in groupby(map(_unpack, records), key=lambda pair: pair[0]):
            for session in cut_at_silences((row for _, row in group), self._words.session_gap_ms):
                yield key, session

    def _write_days(self, records: Iterable[bytes]) -> tuple[Path, ...]:
        source = self._source()
        self._progress.begin("writing", self._days.total())
        drafts = []
        for day, group in groupby(counted(records, self._progress), key=lambda record: _day_of(_number(record, 0))):
            drafts.append(self._folder / file_name(day))
            with drafts[-1].open("xb") as file:
                write_day_file(file, day, source, map(_encoded, group))
        self._progress.end()
        for draft in drafts:  # all are whole before the first has its name
            draft.replace(self._request.output / draft.name)
        return tuple(self._request.output / draft.name for draft in drafts)

    def _source(self) -> Source:
        words = self._words
        return Source(
            line_format=words.line_format,
            templates=words.templates,
            novel=Templates(self._counts.novel.values()),
            model=words.model,
            key=words.key,
            session_gap_ms=words.session_gap_ms,
            sample=self._request.inputs.sample,
            files=tuple(self._files.names),
            counts=self._counts,
            days=dict(sorted(self._days.items())),
        )

    def _note_others(self, written: Iterable[Path]) -> None:
        others = sorted(set(filter(is_day_file, self._request.output.glob("*.json*"))) - set(written))
        if others:
            self._progress.note(f"{self._request.output} holds {len(others)} files of other days too, which were left.")


def _day_of(time_ms: int) -> str:
    return date.fromordinal(min(_EPOCH_DAY + time_ms // _DAY_MS, date.max.toordinal())).isoformat()


def _pack(key: bytes, row: Row) -> bytes:
    """A record that sorts by key, then in the order of rows."""
    numbers = b"".join(number.to_bytes(_WORD, "big") for number in row[:4])
    return _ended(key) + numbers + row.event


def _unpack(record: bytes) -> tuple[bytes, Row]:
    end = record.index(b"\0\0") + 2
    time_ms, file, line, part = (_number(record, end + _WORD * i) for i in range(4))
    return record[: end - 2].replace(b"\0\xff", b"\0"), Row(time_ms, file, line, part, record[end + 4 * _WORD :])


def _begin(key: bytes, first: Row) -> bytes:
    """What sequences sort by: the order of sessions in training."""
    return b"".join(number.to_bytes(_WORD, "big") for number in first[:3]) + _ended(key)


def _encoded(record: bytes) -> bytes:
    """The sequence behind its ``_begin``."""
    return record[record.index(b"\0\0", 3 * _WORD) + 2 :]


def _ended(key: bytes) -> bytes:
    """A key with an end, in bytes that sort as keys do and hold no such end elsewhere."""
    return key.replace(b"\0", b"\0\xff") + b"\0\0"


def _number(record: bytes, start: int) -> int:
    return int.from_bytes(record[start : start + _WORD], "big")
