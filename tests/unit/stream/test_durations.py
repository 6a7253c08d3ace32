"""Durations as people write them."""

import pytest

from model.errors import ConfigurationError
from stream.durations import duration_ms


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 500), ("90s", 90_000), (" 1.5 h ", 5_400_000), ("2d", 172_800_000), ("0s", 0)],
)
def test_a_number_with_a_unit_is_a_duration(text: str, expected: int):
    """White space and fractions are fine."""
    assert duration_ms(text) == expected


@pytest.mark.parametrize("text", ["", "10", "-1s", "1w", "1e9s", "ten minutes", "9" * 50 + "d"])
def test_anything_else_is_refused_with_an_example(text: str):
    """The sentence shows how to write one."""
    with pytest.raises(ConfigurationError, match="30m"):
        duration_ms(text)


@pytest.mark.parametrize("text", ["366d", "8760.001h", "999999999999d"])
def test_no_duration_is_longer_than_a_year(text: str):
    """Nobody waits so long, and such numbers do not fit where times are stored."""
    assert duration_ms("365d") == 365 * 24 * 3_600_000

    with pytest.raises(ConfigurationError, match=f"'{text}' is too long; a duration is at most 365d"):
        duration_ms(text)
