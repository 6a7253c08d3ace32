"""All that a line says by name, and where in its text."""

import pytest

from model.lines.fields import field_path, leaves_of, value_at
from model.lines.formats import Kind, LineFormat
from model.lines.headers import header_named
from model.lines.record_parts import parts_of
from tests.unit.model.lines.test_otlp import ENCODINGS, Encoded, attributes, logs, record

NESTED = {"a": 1, "b": {"c/d": "x", "e": {"f~": None}}, "g.h": [1], "/i": True, "": 5, "j": {}}


def test_what_is_nested_is_named_by_pointers_that_find_it():
    """Each name leads back to its value; what has no name is left out."""
    found = leaves_of(NESTED)

    assert found == {"a": 1, "/b/c~1d": "x", "/b/e/f~0": None, "g.h": [1], "/~1i": True}
    assert all(value_at(NESTED, field_path(name)) == value for name, value in found.items())


def test_what_lies_too_deep_for_a_pointer_is_left_out():
    """However deep it is."""
    value: object = 1
    for _ in range(900):
        value = {"a": value}

    assert leaves_of({"b": 2, "deep": value}) == {"b": 2}


def test_fields_are_those_that_can_be_looked_up():
    """Of text the header's words, of JSON the inner object's too."""
    text = parts_of(b"081109 203530 147 INFO dfs.A: hello", LineFormat("text", "hdfs"))
    outer = parts_of(b'{"log": "{\\"msg\\": \\"hi\\", \\"id\\": 7}", "k": {"pod": "p"}}', LineFormat("json"))

    assert text.fields(0) == {"time": "081109 203530", "pid": "147", "level": "INFO", "logger": "dfs.A"}
    assert {"id": 7, "/k/pod": "p"}.items() <= outer.fields(0).items()
    assert parts_of(b"[]", LineFormat("text")).fields(0) == {}


@ENCODINGS
def test_otlp_gives_trace_attributes_and_resource(kind: Kind, encoded: Encoded):
    """Each under the name that finds it."""
    value = encoded(
        logs(
            record("hello", traceId="0af7651916cd43dd8448eb211c80319c", attributes=attributes(user="ann")),
            service="shop",
        )
    )
    parts = parts_of(value, LineFormat(kind))
    found = parts.fields(0)

    assert found["user"] == "ann"
    assert found["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert all(parts.field(0, field_path(name)) == said for name, said in found.items())


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("hdfs", b"081109 203530 147 INFO dfs.A: hello there"),
        ("<Date> <Level> <Content> <Pid>", b"2026 INFO hello there 7"),
    ],
)
def test_words_stand_where_the_spans_say(header, line):
    """Each word's span is its text, and the message's is the message."""
    found = header_named(header)
    texts = {name: line[slice(*span)].decode() for name, span in found.spans(line).items()}

    assert texts == {**found.fields(line), "message": "hello there"}
    assert found.spans(b"") == {}
