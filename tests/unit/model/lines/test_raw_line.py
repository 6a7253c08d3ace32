"""A line's own bytes, found again in its record."""

import pytest

from model.lines.raw import raw_line
from model.lines.records import read_text


@pytest.mark.parametrize("value", [b"one", b" one \n\n two\n", b"\n\nfirst\n at Frame.a\n at Frame.b", b"[a] b\n[c] d"])
def test_a_line_is_found_under_the_number_that_reading_gave_it(value: bytes):
    """Showing a line and reading it agree, blank lines included."""
    lines = read_text([value], 1000)

    assert lines.text == [raw_line(value, number) for number in lines.line]


def test_a_json_value_over_several_lines_is_shown_whole():
    """Its lines are no log lines."""
    value = b'{\n "message": "hello"\n}'

    assert raw_line(value, 0) == value


@pytest.mark.parametrize(
    "value", [b'[{"msg": "a"}, {"msg": "b"}]', b'[\n{"msg":"a"},\n{"msg":"b"}]', b'{"msg":"a"}\n\n{"msg":"b"}\n']
)
def test_one_object_of_several_is_shown_alone(value: bytes):
    """In an array, or as lines."""
    assert raw_line(value, 1) == b'{"msg":"b"}'


@pytest.mark.parametrize("value", [b"[", b"[7", b"[1]", b"[]"])
def test_what_is_no_array_of_objects_is_shown_whole(value: bytes):
    """It is shown in an alert, so it must be shown somehow."""
    assert raw_line(value, 1) == value
