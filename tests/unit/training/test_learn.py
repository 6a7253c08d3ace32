"""Learning with nothing said: the model knows its key, and its settings file is beside it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from model.artefact import Artefact
from model.errors import ConfigurationError
from model.events.own_masks import OwnMasks
from model.lines.key_rule import KeyRule
from model.reading_part import ReadingPart
from stream.settings import load_settings
from tests.toy_model import KEY, toy_lines
from tests.unit.training.inspection.made_logs import request_lines, requests, written
from training.inspection.config_file import config_path
from training.inspection.inspection import inspect_logs
from training.inspection.sample import take_sample
from training.learn import LearnRequest, learn
from training.reading import Wording
from training.request import TrainingRequest
from training.train import train


@pytest.fixture
def logs(tmp_path: Path) -> str:
    """A folder of request logs."""
    (tmp_path / "logs").mkdir()
    return written(tmp_path / "logs", request_lines(requests(300)))


def test_what_is_learnt_is_what_is_proposed(logs, tmp_path):
    """Key, windows and format; `up` finds the key in the model, and the settings file says the same."""
    output = tmp_path / "runs" / "model"
    found = inspect_logs([logs])
    artefact = learn(LearnRequest([logs], output, max_seconds=2), found)
    reading, settings = ReadingPart.load(output), load_settings(config_path(output))

    assert Artefact.load(output).version == artefact.version
    assert reading.rekey == settings.key.rule() == found.proposal.key == KeyRule(pattern=r"\[([0-9a-f]{16})\]")
    assert asdict(artefact.rule) == {"size": 64, "hop": 1, "session_gap_ms": 1000}
    assert settings.model.path == output
    assert settings.lines.format == reading.line_format.header == "iso-level"


def test_of_large_logs_all_lines_say_the_session_gap(tmp_path, monkeypatch):
    """A sample may miss the long silences: here they are all in the part that is not looked at."""
    rows = requests(300)
    late = [(time_ms + 60_000 + 2_000 * step, key[::-1], step) for time_ms, key, step in rows]
    path = written(tmp_path, request_lines(rows + sorted(late)))
    monkeypatch.setattr(
        "training.inspection.inspection.take_sample", lambda inputs: take_sample(inputs, 2 * len(rows) // 3)
    )
    monkeypatch.setattr("training.inspection.sample._PLACES", 1)
    found = inspect_logs([path])
    artefact = learn(LearnRequest([path], tmp_path / "model", max_seconds=1), found)

    assert not found.sample.whole
    assert artefact.rule.session_gap_ms > found.proposal.rule.session_gap_ms


def test_learning_trains_on_what_a_person_would_have_set_up(tmp_path: Path):
    """The toy's key, found, gives the sessions, templates and format of a training by hand."""
    logs = written(tmp_path, toy_lines(300, seed=1))
    found = inspect_logs([logs])
    learnt = learn(LearnRequest([logs], tmp_path / "learnt", max_seconds=1), found)
    by_hand = train(TrainingRequest((logs,), None, key=KEY, rule=found.proposal.rule, max_seconds=1))

    assert learnt.fingerprint == by_hand.fingerprint
    assert learnt.line_format == by_hand.line_format
    assert learnt.vocabulary == by_hand.vocabulary
    assert len(by_hand.fingerprint) > 1


def test_masks_of_ones_own_are_learnt_with(tmp_path: Path):
    """What was said to the inspection is in the model."""
    masks = OwnMasks.of(["step=([a-z]+)$"])
    found = inspect_logs([written(tmp_path, toy_lines(300, seed=1))], Wording(masks=masks))
    learnt = learn(LearnRequest([str(tmp_path)], tmp_path / "learnt", max_seconds=1), found)

    assert learnt.templates.masks == masks


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"alerts_per_10000_windows": -5.0}, {"epochs": 0}])
def test_what_no_training_can_use_is_refused_before_the_look(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Not after minutes of reading."""
    with pytest.raises(ConfigurationError, match="allowed"):
        LearnRequest([str(tmp_path)], tmp_path / "model", **wrong)
