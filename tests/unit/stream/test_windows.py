"""The window rules, with a hand-moved clock and a drawing above each assertion."""

import pytest

from model.errors import ConfigurationError
from stream.windowing.windows import (
    NO_TIME,
    Event,
    PartitionWindows,
    StateLimits,
    Window,
    WindowRule,
    session_spans,
)

RULE = WindowRule(size=3, hop=2, session_gap_ms=100)
GRACE = WindowRule(size=9, hop=9, session_gap_ms=100, grace_ms=20)


def events(drawing: str, key: bytes = b"k", step_ms: int = 10) -> list[Event]:
    """One event a letter, ``step_ms`` apart; a dot is a step without an event."""
    return [
        Event(key, column * step_ms, letter.encode() * 8, column << 16)
        for column, letter in enumerate(drawing)
        if letter != "."
    ]


def drawn(windows: list[Window]) -> list[str]:
    """A window as its letters; ``[`` where it starts the session, ``]`` where it is final."""
    return [
        ("[" if w.starts_session else "")
        + "".join(e.event_id[:1].decode() for e in w.events)
        + ("]" if w.final else "")
        for w in windows
    ]


def test_a_window_is_cut_after_every_hop_th_event():
    """Size 3, hop 2: windows end at events 2 and 4, the fifth is in none until the session ends."""
    partition = PartitionWindows(RULE)

    #           abcde
    # cut after  ^ ^
    assert drawn(partition.apply(events("abcde"))) == ["[ab", "bcd"]
    assert drawn(partition.flush()) == ["cde]"]


def test_a_session_whose_length_is_a_multiple_of_the_hop_still_gets_a_final_window():
    """The last cut and the final window hold the same events but are two windows."""
    partition = PartitionWindows(RULE)

    assert drawn(partition.apply(events("ab")) + partition.flush()) == ["[ab", "[ab]"]


def test_silence_longer_than_the_gap_ends_a_session():
    """101 ms of silence end it, 100 ms do not."""
    partition = PartitionWindows(RULE)

    #      a at 0, b at 100, c at 201
    history = [Event(b"k", t, bytes([n]) * 8, n) for n, t in ((97, 0), (98, 100), (99, 201))]
    assert drawn(partition.apply(history)) == ["[ab", "[ab]"]
    assert drawn(partition.flush()) == ["[c]"]


def test_another_key_moves_the_clock():
    """A session ends because of the lines of others, without a line of its own."""
    partition = PartitionWindows(RULE)

    assert drawn(partition.apply(events("a"))) == []
    assert drawn(partition.apply([Event(b"other", 101, b"x" * 8, 9)])) == ["[a]"]


def test_a_late_event_is_raised_to_stream_time_and_counted():
    """Nothing is dropped for being late, and stream time does not go back."""
    partition = PartitionWindows(RULE)

    windows = partition.apply([Event(b"k", 50, b"a" * 8, 0), Event(b"k", 20, b"b" * 8, 1)])
    assert [e.time_ms for e in windows[0].events] == [50, 50]
    assert (partition.late, partition.stream_time_ms) == (1, 50)


def at(**times_ms: int) -> list[Event]:
    """Events by letter in the order of the log, each at its time."""
    return [Event(b"k", time_ms, name.encode() * 8, place) for place, (name, time_ms) in enumerate(times_ms.items())]


def test_within_the_grace_a_late_event_finds_its_place():
    """It joins its session where its time stands, and is not late."""
    partition = PartitionWindows(GRACE)

    # time   0  10  20  30  40
    # log    a       b      d        then c, which is 20 behind
    assert drawn(partition.apply(at(a=1, b=20, d=40, c=21)) + partition.flush()) == ["[abcd]"]
    assert partition.late == 0


def test_beyond_the_grace_an_event_is_raised_to_the_watermark():
    """It stands behind everything that has joined already, before everything that still waits."""
    partition = PartitionWindows(GRACE)

    # watermark 20 once d has come: a and b have joined, d waits, c is raised from 5 to 20
    windows = partition.apply(at(a=1, b=20, d=40, c=5)) + partition.flush()
    assert drawn(windows) == ["[abcd]"]
    assert [e.time_ms for e in windows[0].events] == [1, 20, 20, 40]
    assert partition.late == 1


def test_an_event_waits_until_the_watermark_has_reached_it():
    """Stream time minus grace is the watermark; ties join in the order of the log."""
    partition = PartitionWindows(GRACE)

    partition.apply(at(a=1, b=30, c=30))
    assert (partition.waiting, partition.open_sessions, partition.watermark_ms) == (2, 1, 10)
    partition.apply([Event(b"other", 50, b"x" * 8, 9)])
    assert (partition.waiting, partition.watermark_ms) == (1, 30)


def test_a_session_that_waiting_events_may_still_join_is_not_ended():
    """Silence is measured up to the watermark, not up to stream time."""
    partition = PartitionWindows(GRACE)

    # a at 1; the other key at 115 moves the watermark to 95, so that b at 101 still belongs to a's session
    history = [*at(a=1), Event(b"other", 115, b"x" * 8, 8), Event(b"k", 101, b"b" * 8, 9)]
    assert drawn(partition.apply(history)) == []
    assert sorted(drawn(partition.flush())) == ["[ab]", "[x]"]


def test_a_smaller_grace_lets_waiting_events_join_and_a_larger_one_takes_nothing_back():
    """The watermark never goes back."""
    partition = PartitionWindows(GRACE)
    partition.apply(at(a=10, b=30))
    assert partition.waiting == 1

    partition.rule = RULE
    partition.apply([Event(b"k", 30, b"c" * 8, 9)])
    assert (partition.waiting, partition.watermark_ms) == (0, 30)
    partition.rule = GRACE
    partition.apply([Event(b"k", 20, b"d" * 8, 10)])
    assert (partition.watermark_ms, partition.late) == (30, 1)


def test_an_event_without_a_time_takes_the_stream_time():
    """Not the watermark: it stands where its neighbours stand, and is not late."""
    partition = PartitionWindows(GRACE)

    assert drawn(partition.apply(at(a=1, b=50, c=NO_TIME, d=40)) + partition.flush()) == ["[adbc]"]
    assert partition.late == 0


def test_at_the_limit_of_waiting_events_the_oldest_joins_early():
    """Nothing is dropped: the watermark moves up, and what comes later than it is late."""
    partition = PartitionWindows(GRACE, StateLimits(waiting_events=2))

    partition.apply(at(a=30, c=36, d=40))
    assert (partition.hurried, partition.waiting, partition.watermark_ms) == (1, 2, 30)
    partition.apply([Event(b"k", 25, b"b" * 8, 9)])
    assert (partition.late, partition.hurried) == (1, 1)
    assert drawn(partition.flush()) == ["[abcd]"]


def test_every_event_that_joins_early_is_counted():
    """Those of one time join together: the limit moves the watermark once, and hurries them all."""
    partition = PartitionWindows(GRACE, StateLimits(waiting_events=3))

    partition.apply(at(a=30, b=30, c=30, d=40))
    assert (partition.hurried, partition.waiting) == (3, 1)
    partition.apply([Event(b"k", time_ms, b"e" * 8, time_ms) for time_ms in (41, 42, 200)])
    assert (partition.hurried, partition.waiting) == (3, 1)  # the grace had passed for the others


def test_at_the_limit_of_open_sessions_the_one_silent_longest_is_ended():
    """Its final window is scored like any other."""
    partition = PartitionWindows(RULE, StateLimits(open_sessions=2))
    history = [Event(key, n * 10, key * 8, n) for n, key in enumerate([b"a", b"b", b"a", b"c"])]

    # a at 0 and 20, b at 10, c at 30: b is silent longest
    assert drawn(partition.apply(history)) == ["[aa", "[b]"]
    assert (partition.crowded_out, partition.open_sessions) == (1, 2)


def test_a_session_that_had_to_end_anyway_is_not_crowded_out():
    """The limit is not blamed for what the gap has ended."""
    partition = PartitionWindows(RULE, StateLimits(open_sessions=1))

    assert drawn(partition.apply([Event(b"a", 1, b"a" * 8, 0), Event(b"b", 102, b"b" * 8, 1)])) == ["[a]"]
    assert partition.crowded_out == 0


@pytest.mark.parametrize("length", range(12))
@pytest.mark.parametrize("rule", [RULE, WindowRule(4, 4, 100), WindowRule(5, 1, 100), WindowRule(8, 8, 100)])
def test_a_session_gives_length_over_hop_windows_and_a_final_one(length: int, rule: WindowRule):
    """N // hop windows and one final one, the same from spans as from the running state."""
    history = [Event(b"k", 0, bytes([n]) * 8, n) for n in range(length)]
    partition = PartitionWindows(rule)

    windows = partition.apply(history) + partition.flush()
    spans = list(session_spans(length, rule))
    assert len(windows) == (length // rule.hop + 1 if length else 0)
    assert [(history[s.start : s.stop], s.final) for s in spans] == [(list(w.events), w.final) for w in windows]


@pytest.mark.parametrize("rule", [(0, 1, 1), (513, 1, 1), (4, 0, 1), (4, 5, 1), (4, 2, 0), (4, 2, 1, -1)])
def test_a_rule_outside_its_ranges_is_refused(rule: tuple[int, ...]):
    """The error says what is allowed."""
    with pytest.raises(ConfigurationError, match=r"allowed|at least"):
        WindowRule(*rule)
