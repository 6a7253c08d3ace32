"""Which sessions teach and which are held out to judge: whole keys, chosen by the seed alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from math import ceil

from model.content import EVENT_BYTES, WindowContent
from model.errors import ConfigurationError
from stream.windowing.windows import WindowRule
from training.corpus import Session, windows_of

__all__ = ["Split", "further_splits", "split_sessions"]

#: With fewer keys than this, sessions are cut in time instead: the end of each is held out.
FEW_KEYS = 20
#: The pieces that long sessions of few keys are cut into, in windows' sizes. Service begins a session anew after each
#: silence, wherever it is in the stream; so windows that begin anywhere are to be learnt and judged by.
_PIECE_SIZES = 4
#: So many parts the other sessions are cut into, where all are to be judged.
FURTHER_SPLITS = 3
_SEED_BYTES = 8
_SEEDS = 1 << 8 * _SEED_BYTES


@dataclass(frozen=True, slots=True)
class Split:
    """Windows to learn from and windows to judge by.

    Attributes:
        training: Distinct windows and how often each occurred.
        held_out: The windows of each held-out session (with few keys: of each piece of the later time of each session).
        by_time: Whether the sessions were cut in time, because there are few keys. Then no window has marks: the few
            starts and ends tell nothing about others.
    """

    training: Counter[WindowContent]
    held_out: tuple[tuple[WindowContent, ...], ...]
    by_time: bool

    @property
    def is_usable(self) -> bool:
        """Whether there is something to learn from and something to judge by."""
        return bool(self.training and self.held_out)

    @property
    def held_out_windows(self) -> Counter[WindowContent]:
        """Distinct held-out windows and how often each occurred."""
        return Counter(window for session in self.held_out for window in session)


def split_sessions(sessions: Sequence[Session], rule: WindowRule, held_out_share: float, seed: int) -> Split:
    """Cut sessions into windows and set a share of them aside.

    Args:
        sessions: Of normal operation.
        rule: How windows are cut.
        held_out_share: More than 0, at most a half.
        seed: Decides which keys are held out; 0 to 2**64 - 1.

    Raises:
        ConfigurationError: The share or the seed is outside its range, or there is too little to split.
    """
    if not 0 < held_out_share <= 0.5:  # noqa: PLR2004 - a half is a half
        raise ConfigurationError(f"the held-out share is {held_out_share}; allowed is more than 0, at most 0.5.")
    if not 0 <= seed < _SEEDS:
        raise ConfigurationError(f"the seed is {seed}; allowed are 0 to {_SEEDS - 1}.")
    keys = _ranked(sessions, seed)
    by_time = len(keys) < FEW_KEYS
    aside = keys[: ceil(held_out_share * len(keys))]
    split = _by_time(sessions, rule, held_out_share) if by_time else _by_key(sessions, rule, aside)
    if not split.is_usable:
        raise ConfigurationError(
            f"{len(sessions)} sessions of {len(keys)} keys are too few to learn from and to judge by; "
            "give more logs, or check the key."
        )
    return split


def further_splits(sessions: Sequence[Session], rule: WindowRule, held_out_share: float, seed: int) -> list[Split]:
    """Splits that hold out, part by part, the sessions that ``split_sessions`` learns from.

    Of few keys there are none: what was normal earlier in a stream may be so no more.
    """
    ranked = _ranked(sessions, seed)
    if len(ranked) < FEW_KEYS:
        return []
    first = ceil(held_out_share * len(ranked))
    bounds = [first + (len(ranked) - first) * part // FURTHER_SPLITS for part in range(FURTHER_SPLITS + 1)]
    splits = (_by_key(sessions, rule, ranked[start:end]) for start, end in pairwise(bounds))
    return [split for split in splits if split.is_usable]


def _ranked(sessions: Sequence[Session], seed: int) -> list[bytes]:
    """The keys in an order that the seed decides, and each key alone."""

    def rank(key: bytes) -> bytes:
        return blake2b(key, digest_size=8, salt=seed.to_bytes(_SEED_BYTES, "little")).digest()

    return sorted({session.key for session in sessions}, key=lambda key: (rank(key), key))


def _by_key(sessions: Sequence[Session], rule: WindowRule, held_out_keys: Sequence[bytes]) -> Split:
    aside = frozenset(held_out_keys)
    training = Counter(w for s in sessions if s.key not in aside for w in _windows(s, rule))
    held_out = tuple(tuple(_windows(s, rule)) for s in sessions if s.key in aside)
    return Split(training, held_out, by_time=False)


def _by_time(sessions: Sequence[Session], rule: WindowRule, share: float) -> Split:
    cut = [[_unmarked(piece, rule) for piece in _pieces(session, rule, share)] for session in sessions]
    kept = [len(pieces) - ceil(share * len(pieces)) if len(pieces) > 1 else 1 for pieces in cut]
    training = Counter(w for pieces, n in zip(cut, kept, strict=True) for windows in pieces[:n] for w in windows)
    held_out = tuple(windows for pieces, n in zip(cut, kept, strict=True) for windows in pieces[n:])
    return Split(training, held_out, by_time=True)


def _pieces(session: Session, rule: WindowRule, share: float) -> Iterator[Session]:
    length = min(_PIECE_SIZES * rule.size, ceil(share * len(session)))  # of a short one, too, a piece is held out
    for start in range(0, len(session), length):
        events = session.events[EVENT_BYTES * start : EVENT_BYTES * (start + length)]
        yield Session(session.key, events, session.places[start : start + length])


def _unmarked(session: Session, rule: WindowRule) -> tuple[WindowContent, ...]:
    return tuple(window.without_marks() for window in _windows(session, rule))


def _windows(session: Session, rule: WindowRule) -> list[WindowContent]:
    return [window for _, window in windows_of(session, rule)]
