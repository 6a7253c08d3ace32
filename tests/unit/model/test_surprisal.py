"""Reading windows by disjoint masks."""

import pytest
import torch

from model.surprisal import prediction_at, predictions, surprisals
from tests.toy_model import toy_artefact, toy_window


@pytest.mark.parametrize("steps", [("open",), ("open", "check", "seat", "film", "end", "leave")])
def test_one_row_is_the_row_of_all(steps: tuple[str, ...]):
    """Asking for one position gives what reading the whole window gives there."""
    artefact = toy_artefact()
    network, tokens = artefact.network(), artefact.vocabulary.encode(toy_window(*steps))

    every = predictions(network, tokens)
    for position in range(len(tokens)):
        torch.testing.assert_close(prediction_at(network, tokens, position), every[position], atol=1e-4, rtol=0)


def test_surprisals_are_the_predictions_of_what_is_there():
    """Both ways of reading a window agree."""
    artefact = toy_artefact()
    network, tokens = artefact.network(), artefact.vocabulary.encode(toy_window("open", "seat", "leave"))

    expected = [-float(row[token]) for row, token in zip(predictions(network, tokens), tokens, strict=True)]
    assert surprisals(network, [tokens])[0] == pytest.approx(expected, abs=1e-4)
