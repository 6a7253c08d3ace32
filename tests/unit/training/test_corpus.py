"""From log files to sessions."""

import errno
import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from model.errors import ConfigurationError
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from model.lines.records import MAX_RECORD_BYTES
from stream.windowing.windows import WindowRule
from tests.unit.model.lines.test_otlp import as_json, logs, record
from training.corpus import Corpus, Session, read_corpus, windows_of
from training.inspection.inspection import inspect_logs
from training.log_files import LogFiles
from training.preprocess import PreprocessRequest, preprocess
from training.progress import SilentProgress
from training.reading import Wording, learn_templates, read_sessions
from training.selection import KeySample, Selection

GAP_MS = 10_000


def _read(*paths: Path, pattern: str | None = r"id=(\w+)") -> Corpus:
    keys = KeyExtractor(KeyRule(pattern=pattern)) if pattern else None
    return read_corpus(LogFiles(paths), LineParser(LineFormat("text", "iso"), Templates()), keys, GAP_MS)


def _line(second: int, text: str) -> str:
    return f"2026-03-01T00:{second // 60:02}:{second % 60:02}.000Z INFO {text}\n"


def _keys(corpus: Corpus) -> list[tuple[bytes, int]]:
    return [(session.key, len(session)) for session in corpus.sessions]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two keys; the first falls silent for longer than the gap."""
    path = tmp_path / "a.log"
    lines = [(0, "up id=x"), (1, "up id=y"), (2, "go id=x"), (10, "down id=y"), (13, "up id=x"), (14, "no key")]
    path.write_text("".join(_line(*line) for line in lines))
    return path


def test_lines_are_grouped_by_key_and_cut_at_silences(log: Path) -> None:
    """A gap longer than the session gap begins a new session of the same key."""
    corpus = _read(log)

    assert _keys(corpus) == [(b"x", 2), (b"y", 2), (b"x", 1)]
    assert corpus.sessions[0].places == ((0, 1), (0, 3))
    assert (corpus.counts.lines, corpus.counts.without_key) == (6, 1)


def test_a_compressed_file_reads_the_same(log: Path) -> None:
    """``.gz`` is unpacked."""
    packed = log.with_name("b.log.gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))

    assert _read(packed).sessions == _read(log).sessions


def test_files_that_overlap_in_time_are_merged(tmp_path: Path) -> None:
    """A request whose lines are in the files of two services is one session in the order of time."""
    (tmp_path / "a.log").write_text(_line(0, "one id=x") + _line(4, "three id=x"))
    (tmp_path / "b.log").write_text(_line(2, "two id=x"))

    assert _read(tmp_path).sessions[0].places == ((0, 1), (1, 1), (0, 2))


def test_time_never_goes_back_within_a_file(tmp_path: Path) -> None:
    """A line that is late takes the time of the line before it, so the log's order decides."""
    (tmp_path / "a.log").write_text(_line(30, "one id=x") + _line(3, "two id=x"))

    assert _keys(_read(tmp_path)) == [(b"x", 2)]


def test_a_line_far_ahead_takes_the_time_before_it(log: Path) -> None:
    """One wrong clock does not take the silences from all lines behind it; it is counted and told."""
    ahead = _line(1, "up id=x").replace("2026", "2999")
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[:2], ahead, *lines[2:]]))
    corpus, progress = _read(log), SilentProgress()
    corpus.counts.tell(progress)

    assert _keys(corpus) == [(b"x", 3), (b"y", 2), (b"x", 1)]
    assert corpus.counts.ahead == 1
    assert progress.notes[-1].startswith("1 lines state a time more than 26 hours ahead")


def test_lines_of_a_zone_that_nobody_said_keep_their_times(tmp_path: Path) -> None:
    """Clocks of Seoul are nine hours ahead of UTC, for which a time without a zone is taken."""
    seoul = datetime.now(UTC) + timedelta(hours=9)
    times = [seoul - timedelta(minutes=30, seconds=5), seoul - timedelta(minutes=30), seoul]
    (tmp_path / "a.log").write_text("".join(f"{at:%Y-%m-%d %H:%M:%S} INFO up id=x\n" for at in times))
    corpus = _read(tmp_path / "a.log")

    assert _keys(corpus) == [(b"x", 2), (b"x", 1)]
    assert corpus.counts.ahead == 0


def test_a_file_that_begins_ahead_keeps_its_own_times(log: Path) -> None:
    """As where this machine's clock has stopped years ago: its sessions are cut as those of any file."""
    cut = _keys(_read(log))
    log.write_text(log.read_text().replace("2026", "2999"))
    corpus = _read(log)

    assert _keys(corpus) == cut == [(b"x", 2), (b"y", 2), (b"x", 1)]
    assert corpus.counts.ahead == 0


def test_how_many_lines_are_ahead_is_no_part_of_what_is_read(log: Path) -> None:
    """It is another number a day later, and a training that was interrupted has to go on then."""
    ahead = _line(14, "no key")
    log.write_text(log.read_text().replace(ahead, ahead.replace("2026", "2999")))
    corpus = _read(log)
    counted = corpus.fingerprint()
    corpus.counts.ahead = 0

    assert counted == corpus.fingerprint()


def test_a_first_line_far_ahead_takes_no_silence_from_those_behind_it(log: Path) -> None:
    """The times of the file begin at the first line that is not ahead; one ahead behind it is counted."""
    ahead = _line(1, "up id=z").replace("2026", "2999")
    log.write_text(ahead + log.read_text() + ahead)
    corpus = _read(log)

    assert _keys(corpus) == [(b"x", 2), (b"y", 2), (b"x", 1), (b"z", 1), (b"z", 1)]
    assert corpus.counts.ahead == 1


def test_without_a_key_each_file_is_one(log: Path) -> None:
    """The file's name is the key then."""
    assert _keys(_read(log, pattern=None)) == [(b"a.log", 6)]


def test_a_file_s_name_may_be_no_utf8(log: Path) -> None:
    """As a key it is its bytes, as any key; what remembers it writes them as text."""
    path = log.rename(log.parent / os.fsdecode(b"log\xe9.log"))
    words = learn_templates([path], Wording(), _Silent())
    corpus = read_sessions([path], KeyRule(), words, WindowRule(), _Silent())

    assert _keys(corpus) == [(b"log\xe9.log", 6)]
    assert orjson.loads(orjson.dumps(corpus.fingerprint()))["files"] == [r"log\xe9.log"]
    assert orjson.dumps(inspect_logs([str(path)]).to_json())


def test_hidden_files_and_folders_of_folders(tmp_path: Path) -> None:
    """A folder is read with all below it, hidden files left out; a glob too."""
    for folder in ("deep", ".hidden"):
        (tmp_path / folder).mkdir()
    for name in ("deep/b.log", "a.log", ".c.log", ".hidden/d.log"):
        (tmp_path / name).write_text("x\n")

    assert [path.name for path in LogFiles([tmp_path]).files] == ["a.log", "b.log"]
    assert [path.name for path in LogFiles([str(tmp_path / "**" / "b*")]).files] == ["b.log"]


def test_a_file_of_several_names_is_read_once(log: Path) -> None:
    """A folder beside a file in it, another spelling, links: each line counts once, under the first name."""
    (log.parent / "current.log").symlink_to(log)
    (log.parent / "same.log").hardlink_to(log)
    found = LogFiles([log.parent, log, log.parent / ".." / log.parent.name / log.name])

    assert found.files == [log]


def test_what_is_passed_over_in_a_folder_is_told(log: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Links to folders, links that lead nowhere, pipes: none is read, and none vanishes without a word."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "b.log").write_text("x\n")
    (log.parent / "link").symlink_to(elsewhere)
    (log.parent / "broken.log").symlink_to(elsewhere / "gone.log")
    os.mkfifo(log.parent / "pipe")
    words, progress = learn_templates([log], Wording(), _Silent()), SilentProgress()
    read_sessions([log.parent], KeyRule(), words, WindowRule(), progress)

    assert LogFiles([log.parent]).files == [log]
    assert [path.name for path in LogFiles([log.parent]).passed_over] == ["broken.log", "link", "pipe"]
    assert LogFiles([log.parent / "link"]).files == [log.parent / "link" / "b.log"]
    inspected, preprocessed = SilentProgress(), SilentProgress()
    inspect_logs([str(log.parent)], progress=inspected)
    preprocess(PreprocessRequest(Selection((log.parent,)), elsewhere / "out"), preprocessed)
    assert inspected.notes[0] == preprocessed.notes[0] == progress.notes[0]
    assert progress.notes[0].startswith("3 names are passed over")
    assert str(log.parent / "link") in progress.notes[0]


def test_a_folder_that_cannot_be_looked_into_is_refused(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is named itself; one whose names alone can be listed, too."""
    (log.parent / "locked").mkdir()
    _lock(monkeypatch, "locked", PermissionError(errno.EACCES, "Permission denied"))
    with pytest.raises(ConfigurationError, match=r"cannot look for logs at .*locked: Permission denied"):
        LogFiles([log.parent / "locked"])
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigurationError, match=r"cannot look for logs at .*: Permission denied"):
        LogFiles([log.parent])


def test_a_closed_folder_below_another_is_passed_over_and_told(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as lost+found, which every disk of logs has; a hidden one is not looked into, so nothing is told of it."""
    for name in ("lost+found", "private", ".hidden"):
        (log.parent / name).mkdir()
        (log.parent / name / "b.log").write_text("x\n")
    _lock(monkeypatch, "lost+found", PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "private")
    found, progress = LogFiles([log.parent]), SilentProgress()
    found.tell(progress)

    assert found.files == [log]
    assert [path.name for path in found.passed_over] == ["lost+found", "private"]
    assert progress.notes[0].startswith("2 names are passed over, as they are closed folders")
    assert str(log.parent / "lost+found") in progress.notes[0]


def test_a_folder_that_fails_otherwise_is_refused(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that breaks: its lines are not meant to be missing."""
    (log.parent / "broken").mkdir()
    _lock(monkeypatch, "broken", OSError(errno.EIO, "Input/output error"))

    with pytest.raises(ConfigurationError, match=r"cannot look for logs at .*broken: Input/output error"):
        LogFiles([log.parent])


def _lock(monkeypatch: pytest.MonkeyPatch, name: str, error: OSError) -> None:
    """Let folders of a name fail when they are looked into."""
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if Path(path).name == name:
            error.filename = str(path)
            raise error
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_folder_that_a_glob_matches_is_told_of(log: Path) -> None:
    """It is not read; where the glob, or another input, leads into it, it is, and nothing is told."""
    (log.parent / "deep").mkdir()
    (log.parent / "deep" / "b.log").write_text("x\n")
    glob, deep = str(log.parent / "*"), log.parent / "deep"

    assert (LogFiles([glob]).files, LogFiles([glob]).passed_over) == ([log], [deep])
    assert LogFiles([glob, glob]).passed_over == [deep]
    for inputs in ([glob, str(deep)], [str(log.parent / "**")], [str(log.parent)]):
        assert (LogFiles(inputs).files, LogFiles(inputs).passed_over) == ([log, deep / "b.log"], [])


def test_a_name_that_cannot_be_looked_at_is_refused(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too long, or that lies below a folder that cannot be read."""
    with pytest.raises(ConfigurationError, match="File name too long"):
        LogFiles(["x" * 5_000])

    def refused(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(ConfigurationError, match=r"at .*a\.log: Permission denied\. Name what can be read"):
        LogFiles([log])


def test_a_line_of_megabytes_stays_one_line(tmp_path: Path) -> None:
    """As a text it is too long, here as in serving; it is counted, and the next line is whole."""
    (tmp_path / "a.log").write_text(_line(0, "up id=x") + _line(1, "x" * (3 << 20)) + _line(2, "down id=x"))

    corpus = _read(tmp_path)

    assert _keys(corpus) == [(b"x", 2)]
    assert corpus.sessions[0].places == ((0, 1), (0, 3))
    assert (corpus.counts.lines, corpus.counts.unreadable) == (3, {"too-long": 1})


def test_a_large_batch_of_the_collector_is_read_whole(tmp_path: Path) -> None:
    """A line of OTLP holds many log records: it may have megabytes."""
    path = tmp_path / "otel.json"
    bodies = [f"cart {number} saved {'and kept ' * 100}" for number in range(4_000)]
    path.write_bytes(as_json(logs(*map(record, bodies))) + b"\n" + as_json(logs(record("down"))) + b"\n")

    words = learn_templates([path], Wording(), _Silent())
    corpus = read_sessions([path], KeyRule(fields=("service.name",)), words, WindowRule(), _Silent())

    assert path.stat().st_size > 3 << 20
    assert _keys(corpus) == [(b"cart", 4_001)]
    assert corpus.counts.unreadable == {}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_record_without_end_is_counted_and_passed_over(tmp_path: Path, end: bytes) -> None:
    """What no reader takes is read up to the limit only; what is as long as allowed, and the next line, is whole."""
    path = tmp_path / "otel.json"
    whole = as_json(logs(record("up")))
    longest, longer = whole.ljust(MAX_RECORD_BYTES), whole.ljust(MAX_RECORD_BYTES + (3 << 20))
    path.write_bytes(end.join([whole, longer, longest, whole]))

    words = learn_templates([path], Wording(), _Silent())
    corpus = read_sessions([path], KeyRule(fields=("service.name",)), words, WindowRule(), _Silent())

    assert max(len(line) for _, _, line in LogFiles([path]).lines()) == MAX_RECORD_BYTES + 1
    assert corpus.sessions[0].places == ((0, 1), (0, 3), (0, 4))
    assert (corpus.counts.lines, corpus.counts.unreadable) == (4, {"too-long": 1})


@pytest.mark.parametrize("inputs", [[], ["nowhere.log"], ["nowhere*"]])
def test_inputs_that_lead_nowhere_are_refused(inputs: list[str]) -> None:
    """The error says what to name."""
    with pytest.raises(ConfigurationError, match="name"):
        LogFiles(inputs)


def test_a_truncated_gzip_is_refused_by_name(tmp_path: Path) -> None:
    """Half a file is not read as if it were whole."""
    path = tmp_path / "half.log.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 500)[:-20])

    with pytest.raises(ConfigurationError, match=r"half\.log\.gz"):
        list(LogFiles([path]).lines())


def test_a_key_that_no_line_has_is_an_error(log: Path) -> None:
    """It says how many lines had none and what to check."""
    words = learn_templates([log], Wording(), _Silent())

    with pytest.raises(ConfigurationError, match=r"none of the 6 lines .*: 6 have no key\. Check the key's pattern"):
        read_sessions([log], KeyRule(pattern="nothing=(x)"), words, WindowRule(), _Silent())


def test_a_sample_without_a_key_is_an_error(log: Path) -> None:
    """It says how many lines have a key that is not in it, apart from those that have none."""
    words = learn_templates([log], Wording(), _Silent())
    inputs = Selection((log,), sample=KeySample(1e-9))

    with pytest.raises(ConfigurationError, match=r"1 have no key, 5 have a key that is not in the sample\..*Raise"):
        read_sessions(inputs, KeyRule(pattern=r"id=(\w+)"), words, WindowRule(), _Silent())


def test_logs_of_which_no_line_can_be_read_are_an_error(tmp_path: Path) -> None:
    """It says that it is not the keys that are missing."""
    (tmp_path / "a.log").write_bytes(b"\xff\xfe\n\xff\n")
    words = (LineFormat("text", "iso"), Templates())

    with pytest.raises(ConfigurationError, match=r"none of the 2 lines .*: 2 cannot be read\. Check the format"):
        read_sessions([tmp_path], KeyRule(), words, WindowRule(), _Silent())


def test_the_log_records_of_one_line_have_keys_of_their_own(tmp_path: Path) -> None:
    """A file of the OpenTelemetry Collector holds a request with many log records in each line."""
    path = tmp_path / "otel.json"
    traced = [record("up", traceId="01" * 16), record("down", traceId="02" * 16), record("go", traceId="01" * 16)]
    path.write_bytes(as_json(logs(*traced)) + b"\n" + as_json(logs(record("no trace"))) + b"\n")
    words = learn_templates([path], Wording(), _Silent())
    corpus = read_sessions([path], KeyRule(fields=("traceId",)), words, WindowRule(), _Silent())

    assert words[0].kind == "otlp-json"
    assert _keys(corpus) == [(b"01" * 16, 2), (b"02" * 16, 1)]
    assert (corpus.counts.lines, corpus.counts.without_key) == (2, 1)


def test_files_have_no_record_keys_and_no_headers(log: Path) -> None:
    """A rule that asks for them is refused, with what to name instead."""
    words = learn_templates([log], Wording(), _Silent())
    for rule in (KeyRule(record_key=True), KeyRule(headers=("tenant",))):
        with pytest.raises(ConfigurationError, match="name a field"):
            read_sessions([log], rule, words, WindowRule(), _Silent())


def test_a_session_is_cut_as_serving_cuts_it() -> None:
    """Five events, size 3, hop 2: two windows and the final one."""
    session = Session(b"k", b"".join(bytes([i]) * 8 for i in range(5)), tuple((0, i) for i in range(5)))
    cut = [(tuple(span), w.starts_session, w.final) for span, w in windows_of(session, WindowRule(size=3, hop=2))]

    assert cut == [((0, 2, False), True, False), ((1, 4, False), False, False), ((2, 5, True), False, True)]


class _Silent:
    """A progress that keeps nothing."""

    def begin(self, stage: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, steps: int, facts: object) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""

    def note(self, sentence: str) -> None:
        """Do nothing."""


def test_lines_can_be_read_from_any_place(tmp_path: Path) -> None:
    """The line that a place falls into is passed over; packed files are read by their text."""
    text = b"first\n\nsecond\r\nthird"
    (tmp_path / "a.log").write_bytes(text)
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(text))
    files = LogFiles([tmp_path])

    for index in (0, 1):
        assert list(files.lines_from(index, 0)) == [b"first", b"second", b"third"]
        assert list(files.lines_from(index, 2)) == [b"second", b"third"]
        assert list(files.lines_from(index, 99)) == []
