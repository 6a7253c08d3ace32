"""Dead letters: what they keep of a record that could not be used."""

import base64
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from stream.consumers.records import MAX_KEY_BYTES
from stream.consumers.sizes import DEAD_LETTER_BYTES, record_bytes
from stream.dead_letters import VALUE_BYTES, dead_letter, encode_dead_letter

DOCS = Path(__file__).parents[3] / "docs"


def _letter(value: bytes | None, detail: str = "byte 0xff at 3") -> dict[str, object]:
    made = dead_letter("logs", 2, 77, reason="not-utf8", detail=detail, value=value, time_ms=1_700_000_000_000)
    letter: dict[str, object] = json.loads(encode_dead_letter(made))
    schema = json.loads((DOCS / "dead-letter.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(letter)
    return letter


def test_a_dead_letter_says_where_and_why():
    """Topic, partition, offset, reason, detail, time, and the value itself."""
    assert _letter(b"abc\xff") == {
        "schema": "logscry.dead-letter/1",
        "topic": "logs",
        "partition": 2,
        "offset": 77,
        "reason": "not-utf8",
        "detail": "byte 0xff at 3",
        "value_base64": base64.b64encode(b"abc\xff").decode(),
        "value_bytes": 4,
        "time": "2023-11-14T22:13:20Z",
    }


def test_a_large_value_is_cut_and_its_length_kept():
    """A record of 10 MB becomes a small dead letter."""
    letter = _letter(b"x" * 10_000_000)

    assert base64.b64decode(str(letter["value_base64"])) == b"x" * VALUE_BYTES
    assert letter["value_bytes"] == 10_000_000


@pytest.mark.parametrize("character", ["\U0001f600", "\\", '"', "\n", "\x1b"])
def test_no_dead_letter_is_larger_than_its_topic_has_to_take(character: str):
    """Everything as long as it may be, in characters of four bytes or such as are escaped, and with a key."""
    letter = dead_letter(
        "t" * 249, 2**31, 2**63, reason="r" * 64, detail=character * 5000, value=b"\xff" * 10_000_000, time_ms=1
    )

    assert record_bytes(encode_dead_letter(letter), b"k" * MAX_KEY_BYTES) < DEAD_LETTER_BYTES


@pytest.mark.parametrize(("value", "kept"), [(None, None), (b"", "")])
def test_a_null_value_is_told_from_an_empty_one(value, kept):
    """Kafka's null is JSON's null."""
    assert _letter(value)["value_base64"] == kept


def test_hostile_detail_is_harmless():
    """It is escaped and bounded."""
    detail = str(_letter(b"x", "\x1b[2J" + "y" * 5000)["detail"])

    assert detail.startswith("\\x1b[2J")
    assert len(detail) == 1000
