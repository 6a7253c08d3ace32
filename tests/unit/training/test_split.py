"""Which sessions teach and which are held out."""

import pytest

from model.errors import ConfigurationError
from stream.windowing.windows import WindowRule
from training.corpus import Session
from training.split import FEW_KEYS, further_splits, split_sessions


def test_no_key_is_on_both_sides_of_the_split() -> None:
    """Sessions of one key are all for learning or all held out, and the share is kept."""
    sessions = [Session(b"k%d" % (i % 40), bytes([i % 40]) * 8, ((0, i),)) for i in range(200)]
    split = split_sessions(sessions, WindowRule(), 0.25, seed=3)

    assert not set(split.training) & set(split.held_out_windows)
    assert len(split.held_out) == 10 * 5
    assert split.training == split_sessions(sessions[::-1], WindowRule(), 0.25, seed=3).training
    assert split != split_sessions(sessions, WindowRule(), 0.25, seed=4)


def test_with_few_keys_the_end_of_each_session_is_held_out() -> None:
    """One long session can be learnt from and judged by."""
    session = Session(b"k", b"".join(i.to_bytes(8, "big") for i in range(800)), tuple((0, i) for i in range(800)))
    split = split_sessions([session], WindowRule(size=8, hop=8), 0.25, seed=0)

    assert split.by_time
    assert (split.training.total(), split.held_out_windows.total()) == (18 * 5, 7 * 5)  # 25 pieces of 32 events
    # Of one start and one end nothing can be learnt.
    assert not any(window.starts_session or window.final for window in [*split.training, *split.held_out_windows])


@pytest.mark.parametrize(("share", "sizes"), [(0.25, [11, 10, 10, 11]), (0.05, [3, 13, 13, 13]), (0.5, [21, 7, 7, 7])])
def test_the_further_splits_hold_out_every_other_session_once(share: float, sizes: list[int]) -> None:
    """With the first, each session is judged once, by what has learnt all but a share."""
    sessions = [Session(b"k%d" % i, i.to_bytes(8, "big"), ((0, i),)) for i in range(42)]
    splits = [
        split_sessions(sessions, WindowRule(), share, seed=3),
        *further_splits(sessions, WindowRule(), share, seed=3),
    ]
    judged = [window for split in splits for window in split.held_out_windows.elements()]

    assert [len(split.held_out) for split in splits] == sizes
    assert len(judged) == len(set(judged)) == 42
    assert all(not set(split.training) & set(split.held_out_windows) for split in splits)
    assert all(split.training.total() + len(split.held_out) == 42 for split in splits)


def test_of_few_keys_there_are_no_further_splits() -> None:
    """What was normal earlier in a stream may be so no more."""
    events = b"".join(i.to_bytes(8, "big") for i in range(800))
    session = Session(b"k", events, tuple((0, i) for i in range(800)))

    assert not further_splits([session], WindowRule(size=8, hop=8), 0.25, seed=0)


@pytest.mark.parametrize("events", [2, 5, 12, 31])
def test_of_a_short_session_too_the_end_is_held_out(events: int) -> None:
    """A single file of fewer lines than a piece can be learnt from and judged by."""
    session = Session(b"k", b"".join(i.to_bytes(8, "big") for i in range(events)), tuple((0, i) for i in range(events)))
    split = split_sessions([session], WindowRule(size=8, hop=8), 0.25, seed=0)

    assert split.training
    assert split.held_out


def test_one_window_cannot_be_split() -> None:
    """The error says that there is too little."""
    with pytest.raises(ConfigurationError, match="too few"):
        split_sessions([Session(b"k", b"a" * 8, ((0, 1),))], WindowRule(), 0.25, seed=0)


@pytest.mark.parametrize("share", [0.0, -1.0, 0.6, float("nan")])
def test_shares_outside_the_range_are_refused(share: float) -> None:
    """At most half may be held out."""
    sessions = [Session(b"k%d" % i, b"a" * 8, ((0, i),)) for i in range(2 * FEW_KEYS)]

    with pytest.raises(ConfigurationError, match=r"at most 0\.5"):
        split_sessions(sessions, WindowRule(), share, seed=0)
