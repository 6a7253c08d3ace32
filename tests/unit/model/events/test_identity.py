"""Event IDs are the same everywhere, for ever."""

from model.events.identity import event_id


def test_an_event_id_never_changes():
    """The hash is fixed: stored windows and models rely on it."""
    assert event_id("Receiving block <*>").hex() == "3c38fa38f07e5333"


def test_text_that_is_no_unicode_has_an_event_id():
    """Half of a surrogate pair is replaced, not raised."""
    assert event_id("?") == event_id("\ud800")
