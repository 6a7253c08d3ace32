"""The window rules, with a hand-moved clock and a drawing above each assertion."""

import pytest

from model.errors import ConfigurationError
from stream.windowing.windows import Event, PartitionWindows, Window, WindowRule, session_spans

RULE = WindowRule(size=3, hop=2, session_gap_ms=100)


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


@pytest.mark.parametrize(("size", "hop", "gap"), [(0, 1, 1), (513, 1, 1), (4, 0, 1), (4, 5, 1), (4, 2, 0)])
def test_a_rule_outside_its_ranges_is_refused(size: int, hop: int, gap: int):
    """The error says what is allowed."""
    with pytest.raises(ConfigurationError, match=r"allowed|at least"):
        WindowRule(size, hop, gap)
