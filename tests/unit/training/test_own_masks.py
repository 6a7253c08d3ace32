"""Masks of the operator's own, from training to serving."""

from pathlib import Path
from typing import Any

import pytest

from model.artefact import Artefact
from model.errors import ConfigurationError
from model.events.own_masks import OwnMasks
from model.reading_part import ReadingPart
from tests.toy_model import KEY, RULE, toy_lines
from training.preprocess import PreprocessRequest, preprocess
from training.request import TrainingRequest
from training.selection import Selection
from training.train import train

MASKS = OwnMasks.of(["customer=seat of ([a-z]+)"])
NAMES = ("alice", "bob", "carol")


def _lines(names: tuple[str, ...]) -> list[str]:
    lines = toy_lines(40, seed=3)
    return [line.replace("seat", f"seat of {names[number % len(names)]}") for number, line in enumerate(lines)]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Requests whose seats are of two customers."""
    path = tmp_path / "seats.log"
    path.write_text("\n".join(_lines(NAMES[:2])))
    return path


def _train(inputs: Path, output: Path | None, **options: Any) -> Artefact:
    return train(TrainingRequest((inputs,), output, **{"key": KEY, "rule": RULE, "epochs": 2, **options}))


def _served(folder: Path, names: tuple[str, ...]) -> tuple[list[bytes], int]:
    """The event IDs that a consumer gives, and how many of them are novel."""
    parsed = ReadingPart.load(folder).parser().parse([line.encode() for line in _lines(names)])
    return parsed.event_id, len(parsed.novel)


def test_serving_masks_as_training_did(logs: Path, tmp_path: Path) -> None:
    """The model has one event where there were two, and a customer that training never met has it, too."""
    plain, masked = _train(logs, tmp_path / "plain"), _train(logs, tmp_path / "masked", masks=MASKS)
    known, novel = _served(tmp_path / "masked", NAMES[:2])
    texts = [template.text for template in masked.templates if "seat" in template.text]

    assert texts
    assert all("seat of <*>" in text for text in texts)
    assert len(plain.templates) == len(masked.templates) + len(texts)
    assert set(known) == set(masked.vocabulary.events)
    assert (novel, _served(tmp_path / "masked", NAMES)) == (0, (known, 0))
    assert _served(tmp_path / "plain", NAMES)[1] > 0


def test_preprocessed_logs_keep_their_masks(logs: Path, tmp_path: Path) -> None:
    """A model of them is that of the logs with the same masks, to the bit."""
    selection = Selection((logs,))
    preprocess(PreprocessRequest(selection, tmp_path / "days", KEY, session_gap_ms=RULE.session_gap_ms, masks=MASKS))
    of_days, of_logs = _train(tmp_path / "days", None), _train(logs, None, masks=MASKS)

    assert of_days.templates.masks == MASKS
    assert of_days.version == of_logs.version


def test_a_model_is_not_given_other_masks(logs: Path, tmp_path: Path) -> None:
    """Its templates were mined with its own."""
    with pytest.raises(ConfigurationError, match="leave out the masks"):
        PreprocessRequest(Selection((logs,)), tmp_path / "days", model=tmp_path / "model", masks=MASKS)
