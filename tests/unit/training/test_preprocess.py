"""From log files to preprocessed logs, a file a day."""

import gzip
import json
import random
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import training.preprocess
from model.errors import ConfigurationError
from model.events.identity import event_id
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from tests.toy_model import KEY, toy_artefact, toy_lines
from tests.unit.model.lines.test_otlp import as_json, logs, record
from training.corpus import Session
from training.day_files import DayFile
from training.preprocess import Preprocessed, PreprocessRequest, preprocess
from training.progress import SilentProgress
from training.reading import Wording, learn_templates, read_sessions
from training.selection import KeySample, Selection
from training.spilled_sort import SpilledSort

RULE = WindowRule(session_gap_ms=3_600_000)


def _lines(seed: int, days: int, lines: int = 400) -> list[str]:
    """Lines of some keys over days, in the order of time but for a few."""
    chance = random.Random(seed)
    times = sorted(chance.uniform(0, days * 86_400) for _ in range(lines))
    start = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        f"{start + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S.%fZ} INFO step {chance.choice('abcd')} of "
        f"request=k{chance.randint(0, 30)} {'' if chance.random() < 0.9 else 'again'}\n"
        for at in times
    ]


@pytest.fixture
def logs_of_days(tmp_path: Path) -> Path:
    """A folder with two files that overlap in time, one of them compressed; a few lines have no key."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_text("".join(_lines(1, days=3)) + "2026-03-01T00:00:00.000Z INFO no key here\n")
    (folder / "b.log.gz").write_bytes(gzip.compress("".join(_lines(2, days=2)).encode()))
    return folder


def _preprocess(logs: Path, output: Path, key: KeyRule = KEY, **options: Any) -> Preprocessed:
    selection = Selection((logs,), options.pop("max_files", None), options.pop("sample", KeySample()))
    return preprocess(PreprocessRequest(selection, output, key, session_gap_ms=RULE.session_gap_ms, **options))


def _in_training(logs: Path, key: KeyRule = KEY, sample: float = 1.0) -> list[Session]:
    words = learn_templates([logs], Wording(), SilentProgress())
    return read_sessions(Selection((logs,), sample=KeySample(sample)), key, words, RULE, SilentProgress()).sessions


def _sessions(written: Preprocessed) -> list[Session]:
    return [session for path in written.files for session in DayFile(path).sessions()]


def test_a_file_a_day_holds_the_sessions_of_training(logs_of_days: Path, tmp_path: Path) -> None:
    """Event IDs, places and order are those that training on the logs would see; the folder holds nothing else."""
    written = _preprocess(logs_of_days, tmp_path / "out")

    assert [path.name for path in written.files] == [f"preprocessed_logs_2026-03-0{day}.json" for day in (1, 2, 3)]
    assert sorted((tmp_path / "out").iterdir()) == list(written.files)
    assert _sessions(written) == _in_training(logs_of_days)
    assert (written.sequences, written.events) == (len(_sessions(written)), 800)


def test_little_memory_changes_nothing(logs_of_days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sorted on disk comes out as what is sorted in memory, byte for byte."""
    whole = _preprocess(logs_of_days, tmp_path / "whole")
    little = partial(SpilledSort, memory_bytes=900)
    monkeypatch.setattr(training.preprocess, "SpilledSort", little)
    spilled = _preprocess(logs_of_days, tmp_path / "spilled")

    assert [path.read_bytes() for path in spilled.files] == [path.read_bytes() for path in whole.files]


def test_a_file_is_plain_json(logs_of_days: Path, tmp_path: Path) -> None:
    """A list of sequences, one a line, each with its key, and an ID and a time for each event, on the file's day."""
    path = _preprocess(logs_of_days, tmp_path / "out").files[1]
    sequences = json.loads(path.read_text())

    assert len(path.read_text().splitlines()) == len(sequences) + 2
    assert all(set(each) - {"about"} == {"key", "event_ids", "times_ms", "places"} for each in sequences)
    assert all(len(each["event_ids"]) == len(each["times_ms"]) == len(each["places"]) for each in sequences)
    assert {each["times_ms"][0] // 86_400_000 for each in sequences} == {20_514}  # 2026-03-02
    described = {event_id(template["text"]).hex() for template in sequences[0]["about"]["templates"]}
    assert {event for each in sequences for event in each["event_ids"]} <= described


def test_a_session_over_midnight_belongs_to_the_day_of_its_first_event(tmp_path: Path) -> None:
    """It is whole, in one file."""
    (tmp_path / "a.log").write_text(
        "2026-03-01T23:59:59.000Z INFO up request=x\n2026-03-02T00:00:01.000Z INFO down request=x\n"
    )
    written = _preprocess(tmp_path / "a.log", tmp_path / "out")

    assert [path.name for path in written.files] == ["preprocessed_logs_2026-03-01.json"]
    assert [len(session) for session in _sessions(written)] == [2]


def test_a_line_far_ahead_makes_no_day_of_its_own(tmp_path: Path) -> None:
    """It takes the time of the line before it, and the files remember how many did."""
    up = "2026-03-01T00:00:00.000Z INFO up request=x\n"
    (tmp_path / "a.log").write_text(up + up.replace("2026", "2999") + up)
    written = _preprocess(tmp_path / "a.log", tmp_path / "out")

    assert [path.name for path in written.files] == ["preprocessed_logs_2026-03-01.json"]
    assert DayFile(written.files[0]).source.counts.ahead == 1


def test_a_file_that_begins_ahead_has_days_of_its_own(tmp_path: Path) -> None:
    """Those that its lines state, and not one of 1970."""
    up = "2999-03-01T00:00:00.000Z INFO up request=x\n"
    (tmp_path / "a.log").write_text(up + up.replace("03-01", "03-02"))
    written = _preprocess(tmp_path / "a.log", tmp_path / "out")

    assert [path.name[-15:-5] for path in written.files] == ["2999-03-01", "2999-03-02"]
    assert DayFile(written.files[0]).source.counts.ahead == 0


def test_a_sample_takes_whole_keys(logs_of_days: Path, tmp_path: Path) -> None:
    """The keys that are kept have all their sessions; a smaller sample is a part of a larger one."""
    whole = _sessions(_preprocess(logs_of_days, tmp_path / "whole"))
    half = _sessions(_preprocess(logs_of_days, tmp_path / "half", sample=KeySample(0.5)))
    tenth = _sessions(_preprocess(logs_of_days, tmp_path / "tenth", sample=KeySample(0.1)))
    kept = {session.key for session in half}

    assert half == [session for session in whole if session.key in kept] == _in_training(logs_of_days, sample=0.5)
    assert 5 <= len(kept) <= 26
    assert {session.key for session in tenth} < kept


def test_only_so_many_files_are_read(logs_of_days: Path, tmp_path: Path) -> None:
    """The first ones, in reading order."""
    written = _preprocess(logs_of_days, tmp_path / "out", max_files=1)

    assert DayFile(written.files[0]).source.files == ("a.log",)
    assert written.events == 400


def test_keys_of_any_bytes_come_back(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and zero bytes, which the sorting has to tell from its own."""
    lines = b"".join(
        b"2026-03-01T00:00:00.000Z INFO up <%b>\n" % key for key in (b"\0", b"\0\0", b"\0\xff", b"\xff", b"a")
    )
    (tmp_path / "a.log").write_bytes(lines)
    key = KeyRule(pattern=r"<([^>]+)>")

    found = _sessions(_preprocess(tmp_path / "a.log", tmp_path / "out", key))
    assert found == _in_training(tmp_path / "a.log", key)
    assert len({session.key for session in found}) > 1


def test_several_log_records_of_a_line_keep_their_order(tmp_path: Path) -> None:
    """A line of OTLP holds many."""
    traced = [
        record(text, traceId=("01", "02")[i % 2] * 16) for i, text in enumerate(["up", "go", "down", "on", "off"])
    ]
    (tmp_path / "otel.json").write_bytes(as_json(logs(*traced)) + b"\n")
    key = KeyRule(fields=("traceId",))

    assert _sessions(_preprocess(tmp_path / "otel.json", tmp_path / "out", key)) == _in_training(tmp_path, key)


def test_with_a_model_the_event_ids_are_those_of_serving(tmp_path: Path) -> None:
    """Its templates, key and session gap are used, and what it does not know is described."""
    toy_artefact().save(tmp_path / "model")
    (tmp_path / "a.log").write_text("\n".join([*toy_lines(3, seed=4), toy_lines(1, seed=4)[0].replace("gate", "roof")]))
    request = PreprocessRequest(Selection((tmp_path / "a.log",)), tmp_path / "out", model=tmp_path / "model")
    [path] = preprocess(request).files
    source = DayFile(path).source

    assert (source.model, source.session_gap_ms) == (toy_artefact().version, 60_000)
    assert [template.text for template in source.novel] == ["roof opened for request=<*>"]
    assert len({session.key for session in DayFile(path).sessions()}) == 3


def test_its_own_output_is_not_read_again(logs_of_days: Path, tmp_path: Path) -> None:
    """Preprocessing into the folder of the logs may be done again, and counts each line once."""
    written = [_preprocess(logs_of_days, logs_of_days) for _ in range(2)]
    first_file = _preprocess(logs_of_days, tmp_path / "first", max_files=1)

    assert written[0] == written[1]
    assert (written[1].events, first_file.events) == (800, 400)


@pytest.mark.parametrize("output", ["days", "out"])
def test_preprocessed_logs_are_no_log_lines(logs_of_days: Path, tmp_path: Path, output: str) -> None:
    """They are not preprocessed again; the error says what can be done with them."""
    days = tmp_path / "days"
    _preprocess(logs_of_days, days)

    with pytest.raises(ConfigurationError, match=rf"holds preprocessed logs.*`logscry train {days}`"):
        _preprocess(days, tmp_path / output)


def test_other_days_stay_and_are_told_of(tmp_path: Path) -> None:
    """A second run replaces the days that it writes and no others."""
    (tmp_path / "a.log").write_text("2026-03-01T00:00:00.000Z INFO up request=x\n")
    (tmp_path / "b.log").write_text("2026-03-02T00:00:00.000Z INFO up request=x\n")
    _preprocess(tmp_path / "a.log", tmp_path / "out")
    progress = SilentProgress()
    preprocess(PreprocessRequest(Selection((tmp_path / "b.log",)), tmp_path / "out", KEY), progress)

    assert len(list((tmp_path / "out").iterdir())) == 2
    assert "1 files of other days" in progress.notes[-1]


@pytest.mark.parametrize(
    ("options", "match"),
    [({"paths": ("nowhere.log",)}, r"nowhere\.log"), ({"sample": KeySample(1e-9)}, "sample ratio")],
)
def test_a_selection_of_nothing_is_refused(
    logs_of_days: Path, tmp_path: Path, options: dict[str, Any], match: str
) -> None:
    """The error says what to look at, and nothing is written."""
    request = PreprocessRequest(Selection(**{"paths": (logs_of_days,), **options}), tmp_path / "out", KEY)
    with pytest.raises(ConfigurationError, match=match):
        preprocess(request)

    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("ratio", [0.0, -0.5, 1.5, float("nan")])
def test_ratios_outside_the_range_are_refused(ratio: float) -> None:
    """All keys are 1."""
    with pytest.raises(ConfigurationError, match="at most 1"):
        KeySample(ratio)


def test_at_least_one_file_is_read() -> None:
    """None of them would be a mistake."""
    with pytest.raises(ConfigurationError, match="max_files is 0"):
        Selection(("x",), max_files=0)


def test_a_folder_that_cannot_be_written_is_named(logs_of_days: Path, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigurationError, match="Name a folder"):
        _preprocess(logs_of_days, tmp_path / "out")


def _day_file(tmp_path: Path) -> Path:
    (tmp_path / "a.log").write_text("".join(_lines(1, days=1, lines=60)))
    return _preprocess(tmp_path / "a.log", tmp_path / "out").files[0]


def _changed(line: int, old: str, new: str) -> Any:
    def change(lines: list[str]) -> list[str]:
        assert old in lines[line]
        return [*lines[:line], lines[line].replace(old, new, 1), *lines[line + 1 :]]

    return change


def _blank_in_event_ids(lines: list[str]) -> list[str]:
    """Of the right length, and yet no 16 digits."""
    return [*lines[:3], re.sub(r'"event_ids":\["..', '"event_ids":["  ', lines[3]), *lines[4:]]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda _: [], r"line 1: the file ends before its list does: it is empty"),
        (lambda lines: lines[:5], r"line 6: the file ends before"),
        (lambda lines: [*lines[:3], *lines[5:]], r"it ends after \d+ sequences"),
        (lambda lines: [*lines, "{}"], "behind the end"),
        (lambda _: ["[", "]"], "no sequence in it"),
        (lambda lines: ["".join(lines)], r"line 1: it must hold `\[` alone"),
        (lambda _: ["some log line", "another"], r"line 1"),
        (lambda lines: ["[", *lines[2:]], "does not say in `about`"),
        (_changed(1, "sequences/1", "sequences/9"), r"sequences/9.*reads logscry\.sequences/1"),
        (_changed(1, '"session_gap_ms"', '"gap"'), "`about` lacks or mistypes a field"),
        (_changed(3, '"event_ids":["', '"event_ids":["zz'), r"line 4: the sequence is broken"),
        (_changed(3, '"times_ms":[', '"times_ms":[1,'), "not of one length"),
        (_changed(3, '"places":[[0', '"places":[[7'), "places must be"),
        (_changed(3, '"key"', '"name"'), "'key'"),
        (_changed(3, '"key":"', '"key":7,"":"'), r"line 4: the sequence is broken \(7 is no text\)"),
        (_changed(3, '"times_ms":[', '"times_ms":[-'), "whole numbers from 0"),
        (_changed(3, '"places":[[0', '"places":[[0.5'), "places must be"),
        (_blank_in_event_ids, "event_ids must hold event IDs of 16 hex digits"),
        (lambda lines: [*lines[:4], lines[3], *lines[5:]], r"line 5: the sequence stands twice"),
        (_changed(1, '"lines":60', '"lines":1e308'), "`about` lacks or mistypes a field .1e.308 is no whole number"),
        (
            _changed(1, '"lines":60', '"lines":1' + 30 * "0"),
            "`about` lacks or mistypes a field .1e.30 is no whole number",
        ),
        (_changed(1, '"lines":60', '"lines":true'), "`about` lacks or mistypes a field"),
        (_changed(1, '"model":null', '"model":[]'), "`about` lacks or mistypes a field"),
        (_changed(3, "{", "<"), r"line 4: it is not JSON"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path, change: Any, match: str) -> None:
    """The error names file and line and says what to do."""
    path = _day_file(tmp_path)
    path.write_text("\n".join(change(path.read_text().splitlines())))

    with pytest.raises(ConfigurationError, match=match) as refused:
        list(DayFile(path).sessions())
    assert str(path) in str(refused.value)
    assert "preprocess the logs again" in str(refused.value)


def test_a_compressed_file_is_read_and_half_of_one_refused(tmp_path: Path) -> None:
    """Whoever keeps days compressed need not unpack them."""
    path = _day_file(tmp_path)
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))

    assert list(DayFile(packed).sessions()) == list(DayFile(path).sessions())
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(ConfigurationError, match="it cannot be read"):
        list(DayFile(packed).sessions())
