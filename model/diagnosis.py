"""What went wrong in a window, found by mending it: the one small change that makes it look normal names the fault.

Each candidate (a step put in, taken out, or moved) is a window of its own, read by the same network. The candidate
with the lowest peak surprisal wins if it takes away most of the original's.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from model.explanation import SESSION_BEGINS, SESSION_ENDS, Kind, Reading, TextSource
from model.vocabulary import BOS, EOS, FIRST_EVENT, NOVEL

__all__ = ["Diagnosis", "Usual", "diagnose"]

Tokens = tuple[int, ...]
#: Reads windows: the peak surprisal of each, nats.
Peaks = Callable[[Sequence[Tokens]], list[float]]

_LONGEST_TEXT = 120
#: A change explains the window if it takes away this share of its peak surprisal.
_MENDED_SHARE = 0.5
#: How far a step is moved when its order is tried, in events.
_FARTHEST_MOVE = 3
_PLACES_TRIED = 2
#: An event that came more often than ever in training is called repeated from this many times on.
_REPEATED = 3


class Diagnosis(NamedTuple):
    """A kind of fault and its sentence."""

    kind: Kind
    summary: str


class _Change(NamedTuple):
    kind: Kind
    tokens: Tokens
    summary: str


@dataclass(frozen=True, slots=True)
class Usual:
    """What a diagnosis compares with.

    Attributes:
        texts: Texts of events.
        peaks: Reads changed windows.
        most_in_window: How often, at most, each event occurred in one training window.
    """

    texts: TextSource
    peaks: Peaks
    most_in_window: Mapping[bytes, int]


def diagnose(reading: Reading, usual: Usual) -> Diagnosis:
    """Say in one sentence what is wrong with a window."""
    return (
        _novel(reading, usual)
        or _repeated(reading, usual)
        or _mended(reading, usual)
        or _ended_early(reading, usual)
        or _unlikely(reading, usual)
    )


def _novel(reading: Reading, usual: Usual) -> Diagnosis | None:
    places = [p for p, token in enumerate(reading.tokens) if token == NOVEL]
    if not places:
        return None
    texts = list(dict.fromkeys(_event_text(reading, usual, p) for p in places))
    more = f" (and {len(texts) - 1} more such events)" if len(texts) > 1 else ""
    return Diagnosis("novel-event", f"An event that training never saw: {texts[0]}{more}.")


def _repeated(reading: Reading, usual: Usual) -> Diagnosis | None:
    """An event that came at least twice as often as ever in a window of training."""
    vocabulary = usual.texts.vocabulary
    found: list[tuple[float, int, bytes]] = []
    for token, count in Counter(reading.tokens).items():
        event = vocabulary.event(token)
        most = usual.most_in_window.get(event, 0) if event else 0
        if event and most and count >= max(_REPEATED, 2 * most):
            found.append((count / most, count, event))
    if not found:
        return None
    _, count, event = max(found)
    most = usual.most_in_window[event]
    times = "once" if most == 1 else f"{most} times"
    text = _quoted(usual.texts.of_event(event))
    return Diagnosis("repetition", f"{text} came {count} times; a normal window has it at most {times}.")


def _ended_early(reading: Reading, usual: Usual) -> Diagnosis | None:
    """The end itself is the surprise, and no single step would have made it right."""
    last = len(reading.tokens) - 1
    if reading.tokens[last] != EOS or last not in reading.positions()[:2]:
        return None
    for token, probability in reading.likeliest(last, 1):
        if token >= FIRST_EVENT:
            return Diagnosis("ended-early", _early_end_text(reading, usual, token, probability))
    return None


def _early_end_text(reading: Reading, usual: Usual, expected: int, probability: float) -> str:
    after = _event_text(reading, usual, len(reading.tokens) - 2)
    text = _quoted(usual.texts.of_token(expected))
    return f"The session ended too early, after {after}; expected next was {text} ({probability:.0%})."


def _mended(reading: Reading, usual: Usual) -> Diagnosis | None:
    changes = [change for place in reading.positions()[:_PLACES_TRIED] for change in _changes(reading, usual, place)]
    if not changes:
        return None
    peak = max(reading.surprisal(p) for p in range(len(reading.tokens)))
    peaks = usual.peaks([change.tokens for change in changes])
    best = min(range(len(changes)), key=lambda i: (peaks[i], i))
    if peaks[best] > (1 - _MENDED_SHARE) * peak:
        return None
    return Diagnosis(changes[best].kind, changes[best].summary)


def _changes(reading: Reading, usual: Usual, place: int) -> Iterator[_Change]:
    yield from _moved(reading, usual, place)
    yield from _put_in(reading, usual, place)
    yield from _taken_out(reading, usual, place)


def _moved(reading: Reading, usual: Usual, place: int) -> Iterator[_Change]:
    """The step at a place, moved a little; the marks of start and end stay where they are."""
    tokens = reading.tokens
    if tokens[place] < FIRST_EVENT:
        return
    first, last = int(tokens[0] == BOS), len(tokens) - 1 - int(tokens[-1] == EOS)
    rest = tokens[:place] + tokens[place + 1 :]
    for target in range(max(first, place - _FARTHEST_MOVE), min(last, place + _FARTHEST_MOVE) + 1):
        if tokens[target] == tokens[place]:
            continue
        side = "before" if target < place else "after"
        text = f"{_event_text(reading, usual, place)} is out of order: it belongs {side} "
        moved = (*rest[:target], tokens[place], *rest[target:])
        yield _Change("out-of-order", moved, text + f"{_event_text(reading, usual, target)}.")


def _put_in(reading: Reading, usual: Usual, place: int) -> Iterator[_Change]:
    """One of the expected steps, put in at a place."""
    tokens = reading.tokens
    if tokens[place] == BOS:
        return
    for token, probability in reading.likeliest(place, 2):
        if token < FIRST_EVENT:
            continue
        changed = (*tokens[:place], token, *tokens[place:])
        if tokens[place] == EOS:
            yield _Change("ended-early", changed, _early_end_text(reading, usual, token, probability))
        else:
            what, before = _quoted(usual.texts.of_token(token)), _event_text(reading, usual, place)
            yield _Change("missing-step", changed, f"{what} is missing before {before} (expected: {probability:.0%}).")


def _taken_out(reading: Reading, usual: Usual, place: int) -> Iterator[_Change]:
    tokens = reading.tokens
    if tokens[place] < FIRST_EVENT or sum(token >= FIRST_EVENT for token in tokens) == 1:
        return
    changed = tokens[:place] + tokens[place + 1 :]
    yield _Change("extra-step", changed, f"{_event_text(reading, usual, place)} does not belong here.")


def _unlikely(reading: Reading, usual: Usual) -> Diagnosis:
    place = reading.positions()[0]
    what = _event_text(reading, usual, place)
    start = f"{what} is unlikely here" if reading.tokens[place] >= FIRST_EVENT else f"Unlikely here: {what}"
    expected = [f"{_quoted(usual.texts.of_token(t))} ({p:.0%})" for t, p in reading.likeliest(place, 1)]
    return Diagnosis("sequence", f"{start}; expected was {expected[0]}." if expected else f"{start}.")


def _event_text(reading: Reading, usual: Usual, place: int) -> str:
    token = reading.tokens[place]
    if token in (BOS, EOS):
        return usual.texts.of_token(token)
    index = reading.index(place) * 8
    return _quoted(usual.texts.of_event(reading.window.events[index : index + 8]))


def _quoted(text: str) -> str:
    shortened = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
    return text if text in (SESSION_BEGINS, SESSION_ENDS) else f'"{shortened}"'
