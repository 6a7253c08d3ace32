"""Why a window was alerted: the surprising events, what was expected instead, and one sentence for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from model.content import WindowContent, split_events
from model.vocabulary import BOS, EOS, NOVEL, Vocabulary

__all__ = ["Expected", "Explanation", "Kind", "Reading", "SurprisingEvent", "TextSource", "surprising_events"]

#: What kind of anomaly a sentence speaks of; ``sequence`` where nothing more exact can be said.
Kind = str
SESSION_BEGINS, SESSION_ENDS = "(the session begins)", "(the session ends)"
_UNKNOWN_TEXT = "(an event that training never saw)"
_MOST_EVENTS = 5
_EXPECTED = 3
#: An event belongs to an explanation if its surprisal is at least this share of the window's largest.
_SHARE_OF_PEAK = 0.5


class Expected(NamedTuple):
    """An event that the model expected at a position.

    Attributes:
        event_id: Eight bytes; None for the start or end of the session.
        text: Its template's text.
        probability: 0 to 1.
    """

    event_id: bytes | None
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class SurprisingEvent:
    """An event of the window, or a mark of its session, that the model did not expect.

    Attributes:
        index: Its index among the window's events; -1 for the session's start, the number of events for its end.
        event_id: Eight bytes; None for the start or end of the session.
        text: Its template's text.
        surprisal: Nats.
        rank: How many events the model finds at least as likely there, itself included; 1 is the likeliest.
        expected: The likeliest others, likeliest first.
    """

    index: int
    event_id: bytes | None
    text: str
    surprisal: float
    rank: int
    expected: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reason for an alert.

    Attributes:
        kind: ``novel-event``, ``repetition``, ``ended-early``, ``missing-step``, ``out-of-order``, ``extra-step``
            or ``sequence``.
        summary: One sentence for a person.
        events: The surprising events, most surprising first, one to five.
        familiar: Whether training saw a window with the same event counts, in whatever order.
    """

    kind: Kind
    summary: str
    events: tuple[SurprisingEvent, ...]
    familiar: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A window as the network reads it.

    Attributes:
        window: Its content.
        tokens: Its tokens.
        expected: Log-probabilities, (tokens of the window, vocabulary).
        familiar: Whether its event counts occurred in training.
    """

    window: WindowContent
    tokens: tuple[int, ...]
    expected: Tensor
    familiar: bool

    def surprisal(self, position: int) -> float:
        """Of the token at a position, nats."""
        return -float(self.expected[position, self.tokens[position]])

    def index(self, position: int) -> int:
        """The index among the window's events of the token at a position."""
        return position - int(self.window.starts_session)

    def likeliest(self, position: int, count: int) -> list[tuple[int, float]]:
        """The likeliest tokens other than the one that is there, with their probabilities."""
        values, tokens = self.expected[position].exp().topk(min(count + 1, self.expected.shape[1]))
        pairs = zip(tokens.tolist(), values.tolist(), strict=True)
        return [(token, p) for token, p in pairs if token != self.tokens[position] and token != NOVEL][:count]

    def positions(self) -> list[int]:
        """All positions, novel events first, then by falling surprisal."""
        places = range(len(self.tokens))
        return sorted(places, key=lambda p: (self.tokens[p] != NOVEL, -self.surprisal(p), p))


@dataclass(frozen=True, slots=True)
class TextSource:
    """Texts of events: the templates', and those of novel events that the caller knows.

    Attributes:
        vocabulary: Event IDs and tokens.
        templates: Template texts by event ID.
        novel: Texts of novel events by event ID.
    """

    vocabulary: Vocabulary
    templates: Mapping[bytes, str]
    novel: Mapping[bytes, str]

    def of_event(self, event: bytes) -> str:
        """The text of an event ID."""
        return self.templates.get(event) or self.novel.get(event) or _UNKNOWN_TEXT

    def of_token(self, token: int) -> str:
        """The text of a token."""
        if token in (BOS, EOS):
            return SESSION_BEGINS if token == BOS else SESSION_ENDS
        event = self.vocabulary.event(token)
        return _UNKNOWN_TEXT if event is None else self.of_event(event)


def surprising_events(reading: Reading, texts: TextSource) -> tuple[SurprisingEvent, ...]:
    """The window's novel events and those about as surprising as its most surprising one."""
    known = [p for p in range(len(reading.tokens)) if reading.tokens[p] != NOVEL]
    bound = _SHARE_OF_PEAK * max((reading.surprisal(p) for p in known), default=0.0)
    chosen = [p for p in reading.positions() if reading.tokens[p] == NOVEL or reading.surprisal(p) >= bound]
    return tuple(_surprising_event(reading, texts, position) for position in chosen[:_MOST_EVENTS])


def _surprising_event(reading: Reading, texts: TextSource, position: int) -> SurprisingEvent:
    token, index = reading.tokens[position], reading.index(position)
    event = None if token in (BOS, EOS) else split_events(reading.window.events)[index]
    row = reading.expected[position]
    expected = tuple(
        Expected(texts.vocabulary.event(other), texts.of_token(other), round(p, 4))
        for other, p in reading.likeliest(position, _EXPECTED)
    )
    return SurprisingEvent(
        index=index,
        event_id=event,
        text=texts.of_token(token) if event is None else texts.of_event(event),
        surprisal=round(reading.surprisal(position), 4),
        rank=int((row >= row[token]).sum()),
        expected=expected,
    )
