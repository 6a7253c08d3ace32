"""Reading windows by disjoint masks."""

import pytest
import torch

from model.surprisal import _CONTEXT, MASK_PASSES, _stretches, prediction_at, predictions, surprisals, tokens_read
from tests.toy_model import toy_artefact, toy_window

REQUEST = ("open", "check", "seat", "film", "end", "leave")


@pytest.mark.parametrize("steps", [("open",), REQUEST, REQUEST * 30])
def test_one_row_is_the_row_of_all(steps: tuple[str, ...]):
    """Asking for one position gives what reading the whole window gives there."""
    artefact = toy_artefact()
    network, tokens = artefact.network(), artefact.vocabulary.encode(toy_window(*steps))
    assert (len(tokens) > network.config.longest) == (len(steps) > 100)

    every = predictions(network, tokens)
    for position in range(len(tokens)):
        torch.testing.assert_close(prediction_at(network, tokens, position), every[position], atol=1e-4, rtol=0)


@pytest.mark.parametrize("steps", [("open", "seat", "leave"), REQUEST * 30])
def test_surprisals_are_the_predictions_of_what_is_there(steps: tuple[str, ...]):
    """Both ways of reading a window agree, also where it is read in stretches."""
    artefact = toy_artefact()
    network, tokens = artefact.network(), artefact.vocabulary.encode(toy_window(*steps))
    assert (len(tokens) > network.config.longest) == (len(steps) > 100)

    expected = [-float(row[token]) for row, token in zip(predictions(network, tokens), tokens, strict=True)]
    assert surprisals(network, [tokens])[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("length", [1, 51, 52, 53, 71, 72, 73, 74, 92, 93, 299, 4_494])
def test_stretches_read_each_position_once_with_what_stands_beside_it(length: int):
    """Two neighbourhoods of context, less only at the window's own start and end."""
    longest = 2 * _CONTEXT + 20
    stretches = list(_stretches(0, length, longest))

    assert [place for each in stretches for place in range(each.first, each.last)] == list(range(length))
    assert {each.end - each.begin for each in stretches} == {min(length, longest)}
    assert all(each.begin == 0 or each.first - each.begin >= _CONTEXT for each in stretches)
    assert all(each.end == length or each.end - each.last >= _CONTEXT for each in stretches)
    assert tokens_read(length, longest) == MASK_PASSES * sum(each.end - each.begin for each in stretches)
