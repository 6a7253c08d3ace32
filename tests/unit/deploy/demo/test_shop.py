"""The shop's lines: repeatable, mixed, and of the promised form."""

import re
from collections import defaultdict
from datetime import datetime

import pytest

from deploy.demo.flows import REQUESTS
from deploy.demo.shop import TRACE_PATTERN, Line, Shop, normal_sessions

FORM = re.compile(r"(?P<time>\S+Z) (DEBUG|INFO|WARN|ERROR) [a-z]+ \[(?P<trace>[0-9a-f]{16})\] \S.*")


def test_the_same_seed_gives_the_same_lines():
    """The lines are a function of count and seed."""
    assert normal_sessions(50, seed=1) == normal_sessions(50, seed=1)


def test_another_seed_gives_other_lines():
    """The seed matters."""
    assert normal_sessions(50, seed=1) != normal_sessions(50, seed=2)


def test_lines_state_their_time_and_their_trace_id():
    """Time and key can be read back from every line's text."""
    for line in normal_sessions(100, seed=3):
        form = FORM.fullmatch(line.text)
        assert form is not None, line.text
        assert round(datetime.fromisoformat(form["time"]).timestamp() * 1000) == line.time_ms
        assert re.findall(TRACE_PATTERN, line.text) == [line.key] == [form["trace"]]


def test_lines_come_in_order_of_time():
    """Time never goes back from one line to the next."""
    times = [line.time_ms for line in normal_sessions(200, seed=4)]

    assert times == sorted(times)


def test_requests_are_mixed():
    """Most requests have lines of other requests between their own."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(normal_sessions(200, seed=5)):
        places[line.key].append(place)
    mixed = [own for own in places.values() if own[-1] - own[0] >= len(own)]

    assert len(mixed) > 100


def test_every_kind_of_request_occurs():
    """A few hundred requests hold all kinds."""
    shop = Shop(seed=6)

    assert {shop.session().kind for _ in range(300)} == {flow.__name__ for flow in REQUESTS}


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b\d+ of SKU",
        r"0x[0-9a-f]{8}\b",
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        r"\b\d+(\.\d+){3}\b",
        r"/var/spool/labels/\d+/\d+\.pdf",
        r"https://[\w./-]+",
        r"[\w.-]+@[\w.-]+",
        r'"Your order \d+"',
        r"amount=\d+",
        r"\d+ms",
        r"\d+\.\d\d EUR",
    ],
    ids=["number", "hex", "uuid", "ip", "path", "url", "e-mail", "quoted", "key=value", "duration", "price"],
)
def test_variables_of_every_usual_kind_occur(pattern):
    """A model that copes with the shop has met this kind of variable."""
    texts = [f"{line.text} " for line in normal_sessions(400, seed=7)]

    assert any(re.search(pattern, text) for text in texts)


def test_a_session_has_no_long_silence():
    """No request is silent for a second, so a session gap of a few seconds separates nothing that belongs together."""
    shop = Shop(seed=8)

    assert max(step.delay_ms for _ in range(500) for step in shop.session().steps) < 1000


def test_a_session_begins_when_it_is_told_to():
    """The first line has the given time."""
    first = next(Shop(seed=9).session("check_out").lines(1_000_000))

    assert isinstance(first, Line)
    assert first.time_ms == 1_000_000
    assert first.text.startswith("1970-01-01T00:16:40.000Z INFO gateway [")
