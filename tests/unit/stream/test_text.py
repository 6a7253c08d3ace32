"""Text from outside, made safe."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.text import key_text, printable, safe_text, shown_name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, grüße, 이벤트", "plain words, grüße, 이벤트"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines", "two\\nlines"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_does_not_print_is_escaped(text, shown):
    """Terminal commands, line ends, direction marks and half characters become visible."""
    assert safe_text(text, 100) == shown


@given(st.text(), st.integers(1, 50))
def test_safe_text_is_short_and_printable(text, limit):
    """Whatever comes in, what goes out fits and prints."""
    shown = safe_text(text, limit)

    assert len(shown) <= limit
    assert shown.isprintable()


@given(st.text())
def test_several_lines_stay_several_lines(text):
    """Nothing but the line ends is left of what does not print."""
    shown = printable(text)

    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count("\n") == text.count("\n")


@given(st.text(), st.sampled_from(["", "redis.url", "x" * 70]))
def test_a_shown_name_is_a_name(text, before):
    """Whatever follows the name, what is shown can be one, and has a limit."""
    shown = shown_name(before + text).removesuffix("…")

    assert re.fullmatch(r"[A-Za-z0-9_.]{0,60}", shown)
    assert (before + text).startswith(shown)


@given(st.binary(), st.integers(1, 50))
def test_keys_are_any_bytes(key, limit):
    """A key that is no UTF-8 has a text too."""
    shown = key_text(key, limit)

    assert len(shown) <= limit
    assert shown.isprintable()


def test_a_long_key_is_cut_visibly():
    """An ellipsis says that there was more."""
    assert key_text(b"k" * 70_000, 10) == "k" * 9 + "…"
