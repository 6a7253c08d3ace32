"""What a training costs: estimated from its first steps, told as fact after the last."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.toy_model import toy_request
from training.cost import Cost, Pace, parameter_count, peak_memory_bytes
from training.progress import SilentProgress
from training.train import train


def test_a_training_tells_its_cost_before_and_after(tmp_path: Path) -> None:
    """In the notes and in the model card; the estimate holds the learning's bound."""
    torch.set_num_threads(1)  # so small a model gains nothing from more
    progress = SilentProgress()
    train(toy_request(tmp_path, output=tmp_path / "model", epochs=300, max_seconds=60), progress)
    card = " ".join((tmp_path / "model" / "README.md").read_text().split())
    [estimate] = [note for note in progress.notes if "as the first 10 went" in note]
    [fact] = [note for note in progress.notes if "steps took" in note]

    told = re.search(r"0\.3 million parameters, 64 windows a step, .* at most (\d+) s and (\d\.\d) GB", estimate)
    assert told is not None
    assert 0 < float(told[1]) <= 60
    assert fact.partition(" took ")[2].removesuffix(".") in card
    assert estimate.rpartition("at most ")[2].removesuffix(".") in card


def test_a_pace_is_that_of_the_steps_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one, which warms up, does not count; looks cost a third of what learning from as many tokens does."""
    clock = iter([0.0, 10.0, 12.0, 20.0, 24.0])  # of the first step the end is not asked for
    monkeypatch.setattr("training.cost.time", SimpleNamespace(monotonic=lambda: next(clock)))
    pace = Pace()
    for tokens in (1_000_000, 100, 200):
        with pace.step(tokens):
            pass

    assert pace.seconds_for(10, 0) == 10 * 3.0
    assert pace.seconds_for(0, 3_000) == pytest.approx(3_000 * 6.0 / 300 / 3)


def test_the_peak_of_memory_is_in_bytes() -> None:
    """A quarter of a gigabyte that is touched shows, and it stays when it is given back."""
    device = torch.device("cpu")
    size = peak_memory_bytes(device) + 250_000_000
    memory = torch.ones(size // 4)
    grown = peak_memory_bytes(device)
    del memory

    assert grown >= size
    assert peak_memory_bytes(device) >= grown


@pytest.mark.parametrize(("seconds", "words"), [(12.4, "12 s"), (150, "2 min"), (90_000, "25.0 h")])
def test_a_cost_is_told_in_words(seconds: float, words: str) -> None:
    """In the unit that a person would take."""
    assert str(Cost(seconds, 1_500_000_000)) == f"{words} and 1.5 GB of memory"


def test_what_is_not_learnt_does_not_count() -> None:
    """A buffer or a frozen weight is no parameter to learn."""
    layer = torch.nn.Linear(3, 2)
    layer.bias.requires_grad = False

    assert parameter_count(layer) == 6
