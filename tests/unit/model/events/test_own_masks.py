"""Masks of the operator's own: what they find, what is refused, and that templates keep them."""

from typing import Any

import pytest

from model.errors import ConfigurationError, ModelError
from model.events.mining import Miner
from model.events.own_masks import OwnMask, OwnMasks
from model.events.recognition import Recogniser
from model.events.shapes import shape, shapes
from model.events.templates import Templates

MASKS = OwnMasks.of(["customer=of ([a-z]+)"])


@pytest.mark.parametrize(
    ("expression", "message", "expected"),
    [
        ("north|south", "from north to south", "from <*> to <*>"),
        ("of ([a-z]+)", "cart of alice, gift of bob", "cart of <*>, gift of <*>"),
        ("([a-z]+)@([a-z]+)", "alice@shop paid", "<*>@<*> paid"),
        ("from ((?:[a-z]+)-([a-z]+))", "from eu-west", "from <*>"),
        ("of ([a-z]+)( twice)?", "cart of alice", "cart of <*>"),
        ("order [0-9]+", "order 12345 paid", "<*> paid"),
        ("[0-9]{2}", "order 12 paid", "order 0 paid"),
        ("Gerät .", "Gerät Ö an", "<*> an"),
        (r"\b", "no text at all", "no text at all"),
        ("x", "\ud800x".encode("utf-8", "surrogatepass"), b"\xed\xa0\x80<*>"),
    ],
)
def test_what_an_expression_finds_becomes_a_wildcard(expression: str, message: str | bytes, expected: str | bytes):
    """Its groups, or without any the whole match, wherever it matches; numbers are one 0 by then."""
    given, wanted = (each.encode() if isinstance(each, str) else each for each in (message, expected))

    assert OwnMask("x", expression).applied_to(shape(given)) == wanted


def test_masks_are_tried_in_their_order_and_before_the_built_in_ones():
    """The second sees what the first left, and a URL is no URL any more."""
    masks = OwnMasks.of(["first=alice", "second=of <[*]>", "scheme=https?"])

    assert masks.applied_to(b"cart of alice") == b"cart <*>"
    assert Templates(masks=masks).masked(b"see https://a.b/c") == b"see <*>://a.b/c"
    assert Templates().masked(b"see https://a.b/c") == b"see <*>"


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["no-expression"], "NAME=EXPRESSION"),
        (["=x"], "NAME=EXPRESSION"),
        (["two words=x"], "NAME=EXPRESSION"),
        (["a=(unclosed"], "the expression of the mask a '\\(unclosed' is not accepted by RE2"),
        (["a=x(?=y)"], "no look-around"),
        (["a=x*"], "such as with \\+ in place of \\*"),
        (["a=" + "x" * 1001], "allowed are 1000"),
        (["a=x", "a=y"], "two masks of the name a"),
        ([f"a{number}=x" for number in range(51)], "allowed are 50"),
    ],
)
def test_a_mask_that_cannot_be_used_is_refused(texts: list[str], sentence: str):
    """The error says which, and what is allowed."""
    with pytest.raises(ConfigurationError, match=sentence):
        OwnMasks.of(texts)


def test_mining_matching_and_novel_events_mask_alike():
    """Two customers are too few to be found by themselves; a third is no news, nor is one in a message never seen."""
    messages = [b"cart of alice saved", b"cart of bob saved"]
    plain, masked = Miner(), Miner(masks=MASKS)
    for miner in (plain, masked):
        miner.add(shapes(messages))
    recogniser = Recogniser(masked.finish(), bytes.strip, 10)
    known = recogniser.event_ids([b"cart of alice saved", b"cart of carol saved"])
    novel = recogniser.event_ids([b"gift of dave sent", b"gift of erin sent"])

    assert [template.text for template in plain.finish()] == ["cart of alice saved", "cart of bob saved"]
    assert [template.text for template in masked.finish()] == ["cart of <*> saved"]
    assert len({*known}) == len({*novel}) == 1
    assert recogniser.novel_among([*known, *novel]) == {*novel}
    assert recogniser.text_of(novel[0]) == "gift of <*> sent"


def test_templates_keep_their_masks_as_json():
    """Without masks the JSON is what it always was: a list."""
    miner = Miner(masks=MASKS)
    miner.add(shapes([b"cart of alice saved"]))
    templates = miner.finish()
    read = Templates.from_json(templates.to_json())

    assert read.masks == MASKS
    assert [*read] == [*templates]
    assert read.match(b"cart of zoe saved") is not None
    assert isinstance(Templates([*templates]).to_json(), list)


@pytest.mark.parametrize("masks", [[{"name": "a", "expression": "("}], [{"name": "a"}], [7], 7])
def test_damaged_masks_are_refused(masks: Any):
    """The model is to be trained again."""
    with pytest.raises(ModelError, match="Train the model again"):
        Templates.from_json({"templates": [], "masks": masks})
