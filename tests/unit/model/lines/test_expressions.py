"""Expressions: which engine runs them, and that it plays no part in what is found."""

import re

import pytest
import re2

from model.lines.expressions import Expression

#: Lines that make a backtracking engine try everything: long runs that nearly match.
LINES = [b"", b"a" * 60, b"a" * 60 + b"b", b"7" * 30, b"x" + b"7" * 5 + b"y", b"ab" * 30, b"aXa", b"-" * 20 + b"7"]


def by_pythons_engine(expression: Expression) -> bool:
    """Whether the faster engine, which tries one way after the other, runs an expression."""
    return isinstance(expression._search.__self__, re.Pattern)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "pattern",
    [
        "a?" * 4 + "b",
        "a?" * 30 + "a" * 30,
        "[0-9]?" * 40 + "x",
        "(a?)" * 25 + "(b)",
        "(a?a?)(a?a?)b",
        r"(\w?x?)\d?\d?y+",
        "[0-9]{0,9}" * 9 + "x",
        "(a?){20}b",
        "(a+)+b",
        "a*a*a*b",
        "(a|a)?" * 9 + "b",
        "a{99}" * 3 + "b",
        "a" * 101,
    ],
)
def test_an_expression_of_many_ways_is_run_in_linear_time(pattern):
    """RE2 runs what Python's engine might try in very many ways, or in few but long ones, at every byte of a line."""
    assert not by_pythons_engine(Expression(pattern))
    assert_found_as_re2_finds(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(blk_-?[0-9]+)",
        r"trace=(\w+)",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "a?a?a?b",
        "(a?)(a?)-?([0-9]+)",
        r"\?\?\?\?\?[0-9]",
        "a" * 100,
        "(a{50})(a{49})b",
    ],
)
def test_a_simple_expression_is_run_by_the_faster_engine(pattern):
    """At most three optional parts and a hundred characters; a fixed count is no choice, nor is a question mark."""
    assert by_pythons_engine(Expression(pattern))
    assert_found_as_re2_finds(pattern)


def assert_found_as_re2_finds(pattern: str) -> None:
    """The engine changes nothing."""
    expected = re2.compile(pattern.encode())
    for line in LINES:
        match = expected.search(line)
        groups = [None] * max(1, expected.groups) if match is None else match.groups() or [match.group()]

        assert Expression(pattern).groups_in(line) == tuple(group or b"" for group in groups)
