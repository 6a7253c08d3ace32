"""Formats: what a sample of lines is, and where its messages begin."""

import json

import pytest

from model.errors import ConfigurationError, ModelError
from model.lines.detection import detect_format
from model.lines.formats import LineFormat


def test_the_majority_decides():
    """Stack traces between the lines do not hide the header."""
    lines = [b"2024-01-02 03:04:05,678 INFO a.b.C: done", b"\tat a.b.C.run(C.java:7)"] * 10

    assert detect_format(lines).header == "log4j"


def test_lines_inside_a_record_count_one_by_one():
    """A record of several lines is a sample of several lines."""
    assert detect_format([b"081109 203531 1 INFO a: b\n081109 203531 2 INFO a: c\n"]).header == "hdfs"


def test_json_fields_are_found_by_their_usual_names():
    """The format says which field is the message, which the time and which the level."""
    line = b'{"@timestamp": "2024-01-02T03:04:05Z", "level": "info", "msg": "done"}'

    assert detect_format([line] * 3) == LineFormat("json", message="msg", time="@timestamp", level="level")


def test_a_sample_of_nothing_is_plain_text():
    """No lines, blank lines and missing values have the simplest format."""
    assert detect_format([]) == detect_format([None, b"", b"\n\n"]) == LineFormat()


def test_only_formats_with_a_time_say_so():
    """A stream without times must fall back on Kafka's."""
    assert LineFormat("text", header="hdfs").has_time
    assert LineFormat("json", time="ts").has_time
    assert not LineFormat("json").has_time
    assert not LineFormat().has_time


@pytest.mark.parametrize(
    "made",
    [
        LineFormat(),
        LineFormat("text", "hdfs"),
        LineFormat("text", "cri+log4j", zone="Europe/Berlin"),
        LineFormat("json", message="/a/b", time="t", level="l"),
        LineFormat("otlp-proto"),
    ],
)
def test_a_format_survives_json(made):
    """What is written to the model is what is read from it."""
    assert LineFormat.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_format_of_an_earlier_version_is_read():
    """It had neither level nor zone."""
    assert LineFormat.from_json({"kind": "text", "header": "hdfs", "message": None, "time": None}).header == "hdfs"


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"kind": "text", "header": "plain", "colour": 1},
        {"kind": "xml", "header": "plain", "message": None, "time": None},
    ],
)
def test_a_broken_format_is_refused(value):
    """A model of another version says so."""
    with pytest.raises(ModelError, match="Train the model again"):
        LineFormat.from_json(value)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "xml"},
        {"header": "nope"},
        {"message": ""},
        {"time": "//"},
        {"level": ""},
        {"zone": "Moon"},
        {"header": "log4j+cri"},
    ],
)
def test_a_wrong_setting_says_what_is_allowed(settings):
    """The error names the allowed values."""
    with pytest.raises(ConfigurationError, match="allowed"):
        LineFormat(**settings)
