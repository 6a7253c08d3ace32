"""Training on preprocessed logs."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from model.errors import ConfigurationError
from model.events.own_masks import OwnMasks
from model.lines.choice import FormatChoice
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from tests.toy_model import KEY, RULE, toy_artefact, toy_lines
from training.material import Material, read_material
from training.preprocess import PreprocessRequest, preprocess
from training.progress import SilentProgress
from training.reading import Wording
from training.request import TrainingRequest
from training.selection import KeySample, Selection
from training.train import train


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two files of normal requests on three days, in one folder."""
    (tmp_path / "logs").mkdir()
    for name, first_day, days in (("a.log", 1, 2), ("b.log", 2, 2)):
        lines = [
            line.replace("2026-03-01", f"2026-03-0{first_day + day}").replace("request=k", f"request={name[0]}{day}k")
            for day in range(days)
            for line in toy_lines(60, seed=day)
        ]
        (tmp_path / "logs" / name).write_text("\n".join(lines))
    return tmp_path / "logs"


def _preprocessed(logs: Path, output: Path, **options: Any) -> Path:
    selection = Selection((logs,), options.pop("max_files", None), KeySample(options.pop("ratio", 1.0)))
    preprocess(PreprocessRequest(selection, output, KEY, session_gap_ms=RULE.session_gap_ms, **options))
    return output


def _request(inputs: Path, **options: Any) -> TrainingRequest:
    return TrainingRequest(**{"inputs": (inputs,), "output": None, "key": KEY, "rule": RULE, "epochs": 8, **options})


def _read(*inputs: Path, ratio: float = 1.0, key: KeyRule = KEY, said: Wording = Wording()) -> Material:  # noqa: B008
    return read_material(Selection(inputs, sample=KeySample(ratio)), key, said, RULE, SilentProgress())


def test_the_model_is_that_of_the_raw_logs(logs: Path, tmp_path: Path) -> None:
    """The same seed gives the same version, which covers weights, templates, threshold and fingerprint, to the bit."""
    days = _preprocessed(logs, tmp_path / "days")
    raw, preprocessed = train(_request(logs)), train(_request(days, key=KeyRule()))

    assert raw.version == preprocessed.version
    assert raw.version != train(_request(days, seed=1)).version


def test_a_sample_of_a_sample_is_that_of_the_raw_logs(logs: Path, tmp_path: Path) -> None:
    """A tenth taken at once or in two steps, before or after: the same sessions, and the same is remembered."""
    whole, half = _preprocessed(logs, tmp_path / "whole"), _preprocessed(logs, tmp_path / "half", ratio=0.5)
    raw = read_material(Selection((logs,), sample=KeySample(0.1)), KEY, Wording(), RULE, SilentProgress())

    for found in (_read(whole, ratio=0.1), _read(half, ratio=0.2)):
        assert found.corpus.sessions == raw.corpus.sessions
        assert found.corpus.fingerprint() == raw.corpus.fingerprint()
        assert found.sample == raw.sample
    assert 0 < len(raw.corpus.sessions) < 100


def test_the_model_says_what_share_it_learnt_from(logs: Path) -> None:
    """The sample is a setting of the training."""
    assert train(_request(logs, sample_ratio=0.5)).settings["sample_ratio"] == 0.5


def test_some_days_of_several(logs: Path, tmp_path: Path) -> None:
    """A single file is enough; the model's fingerprint says which days it is of, and counts its events."""
    days = _preprocessed(logs, tmp_path / "days")
    found = _read(days / "preprocessed_logs_2026-03-02.json").corpus

    assert found.fingerprint()["days"] == ["2026-03-02"]
    assert found.fingerprint()["lines"] == found.fingerprint()["events"] == sum(map(len, found.sessions))
    assert "days" not in _read(days).corpus.fingerprint()


def test_a_file_is_known_by_its_content_too(logs: Path, tmp_path: Path) -> None:
    """It may have another name, and be compressed."""
    [path] = _preprocessed(logs / "a.log", tmp_path / "days", max_files=1).glob("*01.json")
    (tmp_path / "monday").write_bytes(path.read_bytes())
    (tmp_path / "monday.gz").write_bytes(gzip.compress(path.read_bytes()))

    assert _read(tmp_path / "monday").corpus.sessions == _read(tmp_path / "monday.gz").corpus.sessions


def test_the_gap_of_the_preprocessing_holds(logs: Path, tmp_path: Path) -> None:
    """It is told of, and kept in the model."""
    days, progress = _preprocessed(logs, tmp_path / "days"), SilentProgress()
    found = read_material(Selection((days,)), KEY, Wording(), WindowRule(), progress)

    assert found.session_gap_ms == RULE.session_gap_ms
    assert "60 s" in progress.notes[-1]


def test_days_that_were_preprocessed_apart_are_refused(logs: Path, tmp_path: Path) -> None:
    """Their templates differ, so that their event IDs do not mean the same."""
    days = _preprocessed(logs, tmp_path / "days")
    (tmp_path / "other.log").write_text("2026-04-01T00:00:00.000Z INFO something else of request=k1")
    _preprocessed(tmp_path / "other.log", days)

    with pytest.raises(ConfigurationError, match="preprocessed apart"):
        _read(days)


def test_days_that_were_preprocessed_with_one_model_are_learnt_from_together(tmp_path: Path) -> None:
    """Each run has its own novel events; the new model has templates of all of them."""
    toy_artefact().save(tmp_path / "model")
    for day in ("01", "02"):
        text = f"2026-04-{day}T00:00:00.000Z INFO a thing of day {day} for request=k{day}\n"
        (tmp_path / f"{day}.log").write_text(
            text + f"2026-04-{day}T00:00:01.000Z INFO roof {'ab'[day == '01']} of request=k1"
        )
        _preprocessed(tmp_path / f"{day}.log", tmp_path / "days", model=tmp_path / "model")
    found = _read(tmp_path / "days", key=KeyRule())

    assert {"roof a of request=k<*>", "roof b of request=k<*>"} <= {template.text for template in found.templates}
    assert [path.name for path in found.corpus.files] == ["01.log", "02.log"]
    assert {place[0] for session in found.corpus.sessions for place in session.places} == {0, 1}
    assert all(event in found.templates for session in found.corpus.sessions for event in [session.events[:8]])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"key": KeyRule(pattern="other=(x)")}, "leave the key options out"),
        ({"said": Wording(FormatChoice("json"))}, "leave the format options out"),
        ({"said": Wording(masks=OwnMasks.of(["who=of ([a-z]+)"]))}, "leave the masks out"),
        ({"ratio": 1e-9}, "raise the sample ratio"),
    ],
)
def test_options_that_come_too_late_are_refused(
    logs: Path, tmp_path: Path, options: dict[str, Any], match: str
) -> None:
    """What preprocessing decided cannot be decided again."""
    days = _preprocessed(logs, tmp_path / "days")

    with pytest.raises(ConfigurationError, match=match):
        _read(days, **options)


def test_logs_and_preprocessed_logs_do_not_mix(logs: Path, tmp_path: Path) -> None:
    """The error names one of each."""
    days = _preprocessed(logs, tmp_path / "days")

    with pytest.raises(ConfigurationError, match=r"preprocessed_logs_2026-03-01\.json .*a\.log"):
        _read(days, logs)


def test_a_day_counts_once(logs: Path, tmp_path: Path) -> None:
    """A file and its compressed copy are refused together."""
    days = _preprocessed(logs, tmp_path / "days")
    path = days / "preprocessed_logs_2026-03-01.json"
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))

    with pytest.raises(ConfigurationError, match="name one of them"):
        _read(days)


def test_a_damaged_file_stops_the_training_with_its_name(logs: Path, tmp_path: Path) -> None:
    """Before anything is learnt."""
    path = _preprocessed(logs, tmp_path / "days") / "preprocessed_logs_2026-03-02.json"
    path.write_text(path.read_text()[:-400])

    with pytest.raises(ConfigurationError, match=r"preprocessed_logs_2026-03-02\.json, line \d+"):
        train(_request(tmp_path / "days"))
