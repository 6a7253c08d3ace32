"""Keys: whose line it is."""

import pytest

from model.errors import ConfigurationError
from model.lines.keys import KeyExtractor


def test_a_group_is_the_key():
    """The first match in the line counts."""
    keys = KeyExtractor.from_pattern(r"block (blk_-?\d+)")

    assert keys.extract([b"block blk_-7 and block blk_8", b"none", None]) == [b"blk_-7", None, None]


def test_several_groups_are_joined():
    """A combination of host and service is one key; a group that took no part is empty."""
    keys = KeyExtractor.from_pattern(r"(web|db)-(\d+)?")

    assert keys.extract([b"from web-12 to x", b"db-"]) == [b"web|12", b"db|"]


def test_without_groups_the_match_is_the_key():
    """A plain expression needs no brackets."""
    assert KeyExtractor.from_pattern(r"req-\d+").extract([b"x req-17 y"]) == [b"req-17"]


def test_an_empty_key_is_no_key():
    """Nothing is grouped under an empty name."""
    assert KeyExtractor.from_pattern("(x*)(y*)").extract([b"abc"]) == [None]
    assert KeyExtractor.from_pattern("x*").extract([b"abc"]) == [None]
    assert KeyExtractor.from_field("id").extract([b'{"id": ""}']) == [None]


def test_bytes_that_are_not_utf8_are_no_error():
    """The expression looks at bytes."""
    assert KeyExtractor.from_pattern("(é+)").extract([b"\xff\xfe", "aéé".encode()]) == [None, "éé".encode()]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("trace_id", b"t1"),
        ("/a/b", b"7"),
        ("a.b", b"7"),
        ("/list/1", b"y"),
        ("x.y", b"dotted"),
        ("nope", None),
        ("/list/9", None),
    ],
)
def test_a_field_is_the_key(field, expected):
    """By name, dotted name or JSON pointer; what is no text is written as JSON."""
    value = b'{"trace_id": "t1", "a": {"b": 7}, "list": ["x", "y"], "x.y": "dotted"}'

    assert KeyExtractor.from_field(field).extract([value, b"{", b"[]", None]) == [expected, None, None, None]


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a" * 2000, "\ud800"])
def test_a_bad_expression_says_what_is_allowed(pattern):
    """Nothing that RE2 cannot run in linear time is accepted."""
    with pytest.raises(ConfigurationError, match="allowed"):
        KeyExtractor.from_pattern(pattern)


@pytest.mark.parametrize("field", ["", "/", "/a//b", "/" + "a/" * 20 + "b"])
def test_a_bad_field_says_what_is_allowed(field):
    """Names and JSON pointers are allowed."""
    with pytest.raises(ConfigurationError, match="JSON pointer"):
        KeyExtractor.from_field(field)
