"""Recognition: event IDs from shapes, in bounded memory."""

from model.events.identity import event_id
from model.events.recognition import Recogniser
from model.events.templates import Template, Templates

KNOWN = Template(event_id("login of <*>"), "login of <*>", 1, "")


def recogniser(cache_size: int = 100) -> Recogniser:
    """Make a recogniser with one template and no header."""
    return Recogniser(Templates([KNOWN]), lambda shape: shape, cache_size)


def test_a_message_with_a_template_has_its_event_id():
    """The template's hash, not that of the message's own text."""
    assert recogniser().event_ids([b"login of alice"]) == [KNOWN.event_id]


def test_a_novel_event_is_named_by_its_masked_text():
    """Every process finds the same ID with nothing shared."""
    found = recogniser().event_ids([b"disk 0 is gone"])

    assert found == [event_id("disk <*> is gone")]
    assert recogniser().novel_among(found) == set(found)


def test_the_texts_of_templates_and_novel_events_are_known():
    """Explanations can name what was met."""
    subject = recogniser()
    [novel] = subject.event_ids([b"disk 0 is gone"])

    assert subject.text_of(novel) == "disk <*> is gone"
    assert subject.text_of(KNOWN.event_id) == "login of <*>"
    assert subject.text_of(b"x" * 8) is None


def test_a_full_cache_changes_no_event_id():
    """Whatever was forgotten is recognised anew."""
    shapes = [b"word%s" % bytes([letter]) for letter in b"abcdefgh"] * 3

    assert recogniser(2).event_ids(shapes) == recogniser(100).event_ids(shapes)


def test_the_cache_is_bounded():
    """Two generations are kept, no more."""
    subject = recogniser(5)
    subject.event_ids([b"%s %s" % (bytes([a]), bytes([b])) for a in b"abcdefgh" for b in b"abcdefgh"])

    assert len(subject._young) + len(subject._old) <= 10
