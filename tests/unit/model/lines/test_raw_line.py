"""A line's own bytes, found again in its record."""

import json

import orjson
import pytest

from model.lines.raw import raw_line
from model.lines.records import read_text
from tests.unit.model.lines.test_otlp import as_json, logs, record


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


def test_a_log_record_that_cannot_be_written_again_is_shown_with_its_whole_record():
    """JSON is read to more depth than it is written to."""
    deep = json.loads("[" * 300 + "]" * 300)
    value = as_json(logs(record(attributes=[{"key": "deep", "value": {"stringValue": deep}}]), record("other")))

    assert raw_line(value, 0) == value
    assert orjson.loads(raw_line(value, 1))["body"] == "other"


@pytest.mark.parametrize("number", ["99999999999999999999", "-9223372036854775809"])
def test_a_number_too_large_for_otlp_is_shown_as_text(number):
    """It has no more than 64 bits there; JSON's writer writes no more."""
    value = as_json(logs(record(attributes=[{"key": "n", "value": {"intValue": number}}])))

    assert orjson.loads(raw_line(value, 0))["attributes"] == {"n": number}
