"""Raw records to what is passed on: keyed records, dead letters, and counts that nothing has seen yet."""

import json
from collections import Counter
from typing import NamedTuple

from model.errors import RecordError
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from stream.consumers.keying import Keyed, Keying
from stream.consumers.unreadable import UnreadableRecord

NOW_MS = 1_800_000_000_000
MOST_BYTES = 100


class Record(NamedTuple):
    """What is looked at of a kafka-python record."""

    value: bytes | None
    offset: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int = 1_700_000_000_000
    topic: str = "raw"
    partition: int = 0


def excess(keyed: Keyed) -> str | None:
    """A topic that takes values of a hundred bytes."""
    return None if len(keyed.value) <= MOST_BYTES else f"takes {len(keyed.value)} bytes"


def keying(rule: KeyRule) -> Keying:
    """At a fixed time."""
    return Keying(KeyExtractor(rule), excess, now_ms=lambda: NOW_MS)


def test_each_record_is_passed_on_or_a_dead_letter_and_counted():
    """In their order; what is too long with its key is a dead letter like any other."""
    unreadable = UnreadableRecord("raw", 0, 3, RecordError("unreadable", "damaged"))
    records = [Record(b"id=1"), Record(b"id=2 " + b"x" * MOST_BYTES, 1), Record(None, 2), unreadable, Record(b"-", 4)]

    passing = keying(KeyRule(pattern=r"id=(\d)")).passing([*records, Record(b"id=5", 5)])

    assert [(each.key, each.value) for each in passing.keyed] == [(b"1", b"id=1"), (b"5", b"id=5")]
    assert passing.rejected == Counter({"no-key": 2, "too-long": 1, "unreadable": 1})
    letters = [json.loads(letter) for letter in passing.letters]
    assert [(letter["offset"], letter["reason"]) for letter in letters] == [
        (1, "too-long"),
        (2, "no-key"),
        (3, "unreadable"),
        (4, "no-key"),
    ]
    assert letters[0]["detail"] == "with its key the record takes 105 bytes"
    assert (passing.records, passing.dropped) == (6, 0)


def test_parts_that_the_rule_drops_are_counted_once_a_transaction():
    """Doing a transaction again begins its counts again."""
    keys = keying(KeyRule(fields=("id",), without="drop"))
    records = [Record(b'[{"id": 1, "msg": "a"}, {"msg": "lost"}, {"id": 2, "msg": "b"}]'), Record(b"{}", 1)]

    first, again = keys.passing(records), keys.passing(records)
    assert first == again
    assert ([each.key for each in first.keyed], first.letters, first.dropped) == ([b"1", b"2"], [], 2)


def test_headers_and_time_go_with_the_record():
    """A null header is an empty one; a time ahead, which a broker may refuse, is now; one that is missing stays so."""
    records = [
        Record(b"id=1", headers=(("a", None), ("b", b"c"))),
        Record(b"id=1", timestamp=NOW_MS + 1),
        Record(b"id=1", timestamp=-1),
    ]
    passing = keying(KeyRule(pattern=r"id=(\d)")).passing(records)

    assert passing.keyed[0].headers == [("a", b""), ("b", b"c")]
    assert [each.timestamp_ms for each in passing.keyed] == [1_700_000_000_000, NOW_MS, None]
