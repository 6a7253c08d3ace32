"""A training that was interrupted goes on as if it had not been."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors
import torch
from safetensors.torch import save_file

from model.artefact import Artefact
from model.errors import ConfigurationError, LogscryError, ModelError
from tests.toy_model import toy_request
from training.checkpoint import Checkpoint, TrainingState
from training.progress import SilentProgress
from training.request import TrainingRequest
from training.train import train


class _PulledPlug(SilentProgress):
    """Ends the training after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps, self._stage = steps, ""

    def begin(self, stage: str, total: int | None) -> None:  # noqa: ARG002 -- as the protocol says
        self._stage = stage

    def advance(self, steps: int, facts: Mapping[str, float]) -> None:  # noqa: ARG002 -- likewise
        if self._stage == "training":
            self._steps -= steps
            if self._steps <= 0:
                raise KeyboardInterrupt


@pytest.fixture
def request_(tmp_path: Path) -> TrainingRequest:
    """A training of some 30 steps with a look every other."""
    torch.set_num_threads(1)  # so small a model gains nothing from more
    return toy_request(tmp_path, output=tmp_path / "model", epochs=500)


def _interrupt(request: TrainingRequest, steps: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(request, _PulledPlug(steps))
    torch.manual_seed(12345)  # nothing of the process may matter


@pytest.mark.parametrize("interruptions", [(15,), (5, 14, 3)])
def test_a_resumed_training_gives_the_model_of_an_uninterrupted_one(
    request_: TrainingRequest, tmp_path: Path, interruptions: tuple[int, ...]
) -> None:
    """To the bit, however often it was interrupted; the checkpoint is gone at the end."""
    whole = train(replace(request_, output=tmp_path / "whole"))
    _interrupt(request_, interruptions[0])
    for steps in interruptions[1:]:
        _interrupt(replace(request_, resume=True), steps)
    progress = SilentProgress()
    resumed = train(replace(request_, resume=True), progress)

    assert any(note.startswith("the training goes on from step") for note in progress.notes)
    assert resumed.version == whole.version == Artefact.load(tmp_path / "model").version
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "toy.log", "whole"]


def test_without_a_checkpoint_it_begins_anew(request_: TrainingRequest) -> None:
    """And says so: whoever starts it may always ask to resume."""
    progress = SilentProgress()
    train(replace(request_, resume=True, epochs=20), progress)

    assert "begins anew" in progress.notes[0]


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 400}, {"sample_ratio": 0.9}])
def test_the_checkpoint_of_another_training_is_refused(request_: TrainingRequest, change: dict[str, object]) -> None:
    """With what to do; without --resume the training begins anew."""
    _interrupt(request_, 10)

    with pytest.raises(ConfigurationError, match="is of another training"):
        train(replace(request_, resume=True, **change))  # type: ignore[arg-type]


def test_other_logs_are_another_training(request_: TrainingRequest, tmp_path: Path) -> None:
    """Lines that were added since would be learnt from by half."""
    _interrupt(request_, 10)
    with (tmp_path / "toy.log").open("a") as log:
        log.write("\n2026-03-02T00:00:00.000Z INFO gate opened for request=late")

    with pytest.raises(ConfigurationError, match="is of another training"):
        train(replace(request_, resume=True))


@pytest.mark.parametrize("content", [b"", b"no tensors", "half", "foreign"])
def test_a_damaged_checkpoint_is_refused(request_: TrainingRequest, content: bytes | str) -> None:
    """The error names the file and says how to go on."""
    _interrupt(request_, 10)
    assert request_.output is not None
    path = Checkpoint.path_beside(request_.output)
    if content == "foreign":
        save_file({"x": torch.zeros(1)}, path)
    else:
        path.write_bytes(path.read_bytes()[:-100] if isinstance(content, str) else content)

    with pytest.raises(LogscryError, match="leave --resume out") as refused:
        train(replace(request_, resume=True))
    assert isinstance(refused.value, ModelError)
    assert str(path) in str(refused.value)


def test_a_checkpoint_with_one_altered_byte_is_refused(request_: TrainingRequest) -> None:
    """Its tensors are still tensors: only what was written along tells that they are not those."""
    _interrupt(request_, 10)
    assert request_.output is not None
    path = Checkpoint.path_beside(request_.output)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(ModelError, match="was altered"):
        train(replace(request_, resume=True))


def test_a_whole_checkpoint_that_lacks_something_is_refused(request_: TrainingRequest) -> None:
    """Whoever wrote it."""
    _interrupt(request_, 10)
    assert request_.output is not None
    path = Checkpoint.path_beside(request_.output)
    with safetensors.safe_open(path, framework="pt") as file:
        training = file.metadata()["training"]
    Checkpoint(path, training).save(TrainingState({"x": torch.zeros(1)}, {"step": 3}))

    with pytest.raises(ModelError, match="does not fit the training"):
        train(replace(request_, resume=True))


def test_a_checkpoint_that_is_no_file_is_refused(request_: TrainingRequest) -> None:
    """A named pipe would be waited for without end."""
    assert request_.output is not None
    os.mkfifo(Checkpoint.path_beside(request_.output))

    with pytest.raises(ModelError, match="it is no file"):
        train(replace(request_, resume=True))


def test_without_resume_a_checkpoint_plays_no_part(request_: TrainingRequest, tmp_path: Path) -> None:
    """The model is that of a training from the beginning."""
    _interrupt(request_, 10)

    assert train(request_).version == train(replace(request_, output=tmp_path / "other")).version
