"""What is committed beside a position."""

import pytest

from stream.consumers.origin import Origin
from stream.live_values import LiveSettings


def test_an_origin_is_read_as_it_was_committed():
    """Kafka keeps it as text."""
    origin = Origin(17, "0b2c", 8)
    with_rules = origin._replace(
        live=LiveSettings(64, 8, 1_800_000, 7.25, 5, version=3, chosen_us=1_700_000_000_000_000)
    )

    assert Origin.decode(origin.encode()) == origin
    assert Origin.decode(with_rules.encode()) == with_rules


@pytest.mark.parametrize("live", ['{"window_size": 0}', '{"what": 1}', '"text"', "[1]"])
def test_settings_of_another_version_cost_no_origin(live: str):
    """They are unknown then, as they were before any were committed."""
    metadata = f'{{"origin": 17, "topic_id": "0b2c", "partitions": 8, "live": {live}}}'

    assert Origin.decode(metadata) == Origin(17, "0b2c", 8)


@pytest.mark.parametrize(
    "metadata", [None, "", "by hand", "[]", "3", '{"origin": 1}', '{"origin": null, "topic_id": ""}']
)
def test_what_others_committed_is_no_origin(metadata: str | None):
    """Tools that set a group's offsets, and brokers that keep no metadata."""
    assert Origin.decode(metadata) is None
