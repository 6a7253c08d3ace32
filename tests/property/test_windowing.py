"""What holds for the windows of every log, however it is read, and whatever happens between two calls."""

import copy
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.alerts import AlertSource, alert_id
from stream.windowing.partition_state import PartitionState, Refusal
from stream.windowing.windows import Event, PartitionWindows, Window, WindowRule

RULES = st.integers(1, 6).flatmap(
    lambda size: st.builds(
        WindowRule, st.just(size), st.integers(1, size), st.integers(1, 150), st.sampled_from([0, 0, 20, 90])
    )
)


@st.composite
def logs(draw) -> list[Event]:
    """Up to fifty events of three keys, out of order, with ties, silences and several lines a record."""
    steps = draw(st.lists(st.tuples(st.sampled_from(b"abc"), st.integers(-60, 90), st.booleans()), max_size=50))
    time_ms, place, log = 200, 0, []
    for number, (key, step, same_record) in enumerate(steps):
        time_ms = max(1, time_ms + step)
        place = place + 1 if same_record and number else ((place >> 16) + 1) << 16
        log.append(Event(bytes([key]), time_ms, number.to_bytes(8, "big"), place))
    return log


def sorted_and_split(log: list[Event], rule: WindowRule) -> Counter[Window]:
    """The windows by their definition: raise, sort, split at the silences, cut."""
    stream_time = watermark = 0
    raised = []
    for event in log:
        stream_time = max(stream_time, event.time_ms)
        watermark = max(watermark, stream_time - rule.grace_ms)
        raised.append(event._replace(time_ms=max(event.time_ms, watermark)))
    raised.sort(key=lambda event: (event.time_ms, event.place))
    windows: Counter[Window] = Counter()
    for key in {event.key for event in log}:
        for session in sessions([event for event in raised if event.key == key], rule.session_gap_ms):
            cuts = [(n, False) for n in range(rule.hop, len(session) + 1, rule.hop)] + [(len(session), True)]
            windows.update(
                Window(key, tuple(session[max(0, stop - rule.size) : stop]), stop, final) for stop, final in cuts
            )
    return windows


def sessions(events: list[Event], gap_ms: int) -> Iterator[list[Event]]:
    """Split where the silence is longer than the gap."""
    start = 0
    for at in range(1, len(events) + 1):
        if at == len(events) or events[at].time_ms - events[at - 1].time_ms > gap_ms:
            yield events[start:at]
            start = at


@settings(max_examples=300)
@given(log=logs(), rule=RULES, cuts=st.lists(st.integers(0, 50), max_size=8))
def test_windows_are_those_of_the_sorted_and_split_log_whatever_the_batches(log, rule, cuts):
    """Sort by effective time and place, split at the silences: nothing else decides."""
    partition, windows = PartitionWindows(rule), []
    bounds = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    for start, stop in pairwise(bounds):
        windows += partition.apply(log[start:stop])
    windows += partition.flush()

    assert Counter(windows) == sorted_and_split(log, rule)


@given(log=logs(), rule=RULES)
def test_times_never_go_back_and_never_part_by_more_than_the_grace(log, rule):
    """After every event: stream time and watermark stand or rise."""
    partition = PartitionWindows(rule)
    before = (0, 0)
    for event in log:
        partition.apply([event])
        now = (partition.stream_time_ms, partition.watermark_ms)
        assert now[0] >= before[0]
        assert now[1] >= before[1]
        assert now[1] <= now[0] <= now[1] + rule.grace_ms or now[0] <= rule.grace_ms
        before = now


@given(length=st.integers(1, 40), rule=RULES)
def test_n_events_give_n_over_hop_windows_and_a_final_one_each_with_an_id_of_its_own(length, rule):
    """Also where N is a multiple of the hop: the last cut and the final window are two alerts."""
    partition = PartitionWindows(rule)
    log = [Event(b"k", 1, bytes(8), n << 16) for n in range(length)]

    windows = partition.apply(log) + partition.flush()
    assert [w.final for w in windows] == [False] * (length // rule.hop) + [True]
    assert len({identity(w) for w in windows}) == len(windows)


def identity(window: Window) -> str:
    """The alert id of a window."""
    first, last = window.events[0].place, window.events[-1].place
    return alert_id(AlertSource("logs", 3, window.key, first, last, window.session_events, window.final))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["poll", "poll", "crash", "lost answer", "go back"]),
        st.sampled_from([0, 0, 0, 1]),
        st.integers(1, 6),
    ),
    min_size=8,
    max_size=40,
)


class Reader:
    """A consumer as the state sees it: a token, and the offset that it believes to be next."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.next_offset: int | None = None


@settings(max_examples=400)
@given(log=logs(), rule=RULES, steps=STEPS)
def test_whatever_happens_between_two_calls_every_window_comes_and_no_other(log, rule, steps):
    """Consumers crash, repeat and overtake each other, answers are lost, the state goes back: the windows are the same.

    A window may come again after the state went back; it is then the same window.
    """
    end = (log[-1].place >> 16) + 1 if log else 0
    state = PartitionState(PartitionWindows(rule))
    earlier, came = [copy.deepcopy(state)], set()
    readers = [Reader("a"), Reader("b")]

    def poll(reader: Reader, length: int, *, heard: bool = True) -> None:
        if reader.next_offset is None:
            reader.next_offset = state.take(reader.name)
        start, stop = reader.next_offset, min(end, reader.next_offset + length)
        found = state.apply(reader.name, start, stop, [e for e in log if start <= e.place >> 16 < stop])
        if isinstance(found, list):
            came.update(found)
            reader.next_offset = stop if heard else start
        else:
            reader.next_offset = state.position if found is Refusal.GAP else None

    for kind, which, length in steps:
        reader = readers[which]
        if kind == "poll":  # also one that was overtaken and does not know it
            poll(reader, length)
        elif kind == "lost answer":  # the call was done, and is repeated
            poll(reader, length, heard=False)
        elif kind == "crash":
            readers[which] = Reader(reader.name + "'")
        else:
            state = copy.deepcopy(earlier[max(0, len(earlier) - length)])
        earlier.append(copy.deepcopy(state))
    last = Reader("last")
    while last.next_offset is None or last.next_offset < end:
        poll(last, 7)
    came.update(state.windows.flush())

    assert Counter(came) == sorted_and_split(log, rule)
