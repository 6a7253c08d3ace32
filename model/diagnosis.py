"""What went wrong in a window, found by mending it: the one small change that makes it look normal names the fault.

Each candidate (a step put in, taken out, or moved) is a window of its own, read by the same network. The candidate
with the lowest peak surprisal wins if it takes away most of the original's. Where surprise is usual no small change
would, and the window as a whole is what is wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from model.explanation import SESSION_BEGINS, SESSION_ENDS, Kind, Reading, TextSource
from model.vocabulary import BOS, EOS, FIRST_EVENT, NOVEL

__all__ = ["Diagnosis", "Usual", "diagnose"]

Tokens = tuple[int, ...]
#: Reads windows: the peak surprisal of each, nats.
Peaks = Callable[[Sequence[Tokens]], list[float]]
#: The likeliest other token at a position of a window, with its probability.
Expect = Callable[[Tokens, int], tuple[int, float] | None]

_LONGEST_TEXT = 120
#: A change explains the window if it takes away this share of its peak surprisal.
_MENDED_SHARE = 0.5
#: How far a step is moved when its order is tried, in events.
_FARTHEST_MOVE = 3
_PLACES_TRIED = 2
#: How many missing steps in a row are looked for.
_MOST_MISSING = 3


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
        expect: Says what belongs at a position of a changed window.
        most_in_window: How often, at most, each event occurred in one training window.
        kinds_apart: The share of its and the nearest training window's kinds of events that only one of them has, where
            surprise is usual; else None.
    """

    texts: TextSource
    peaks: Peaks
    expect: Expect
    most_in_window: Mapping[bytes, int]
    kinds_apart: float | None = None


def diagnose(reading: Reading, usual: Usual) -> Diagnosis:
    """Say in one sentence what is wrong with a window."""
    return (
        _novel(reading, usual)
        or _unusual_as_a_whole(reading, usual)
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
    """An event that came more often than ever in a window of training: at least twice as often, or surprisingly."""
    vocabulary, most_in_window = usual.texts.vocabulary, usual.most_in_window
    surprising = reading.positions()[:_PLACES_TRIED]
    for place in reading.positions():
        event, count = vocabulary.event(reading.tokens[place]), reading.tokens.count(reading.tokens[place])
        most = most_in_window.get(event, count) if event else count
        if count >= 2 * most or (count > most and place in surprising):
            text, times = _event_text(reading, usual, place), "once" if most == 1 else f"{most} times"
            return Diagnosis("repetition", f"{text} came {count} times; a normal window has it at most {times}.")
    return None


def _unusual_as_a_whole(reading: Reading, usual: Usual) -> Diagnosis | None:
    """Where normal windows hold surprises too, no single step is to blame."""
    if usual.kinds_apart is None:
        return None
    mean = fmean(reading.surprisal(place) for place in range(len(reading.tokens)))
    what = _event_text(reading, usual, reading.positions()[0])
    return Diagnosis(
        "sequence",
        f"The window as a whole is unlike normal ones: {mean:.1f} nats an event; of its kinds of events and those of "
        f"the nearest normal window {usual.kinds_apart:.0%} are in only one of them. Least likely is {what}.",
    )


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
    """The change that makes the window look normal; taking a step out mends too much, so it is tried last."""
    places = reading.positions()[:_PLACES_TRIED]
    peak = max(reading.surprisal(place) for place in range(len(reading.tokens)))
    for changes in (
        *([*_moved(reading, usual, place), *_put_in(reading, usual, place)] for place in places),
        [change for place in places for change in _taken_out(reading, usual, place)],
    ):
        peaks = usual.peaks([change.tokens for change in changes]) if changes else []
        best = min(range(len(changes)), key=lambda i: (peaks[i], i), default=None)
        if best is not None and peaks[best] <= (1 - _MENDED_SHARE) * peak:
            return Diagnosis(changes[best].kind, changes[best].summary)
    return None


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
    """The likeliest steps put in before a place, one after another."""
    tokens, missing = reading.tokens, list[int]()
    if tokens[place] == BOS:
        return
    chance = 0.0
    while len(missing) < _MOST_MISSING:
        changed = (*tokens[:place], *missing, *tokens[place:])
        expected = usual.expect(changed, place + len(missing))
        if expected is None or expected[0] < FIRST_EVENT or expected[0] == tokens[place]:
            return
        missing.append(expected[0])
        chance = chance or expected[1]
        mended = (*tokens[:place], *missing, *tokens[place:])
        if tokens[place] == EOS:
            yield _Change("ended-early", mended, _early_end_text(reading, usual, missing[0], chance))
        else:
            yield _Change("missing-step", mended, _missing_text(reading, usual, place, missing))


def _missing_text(reading: Reading, usual: Usual, place: int, missing: Sequence[int]) -> str:
    steps = ", then ".join(_quoted(usual.texts.of_token(token)) for token in missing)
    verb = "is" if len(missing) == 1 else "are"
    return f"{steps} {verb} missing before {_event_text(reading, usual, place)}."


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
    return text if text in (SESSION_BEGINS, SESSION_ENDS) else f"“{shortened}”"
