"""Sending own lines to a demo that keeps running."""

import pytest

from deploy.demo.send import own_lines
from deploy.demo.shop import Line
from model.errors import RecordError


def test_a_line_gets_its_trace_id_as_key_and_a_time():
    """The key stands in the line; the time is put before it."""
    lines = list(own_lines(["INFO payment [00000000c0ffee00] the vault is open\n", "\n"], time_ms=0))

    text = "1970-01-01T00:00:00.000Z INFO payment [00000000c0ffee00] the vault is open"
    assert lines == [Line("00000000c0ffee00", 0, text)]


def test_a_line_without_a_trace_id_is_refused_with_an_example():
    """The error shows what a trace id looks like."""
    with pytest.raises(RecordError, match=r"\[00000000c0ffee00\]"):
        list(own_lines(["hello"], time_ms=0))
