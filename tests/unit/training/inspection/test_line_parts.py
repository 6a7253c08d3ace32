"""What is what in a line."""

import json

import pytest

from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from training.inspection.line_parts import Part, line_parts

LINE = b"081109 203530 147 INFO dfs.DataNode: Receiving block blk_12 src: /10.0.0.1:5 dest: there"


def by_kind(parts: list[Part]) -> dict[str, list[str]]:
    """The texts of each kind, and that the parts are the line."""
    found: dict[str, list[str]] = {}
    for part in parts:
        found.setdefault(part.kind, []).append(part.text.decode("utf-8", "replace"))
    return found


def test_a_line_of_text_is_taken_apart():
    """Time, level, key, and the variables by their template; all parts together are the line."""
    template = "Receiving block blk_<*> src: <*> dest: <*>"
    parts = line_parts(LINE, LineFormat("text", "hdfs"), template, (KeyRule(pattern="(blk_-?[0-9]+)"), b"blk_12"))
    found = by_kind(parts)

    assert b"".join(part.text for part in parts) == LINE
    assert found["time"] == ["081109 203530"]
    assert found["level"] == ["INFO"]
    assert found["key"] == ["blk_12"]
    assert found["variable"] == ["/10.0.0.1:5", "there"]
    assert found["message"][0] == "Receiving block "
    assert found["header"] == [" 147 ", " dfs.DataNode: "]


def test_a_word_of_the_header_can_be_the_key():
    """It is marked where the header says it stands, not where its text happens to be."""
    found = by_kind(line_parts(LINE, LineFormat("text", "hdfs"), None, (KeyRule(fields=("pid",)), b"147")))

    assert found["key"] == ["147"]
    assert found["variable"] == ["12", "10.0.0.1:5"]


@pytest.mark.parametrize("name", ["msg", "/inner/text"])
def test_an_object_is_taken_apart_in_its_text(name):
    """Message, time, level and key are found where they are written, escapes included."""
    text = 'took "7" ms'
    record = {"ts": "2026-03-01T10:00:00Z", "level": "warn", "id": "abc-1", "msg": text, "inner": {"text": text}}
    line = json.dumps(record).encode()
    found = by_kind(line_parts(line, LineFormat("json", message=name), None, (KeyRule(fields=("id",)), b"abc-1")))

    assert "".join(found["time"] + found["level"] + found["key"]) == "2026-03-01T10:00:00Zwarnabc-1"
    assert found["message"][0].startswith("took ")
    assert found["variable"] == ["7"]


@pytest.mark.parametrize("line", [b"", b"no header", b"\xff\xfe 12", b"{}", b"[", b'{"msg": 7}'])
@pytest.mark.parametrize(
    "line_format", [LineFormat("text", "hdfs"), LineFormat(), LineFormat("json"), LineFormat("text", "<A> <Content>")]
)
def test_any_line_stays_itself(line, line_format):
    """What cannot be taken apart is shown as it is."""
    parts = line_parts(line, line_format, "other <*> template", (KeyRule(), None))

    assert b"".join(part.text for part in parts) == line


def test_a_format_line_of_ones_own_is_taken_apart():
    """Its fields that make up the time, its level, and its content."""
    line_format = LineFormat("text", "<Date> <Time> <Level> <Content>")
    found = by_kind(line_parts(b"2026-03-01 10:00:00 INFO hello 5", line_format, None, (KeyRule(), None)))

    assert found["time"] == ["2026-03-01", "10:00:00"]
    assert (found["level"], found["message"], found["variable"]) == (["INFO"], ["hello "], ["5"])
