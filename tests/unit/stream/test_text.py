"""Text from outside, made safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.text import key_text, safe_text


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


@given(st.binary(), st.integers(1, 50))
def test_keys_are_any_bytes(key, limit):
    """A key that is no UTF-8 has a text too."""
    shown = key_text(key, limit)

    assert len(shown) <= limit
    assert shown.isprintable()


def test_a_long_key_is_cut_visibly():
    """An ellipsis says that there was more."""
    assert key_text(b"k" * 70_000, 10) == "k" * 9 + "…"
