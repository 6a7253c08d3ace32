"""Mining: which messages become one template."""

from model.events.mining import Miner
from model.events.shapes import shapes
from model.events.templates import Templates


def mined(*messages: str) -> Templates:
    """Mine a few messages."""
    miner = Miner()
    miner.add(shapes([message.encode() for message in messages]))
    return miner.finish()


def texts(templates: Templates) -> set[str]:
    """Give the texts of templates."""
    return {template.text for template in templates}


def test_a_place_with_many_names_is_a_variable():
    """User names have no form of their own; that many occur tells them."""
    users = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")

    assert {"session opened for <*> by sshd"} == texts(mined(*(f"session opened for {u} by sshd" for u in users)))


def test_two_states_are_two_events():
    """Few values are a list of states, and states tell events apart."""
    assert len(mined("link of device went up", "link of device went down")) == 2


def test_words_alone_are_never_one_variable():
    """Messages that share no word are different events, however many there are."""
    assert len(mined("started", *("abcdefghijk"))) == 12


def test_a_number_beside_names_makes_them_one_variable():
    """Where some users are numbers, the others are names of users."""
    assert {"invalid login <*> from <*>"} == texts(
        mined("invalid login bob from 10.0.0.1", "invalid login 77 from 10.0.0.1")
    )


def test_identifiers_of_different_kinds_are_one_variable():
    """Words with a number in them are identifiers, whatever their letters."""
    assert {"block <*> stored"} == texts(mined("block rdd_1_2 stored", "block broadcast_1_piece0 stored"))


def test_named_values_that_vary_together_are_variables():
    """Several named values with several values each are data."""
    rows = [("view", "ui"), ("audio", "media"), ("radio", "phone")]

    assert {"take lock tag=<*> name=<*>"} == texts(mined(*(f"take lock tag={tag} name={name}" for tag, name in rows)))


def test_lists_of_any_length_are_one_event():
    """The length of a list of identifiers does not make an event."""
    found = mined("ask node to delete blk_1", "ask node to delete blk_1 blk_2 blk_3", "ask node to delete task-7 blk_2")

    assert len(found) == 1
    assert next(iter(found)).count == 3


def test_every_message_that_was_mined_matches():
    """No message of the training set is novel afterwards."""
    messages = [
        f"job {name} of {user} took {n} ms" for n, name in enumerate("abcdefghij") for user in ("root", "web", "db")
    ]
    found = mined(*messages)

    assert all(found.match(shape) for shape in shapes([message.encode() for message in messages]))


def test_memory_is_bounded():
    """Too many texts are merged on the way, and the rarest forgotten."""
    miner = Miner(max_texts=10)
    for _ in range(50):
        miner.add([b"common thing happened"])
    miner.add(b"word%s and that word%s" % (bytes([a]), bytes([b])) for a in b"abcdefgh" for b in b"ijklmnop")
    found = miner.finish()

    assert len(found) <= 10
    assert "common thing happened" in texts(found)


def test_a_miner_goes_on_after_it_gave_templates():
    """Finishing does not use up what was collected."""
    miner = Miner()
    miner.add([b"a thing"])
    miner.finish()
    miner.add([b"another thing"])

    assert {"a thing", "another thing"} == texts(miner.finish())
