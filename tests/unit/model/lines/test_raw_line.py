"""A line's own bytes, found again in its record."""

import pytest

from model.lines.records import raw_line, read_text


@pytest.mark.parametrize("value", [b"one", b" one \n\n two\n", b"\n\nfirst\n at Frame.a\n at Frame.b"])
def test_a_line_is_found_under_the_number_that_reading_gave_it(value: bytes):
    """Showing a line and reading it agree, blank lines included."""
    lines = read_text([value], 1000)

    assert lines.text == [raw_line(value, number) for number in lines.line]


def test_a_json_value_over_several_lines_is_shown_whole():
    """Its lines are no log lines."""
    value = b'{\n "message": "hello"\n}'

    assert raw_line(value, 0) == value
