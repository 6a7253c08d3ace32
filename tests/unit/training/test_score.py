"""Scoring files: what is written, what is said, what is drawn."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import logscry
from model.errors import ConfigurationError
from model.lines.key_rule import KeyRule
from tests.toy_model import KEY, RULE, toy_artefact, toy_lines
from training.evaluate import EvaluationRequest, evaluate
from training.preprocess import PreprocessRequest, preprocess
from training.progress import SilentProgress
from training.score import ScoringRequest, score_files
from training.selection import Selection

#: The check of the score distribution in the guide that the project began with, as it stands there.
GUIDE = """
import json
import numpy as np

with open('test_results.json', 'r') as f:
    results = json.load(f)

scores = [r['anomaly_score'] for r in results]
print(f"평균: {np.mean(scores):.4f}")
print(f"표준편차: {np.std(scores):.4f}")
print(f"최소: {np.min(scores):.4f}")
print(f"최대: {np.max(scores):.4f}")
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A saved model of the toy language."""
    toy_artefact().save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """20 normal requests, 10 in which no seat was taken, all on 2026-03-01."""
    lines = [line for line in toy_lines(10, seed=9) if "seat" not in line]
    (tmp_path / "app.log").write_text("\n".join([*toy_lines(20, seed=8), *lines]))
    return tmp_path / "app.log"


def _preprocessed(log: Path, output: Path, **options: Any) -> Path:
    [path] = preprocess(PreprocessRequest(Selection((log,)), output, **options)).files
    return path


def _scored(model: Path, log: Path, output: Path, **options: Any) -> list[dict[str, Any]]:
    score_files(ScoringRequest(model, (log,), output, **options), SilentProgress())
    found: list[dict[str, Any]] = json.loads(output.read_text())
    return found


def test_the_snippet_of_the_guide_runs_as_it_stands(model: Path, log: Path, tmp_path: Path) -> None:
    """The command of the guide, and then its check: mean, standard deviation, minimum, maximum, as we say them."""
    day = _preprocessed(log, tmp_path / "days", model=model)
    command = ["score", "--checkpoint", model, "--input", day, "--output", tmp_path / "test_results.json"]
    said = CliRunner().invoke(logscry.app, [*map(str, command), "--threshold", "2.0"])
    guide = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", GUIDE], cwd=tmp_path, capture_output=True, check=True, encoding="utf-8"
    )
    figures = [line.partition(": ")[2] for line in guide.stdout.splitlines()]

    assert said.exit_code == 0, said.output
    assert "above the threshold of 2.0000 nats" in said.stderr
    words = dict(zip(("mean", "standard deviation", "minimum", "maximum"), figures, strict=True))
    assert all(f"{name} {figure}" in said.stderr for name, figure in words.items())
    assert float(words["maximum"]) > float(words["mean"]) > float(words["minimum"]) >= 0


def test_preprocessed_logs_score_as_the_logs_do(model: Path, log: Path, tmp_path: Path) -> None:
    """Window by window, lines included; whether templates were taken from the model or mined anew."""
    raw = _scored(model, log, tmp_path / "raw.json")
    same, progress = _preprocessed(log, tmp_path / "same", model=model), SilentProgress()
    mined = _preprocessed(log, tmp_path / "mined", key=KEY, session_gap_ms=RULE.session_gap_ms)

    score_files(ScoringRequest(model, (same,), tmp_path / "same.json"), progress)
    assert json.loads((tmp_path / "same.json").read_text()) == raw
    assert progress.notes == []
    assert _scored(model, mined, tmp_path / "mined.json") == raw
    assert {item["key"] for item in raw if item["anomalous"]} == {f"k9x{i}" for i in range(10)}


def test_a_log_file_s_name_may_be_no_utf8(model: Path, log: Path, tmp_path: Path) -> None:
    """Its bytes are written as text, whether it is scored itself or what was made of it."""
    named = log.rename(log.with_name(os.fsdecode(b"log\xe9.log")))
    raw = _scored(model, named, tmp_path / "raw.json", key=KeyRule())
    day = _preprocessed(named, tmp_path / "days", model=model, key=KeyRule())

    assert _scored(model, day, tmp_path / "day.json") == raw
    assert {(window["key"], window["first_line"]["file"]) for window in raw} == {(r"log\xe9.log", r"log\xe9.log")}


def test_other_templates_are_matched_with_the_model_s(model: Path, tmp_path: Path) -> None:
    """Logs too few to show what varies have templates of their own, whose messages the model knows all the same."""
    lines = [re.sub(r"seat \d+", "seat window", line) for line in toy_lines(1, seed=3)]
    (tmp_path / "app.log").write_text("\n".join(lines))
    mined = _preprocessed(tmp_path / "app.log", tmp_path / "days", key=KEY, session_gap_ms=RULE.session_gap_ms)
    raw = _scored(model, tmp_path / "app.log", tmp_path / "raw.json")

    assert _scored(model, mined, tmp_path / "mined.json") == raw
    assert not any(item["anomalous"] for item in raw)


def test_what_was_decided_otherwise_is_said(model: Path, log: Path, tmp_path: Path) -> None:
    """Another gap and another key than the model's are noted, and templates that it does not know."""
    log.write_text(log.read_text().replace("snack", "whole dinner"))
    day, progress = _preprocessed(log, tmp_path / "days", session_gap_ms=5), SilentProgress()
    score_files(ScoringRequest(model, (day,), tmp_path / "scores.json"), progress)

    said = " ".join(progress.notes)
    assert "1 templates of the preprocessing are not the model's" in said
    assert "another gap" in said
    assert "the key of the preprocessing" in said


def test_labels_judge_preprocessed_logs_too(model: Path, log: Path, tmp_path: Path) -> None:
    """The figures are those of the logs."""
    rows = [f"k8x{i},0" for i in range(20)] + [f"k9x{i},1" for i in range(10)]
    (tmp_path / "labels.csv").write_text("key,label\n" + "\n".join(rows))
    day = _preprocessed(log, tmp_path / "days", key=KEY, session_gap_ms=RULE.session_gap_ms)

    figures = [
        evaluate(EvaluationRequest(ScoringRequest(model, (each,)), tmp_path / "labels.csv")) for each in (log, day)
    ]
    assert figures[0] == figures[1]
    assert figures[1].model.f1 == 1.0


def test_the_summary_says_what_the_scores_are_like(model: Path, log: Path, tmp_path: Path) -> None:
    """Windows, alerts, mean, deviation, extremes and percentiles are those of the written scores."""
    summary = score_files(ScoringRequest(model, (log,), tmp_path / "scores.json", threshold=0.7))
    scores = [item["anomaly_score"] for item in json.loads((tmp_path / "scores.json").read_text())]

    assert (summary.windows, summary.alerts) == (len(scores), sum(score > 0.7 for score in scores))
    assert f"standard deviation {np.std(scores):.4f}" in summary.words()
    assert f"99 % {np.percentile(scores, 99):.4f}" in summary.words()
    assert f"the model's own is {toy_artefact().threshold:.4f}" in summary.words()


@pytest.mark.parametrize(("suffix", "beginning"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_distribution_is_drawn(model: Path, log: Path, tmp_path: Path, suffix: str, beginning: bytes) -> None:
    """As a picture of the kind that the name asks for."""
    plot = tmp_path / f"scores{suffix}"
    _scored(model, log, tmp_path / "scores.json", plot=plot)

    assert plot.read_bytes().startswith(beginning)


def test_a_picture_of_another_kind_is_refused(model: Path) -> None:
    """Before anything is scored."""
    with pytest.raises(ConfigurationError, match=r"\.png, \.svg"):
        ScoringRequest(model, ("x",), plot=Path("scores.doc"))


def test_json_on_standard_output_is_json_alone(model: Path, log: Path) -> None:
    """Bars and summary go to standard error."""
    done = CliRunner().invoke(logscry.app, ["score", str(log), "-m", str(model)])

    assert len(json.loads(done.stdout)) == 60
    assert "60 windows" in done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "line 1: the file ends before its list does: it is empty"),
        (b'{"a": 1}\n', "line 1"),
        (b"not json at all\n", "line 1"),
        (b'[\n{"about":{"schema":"logscry.sequences/9"},"key":"x"}\n]\n', "reads logscry.sequences/1"),
    ],
)
def test_what_cannot_be_scored_leaves_no_results(model: Path, tmp_path: Path, content: bytes, sentence: str) -> None:
    """The error names the file, and the output is not written."""
    day = tmp_path / "preprocessed_logs_2025-02-24.json"
    day.write_bytes(content)

    with pytest.raises(ConfigurationError, match=sentence) as refused:
        _scored(model, day, tmp_path / "scores.json")
    assert str(day) in str(refused.value)
    assert not (tmp_path / "scores.json").exists()


def test_damage_at_the_end_is_found_at_the_start(model: Path, log: Path, tmp_path: Path) -> None:
    """Older results stay, and no half of new ones lies about."""
    day = _preprocessed(log, tmp_path / "days", model=model)
    day.with_name(day.name + ".gz").write_bytes(gzip.compress(day.read_bytes())[:-9])
    (tmp_path / "scores.json").write_text("older")

    with pytest.raises(ConfigurationError, match="it cannot be read"):
        _scored(model, day.with_name(day.name + ".gz"), tmp_path / "scores.json")
    assert (tmp_path / "scores.json").read_text() == "older"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("preprocessed", [False, True])
def test_no_output_replaces_what_is_read(model: Path, log: Path, tmp_path: Path, *, preprocessed: bool) -> None:
    """Neither logs nor the model's files, nor one output the other: refused before anything is scored."""
    read = _preprocessed(log, tmp_path / "days") if preprocessed else log
    before = read.read_bytes()
    picture = tmp_path / "a.svg"
    for output, plot in ((read, None), (model / "manifest.json", None), (picture, picture)):
        with pytest.raises(ConfigurationError, match=r"would replace|name one file"):
            score_files(ScoringRequest(model, (read,), output, plot=plot), SilentProgress())

    assert read.read_bytes() == before
    assert not picture.exists()


def test_no_figures_replace_the_labels(model: Path, log: Path, tmp_path: Path) -> None:
    """Of an evaluation: refused before anything is scored."""
    labels = tmp_path / "labels.csv"
    labels.write_text("key,label\nk9x1,1\n")
    command = ["evaluate", log, "-m", model, "--labels", labels, "-o", labels]
    done = CliRunner().invoke(logscry.app, [str(each) for each in command])

    assert "would replace" in str(done.exception)
    assert labels.read_text() == "key,label\nk9x1,1\n"


def test_a_standard_output_that_is_closed_takes_no_results(
    model: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before anything is scored."""
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(ConfigurationError, match=r"standard output is closed; .* --output"):
        score_files(ScoringRequest(model, (log,)))
