"""Shapes: digits gone, one batch at a time."""

from model.events.shapes import MAX_SHAPE_BYTES, shape, shapes


def test_every_run_of_digits_becomes_one_zero():
    """Runs of any length give the same shape."""
    messages = [b"took %s ms" % (b"7" * length) for length in (1, 2, 3, 15, 16, 17, 255, 4000)]

    assert {b"took 0 ms"} == set(shapes(messages))


def test_a_message_with_a_newline_keeps_its_place():
    """The slow way for messages of several lines gives one shape a message, too."""
    assert shapes([b"a 12\nb 34", b"c 56"]) == [b"a 0\nb 0", b"c 0"]


def test_no_messages_have_no_shapes():
    """An empty batch is no error."""
    assert shapes([]) == []


def test_a_long_message_is_cut_after_its_digits_have_gone():
    """What comes late in a message does not decide about its event."""
    long = b"1" * 10_000 + b"x" * 10_000

    assert [shape(long)] == shapes([long])
    assert len(shape(long)) == MAX_SHAPE_BYTES
