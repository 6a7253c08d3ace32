"""What holds for the event ID of any message."""

import re

from hypothesis import given
from hypothesis import strategies as st

from model.events.masking import mask
from model.events.mining import Miner
from model.events.shapes import MAX_SHAPE_BYTES, shape, shapes

WORDS = st.sampled_from(
    ["user", "alice", "bob", "id=7", "10.0.0.1", "/var/log", "blk_12", "(x)", "ok,", "é", "0x1f", '"q"', "<*>"]
)
MESSAGES = st.lists(WORDS, min_size=1, max_size=8).map(lambda words: " ".join(words).encode())


@given(st.lists(st.binary(max_size=200)))
def test_shapes_of_a_batch_are_shapes_of_its_messages(messages):
    """Batching is only a way to be fast, and the shape is what its definition says."""
    expected = [re.sub(rb"[0-9]+", b"0", message)[:MAX_SHAPE_BYTES] for message in messages]

    assert expected == shapes(messages)
    assert expected == [shape(message) for message in messages]


@given(st.binary(max_size=300))
def test_digits_never_reach_a_template(message):
    """A masked text holds no digit, whatever the message is."""
    assert not re.search(rb"[0-9]", mask(shape(message)))


@given(st.lists(MESSAGES, min_size=1, max_size=60))
def test_mining_covers_what_it_saw(messages):
    """Every message that was mined matches a template, and the counts add up."""
    miner = Miner()
    miner.add(shapes(messages))
    templates = miner.finish()

    assert all(templates.match(each) is not None for each in shapes(messages))
    assert len(messages) == sum(template.count for template in templates)


@given(st.lists(MESSAGES, min_size=1, max_size=60), st.integers(1, 59))
def test_mining_is_deterministic(messages, cut):
    """The same messages in the same order give the same templates, however they were handed over."""
    whole, parts = Miner(), Miner()
    whole.add(shapes(messages))
    parts.add(shapes(messages[:cut]))
    parts.add(shapes(messages[cut:]))

    assert [t.text for t in whole.finish()] == [t.text for t in parts.finish()]
