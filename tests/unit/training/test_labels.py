"""Labels: what a CSV of them means, and what they let one judge."""

import json
from pathlib import Path

import pytest

import logscry
from model.errors import ConfigurationError
from stream.windowing.windows import Span
from tests.toy_model import toy_artefact, toy_lines, toy_window
from training.corpus import Session
from training.evaluate import Evaluation
from training.labels import KeyLabels, LineLabels, read_labels
from training.measures import Outcome, measure, precision_recall_curve
from training.report import evaluation_table
from training.score import ScoredWindow
from training.spread import as_json, spread


def labels_of(folder: Path, text: str) -> KeyLabels | LineLabels:
    """The labels of a file with this text."""
    path = folder / "labels.csv"
    path.write_text(text)
    return read_labels(path)


def window(key: bytes, places: tuple[tuple[int, int], ...], start: int, stop: int) -> ScoredWindow:
    """A scored window of a session whose lines are at these places."""
    session = Session(key, b"e" * 8 * len(places), places)
    return ScoredWindow(session, Span(start, stop, final=False), toy_window(b"e" * 8), ("a.log", "b.log"), 1.0)


def test_labels_in_words_are_understood(tmp_path: Path) -> None:
    """0 and 1, words, and the dash of supercomputer logs."""
    found = labels_of(tmp_path, "key,lines,label\na,1,Normal\nb,1,Anomaly\nc,1,-\nd,1,1\n")

    assert found == KeyLabels({b"a": False, b"b": True, b"c": False, b"d": True})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "at least two columns"),
        ("key\na\n", "at least two columns"),
        ("key,label\na,perhaps\n", "row 2: the label 'perhaps'"),
        ("key,lines,label\na,1\n", "row 2: the label '(none)'"),
        ("line,label\n1,0\nx,1\n", "row 3: the line 'x'"),
        ("line,label\n0,1\n", "row 2: the line '0'"),
        ("line,label\n" + "9" * 5000 + ",1\n", "row 2: the line '999"),
        ("line,label\nx,0\n", "row 2: the line 'x'"),
        ("line,label\n1,0\n1,1\n", "row 3: a row before says the opposite"),
        ("key,label\na,0\na,1\n", "row 3: a row before says the opposite"),
        ("line,label,file\n3,1\n", "row 2: no file is named"),
    ],
)
def test_labels_that_cannot_be_understood_are_refused(tmp_path: Path, text: str, what: str) -> None:
    """No label is guessed; the error names the row."""
    with pytest.raises(ConfigurationError) as refused:
        labels_of(tmp_path, text)
    assert what in str(refused.value)


def test_labels_of_keys_judge_keys(tmp_path: Path) -> None:
    """All windows of a key are one unit; what only one side names is counted and left out."""
    windows = [window(b"a", ((0, 1), (0, 2)), 0, 1), window(b"b", ((0, 3),), 0, 1), window(b"a", ((0, 1),), 0, 1)]
    judged = labels_of(tmp_path, "key,label\na,1\nc,0\n").judge(windows)

    assert judged.units == [(True, [windows[0], windows[2]])]
    assert (judged.unlabelled, judged.absent) == (1, 1)


@pytest.mark.parametrize(
    ("text", "abnormal"),
    [
        # window 0 holds lines 1 and 2 of a.log, window 1 line 3 of a.log and line 2 of b.log
        ("file,line,label\nb.log,2,1\na.log,9,1\na.log,1,0\n", [False, True]),
        ("file,line,label\na.log,1,1\n", [True, False]),
    ],
)
def test_labels_of_lines_judge_windows_by_the_lines_in_them(tmp_path: Path, text: str, abnormal: list[bool]) -> None:
    """A window is abnormal that holds an abnormal line; lines of its session outside it do not count."""
    places = ((0, 1), (0, 2), (0, 3), (1, 2))
    windows = [window(b"k", places, 0, 2), window(b"k", places, 2, 4)]
    judged = labels_of(tmp_path, text).judge(windows)

    assert [unit[0] for unit in judged.units] == abnormal
    assert judged.absent == text.count("a.log,9,1")  # no window has it


@pytest.mark.parametrize(
    ("text", "files", "what"),
    [
        ("line,label\n2,1\n", ("a.log", "b.log"), "there are 2 logs: a.log, b.log. Add a column `file`"),
        ("file,line,label\nlogs/a.log,2,1\n", ("a.log",), "'logs/a.log', and 0 of the logs have this name"),
        ("file,line,label\na.log,2,1\n", ("a.log", "a.log"), "'a.log', and 2 of the logs have this name"),
    ],
)
def test_a_label_whose_file_cannot_be_told_is_refused(
    tmp_path: Path, text: str, files: tuple[str, ...], what: str
) -> None:
    """A wrong truth would pass for a bad model."""
    found = window(b"k", ((0, 1), (0, 2)), 0, 2)._replace(files=files)

    with pytest.raises(ConfigurationError) as refused:
        labels_of(tmp_path, text).judge([found])
    assert what in str(refused.value)


def test_a_spreadsheet_s_file_is_read(tmp_path: Path) -> None:
    """With its byte order mark, and blanks in the header."""
    assert labels_of(tmp_path, "\ufeffline, label\n2,1\n") == LineLabels({None: frozenset({2})})


def test_several_models_have_a_mean_and_a_spread() -> None:
    """Of each figure; one model is told as it is."""
    outcomes = [Outcome(abnormal=True, score=s, windows=2, flagged=1, early=True, seen=0.5) for s in (3.0, 4.0)]
    normal = [
        Outcome(abnormal=False, score=s, windows=2, flagged=int(s > 2), early=False, seen=1.0) for s in (1.0, 2.5)
    ]
    both = [measure([*outcomes, normal[0]], 2.0), measure([*outcomes, normal[1]], 2.0)]
    evaluations = [Evaluation("v", "keys", 3, 2, 6, 0, 0, each, precision_recall_curve([]), {}) for each in both]
    found = spread(evaluations)

    assert found["mean"]["false_alarms"] == 0.5
    assert found["standard_deviation"]["false_alarms"] == pytest.approx(0.7071, abs=1e-4)
    assert (found["mean"]["lines_seen"], found["mean"]["early_share"]) == (0.5, 1.0)
    assert as_json(evaluations)["models"] == [evaluation.to_json() for evaluation in evaluations]
    assert as_json(evaluations[:1]) == evaluations[0].to_json()
    assert evaluation_table(evaluations).row_count == 4


def test_two_models_are_judged_by_their_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a user asks for it: lines labelled in a CSV, two models, one table, one JSON file, one picture."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        toy_artefact().save(tmp_path / name)
    (tmp_path / "app.log").write_text("\n".join(toy_lines(2, seed=1)))
    (tmp_path / "labels.csv").write_text("line,label\n2,1\n")
    (tmp_path / "normal.log").write_text("\n".join(toy_lines(4, seed=2)))
    command = "evaluate app.log --labels labels.csv -m one -m two -o f.json --training-logs normal.log --plot f.svg"
    monkeypatch.setattr("sys.argv", ["logscry", *command.split()])
    with pytest.raises(SystemExit) as ended:
        logscry.main()

    assert not ended.value.code
    found = json.loads((tmp_path / "f.json").read_text())
    assert [each["unit"] for each in found["models"]] == ["windows", "windows"]
    assert found["models"][0]["abnormal"] > 0
    assert "std. dev." in capsys.readouterr().out
    assert "<svg" in (tmp_path / "f.svg").read_text()


def test_a_picture_of_an_unknown_kind_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says which kinds there are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["logscry", "evaluate", "app.log", "--labels", "labels.csv", "--plot", "f.bmp"])
    with pytest.raises(SystemExit) as ended:
        logscry.main()

    assert ended.value.code
    assert ".png, .svg" in capsys.readouterr().err
