"""``python -m tests.fuzz``: what it says at its end, and that it notices a decoder that fails."""

import json

import pytest
from hypothesis import strategies as st

from tests.fuzz.__main__ import main
from tests.fuzz.decoders import DECODERS, Decoder

ENOUGH = "0.001"
"""Minutes: one round of examples."""


def test_each_decoder_is_given_examples(capsys):
    """The last line counts them."""
    status = main(["--minutes", ENOUGH, "--seed", "1", "--decoder", "times", "format-lines"])
    said = json.loads(capsys.readouterr().out.splitlines()[-1])

    assert status == 0
    assert list(said["examples"]) == ["times", "format-lines"]
    assert min(said["examples"].values()) >= 100
    assert said["failed"] == []


def test_a_decoder_that_fails_is_noticed(capsys, monkeypatch: pytest.MonkeyPatch):
    """It is named, and the smallest example that fails is shown; the others go on."""

    def check(case: bytes) -> None:
        if b"!" in case:
            raise KeyError(case)

    monkeypatch.setitem(DECODERS, "json", Decoder(st.binary().map(lambda drawn: drawn + b"!"), check))
    status = main(["--minutes", ENOUGH, "--decoder", "json", "times"])
    shown = capsys.readouterr()

    assert status == 1
    said = json.loads(shown.out.splitlines()[-1])
    assert said["failed"] == ["json"]
    assert list(said["examples"]) == ["times"]
    assert "KeyError: b'!'" in shown.err
