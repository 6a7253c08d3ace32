"""What is committed beside a position."""

import pytest

from stream.consumers.origin import Origin


def test_an_origin_is_read_as_it_was_committed():
    """Kafka keeps it as text."""
    origin = Origin(17, "0b2c", 8)

    assert Origin.decode(origin.encode()) == origin


@pytest.mark.parametrize(
    "metadata", [None, "", "by hand", "[]", "3", '{"origin": 1}', '{"origin": null, "topic_id": ""}']
)
def test_what_others_committed_is_no_origin(metadata: str | None):
    """Tools that set a group's offsets, and brokers that keep no metadata."""
    assert Origin.decode(metadata) is None
