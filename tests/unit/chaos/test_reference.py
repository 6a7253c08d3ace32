"""The chaos test's reference, by hand-drawn logs, and beside the pure window logic on the chaos test's own traffic."""

import random
from hashlib import blake2b

import pytest

from model.events.identity import event_id
from stream.alerts import AlertSource, alert_id, fingerprint_of
from stream.windowing.windows import Event, PartitionWindows, Window, WindowRule
from tests.chaos import reference
from tests.chaos.reference import Content, Entry, Reference, Undecodable, reference_of
from tests.chaos.rules import Rule
from tests.chaos.traffic import PARTITIONS, traffic

OPEN, SEAT, END = "gate opened for request=<*>", "seat <*> taken by request=<*>", "film ended for request=<*>"
TEXTS = {OPEN: "gate opened for request=k1", SEAT: "seat 7 taken by request=k1", END: "film ended for request=k1"}
START_MS = 1_772_323_200_000


def entry(offset: int, *lines: tuple[int, str], key: bytes = b"k1") -> Entry:
    """A record of lines, each with its milliseconds after the start."""
    texts = [f"2026-03-01T00:00:{ms // 1000:02}.{ms % 1000:03}Z INFO {TEXTS.get(text, text)}" for ms, text in lines]
    return Entry(offset, key, "\n".join(texts).encode())


def content(*templates: str, times: tuple[int, int], starts: bool = True, final: bool = False) -> Content:
    """What a window of these events holds."""
    event_ids = b"".join(event_id(template) for template in templates)
    fingerprint = fingerprint_of(event_ids, starts_session=starts, final=final)
    return Content(fingerprint, START_MS + times[0], START_MS + times[1])


def contents(rule: Rule, *entries: Entry) -> list[Content]:
    """Those of a log of one partition, in the order of their cutting."""
    return list(reference_of("logs", {0: entries}, rule).windows.values())


def test_a_session_is_cut_at_each_hop_and_once_more_at_its_end():
    """Three events, a hop of two: [open seat] [seat end, final], as a window holds two."""
    log = entry(0, (0, OPEN)), entry(1, (10, SEAT)), entry(2, (20, END))

    assert contents(Rule(2, 2, 100, 0), *log) == [
        content(OPEN, SEAT, times=(0, 10)),
        content(SEAT, END, times=(10, 20), starts=False, final=True),
    ]


@pytest.mark.parametrize(("silence_ms", "sessions"), [(100, 1), (101, 2)])
def test_a_session_ends_after_more_than_the_gap(silence_ms, sessions):
    """A silence of exactly the gap does not end it."""
    found = contents(Rule(9, 9, 100, 0), entry(0, (0, OPEN)), entry(1, (silence_ms, END)))

    assert len(found) == sessions


def test_without_a_grace_a_late_line_keeps_its_place_and_is_raised():
    """Times 50, 20, 60: the second line counts as 50."""
    log = entry(0, (50, OPEN)), entry(1, (20, SEAT)), entry(2, (60, END))

    assert contents(Rule(2, 2, 100, 0), *log)[0] == content(OPEN, SEAT, times=(50, 50))


def test_within_the_grace_a_late_line_goes_where_it_belongs_and_beyond_it_is_raised():
    """Times 50, 20, 10 and a grace of 30: the watermark is 20, so that the last line counts as 20, behind its tie."""
    log = entry(0, (50, OPEN)), entry(1, (20, SEAT)), entry(2, (10, END))

    assert contents(Rule(9, 9, 100, 30), *log) == [content(SEAT, END, OPEN, times=(20, 50), final=True)]


def test_one_line_far_ahead_makes_the_rest_late():
    """Its key's session ends too early, and everybody's later lines count as its time."""
    log = entry(0, (0, OPEN)), entry(1, (500, SEAT)), entry(2, (10, END))

    assert contents(Rule(9, 9, 100, 0), *log) == [
        content(OPEN, times=(0, 0), final=True),
        content(SEAT, END, times=(500, 500), final=True),
    ]


def test_lines_of_a_record_have_places_of_their_own_and_blank_ones_are_none():
    """They are numbered with the blank one, which is passed over."""
    first, last = (each.value or b"" for each in (entry(7, (0, OPEN)), entry(7, (5, END))))
    log = {3: [Entry(7, b"k1", first + b"\n  \n" + last)]}
    [(name, found)] = reference_of("logs", log, Rule(9, 9, 100, 0)).windows.items()

    assert found == content(OPEN, END, times=(0, 5), final=True)
    assert name == alert_id(AlertSource("logs", 3, b"k1", 7 << 16, 7 << 16 | 2, 2, final=True))


def test_a_message_of_no_template_is_its_own():
    """Its event ID is the hash of its text."""
    [found] = contents(Rule(9, 9, 100, 0), entry(0, (0, "smoke over the screen")))

    assert found.fingerprint == blake2b(event_id("smoke over the screen") + b"\x03", digest_size=8).hexdigest()


@pytest.mark.parametrize(
    ("key", "value"), [(None, b"x"), (b"", b"x"), (b"k" * 1025, b"x"), (b"k", None), (b"k", b" \n"), (b"k", b"a\n\xff")]
)
def test_a_record_without_a_usable_key_or_value_gives_no_line(key, value):
    """It is to become a dead letter, whole."""
    assert reference_of("logs", {2: [Entry(5, key, value)]}, Rule(9, 9, 100, 0)) == Reference(
        {}, {Undecodable(2, 5)}, 0
    )


def log_of(seed: int, rule: Rule) -> dict[int, list[Entry]]:
    """The chaos test's traffic as it would stand in the partitions."""
    log: dict[int, list[Entry]] = {number: [] for number in range(PARTITIONS)}
    for sent in traffic(seed, rule, 3_000):
        log[sent.partition].append(Entry(len(log[sent.partition]), sent.key, sent.value))
    return log


def by_the_product(log: dict[int, list[Entry]], rule: Rule) -> dict[str, Content]:
    """The windows of the pure logic that logscry's script agrees with."""
    found: dict[str, Content] = {}
    for partition, entries in log.items():
        logic = PartitionWindows(WindowRule(rule.size, rule.hop, rule.gap_ms, rule.grace_ms))
        lines, _ = reference._lines_of(entries)
        events = [Event(line.key, line.time_ms, line.event_id, line.place) for line in lines]
        for window in [*logic.apply(events), *logic.flush()]:
            found[name_of(partition, window)] = content_of(window)
    return found


def name_of(partition: int, window: Window) -> str:
    """Its alert id."""
    first, last = window.events[0].place, window.events[-1].place
    return alert_id(AlertSource("logs", partition, window.key, first, last, window.session_events, window.final))


def content_of(window: Window) -> Content:
    """What it holds."""
    event_ids = b"".join(event.event_id for event in window.events)
    fingerprint = fingerprint_of(event_ids, starts_session=window.starts_session, final=window.final)
    return Content(fingerprint, window.events[0].time_ms, window.events[-1].time_ms)


@pytest.mark.parametrize("seed", range(5))
def test_the_pure_logic_cuts_the_same_windows_of_the_chaos_traffic(seed):
    """Two ways to the same windows, with no code in common."""
    rule = Rule.drawn(random.Random(seed))
    log = log_of(seed, rule)

    assert by_the_product(log, rule) == reference_of("logs", log, rule).windows
