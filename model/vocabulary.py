"""Event IDs as the small integers that a network reads."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from model.content import EVENT_BYTES, WindowContent, split_events
from model.errors import ModelError

__all__ = ["BOS", "EOS", "FIRST_EVENT", "MASK", "NOVEL", "PAD", "Vocabulary"]

PAD, BOS, EOS, MASK, NOVEL = range(5)
#: The token of the first event ID; the special tokens stand before it.
FIRST_EVENT = 5


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A one-to-one map between the event IDs of training and tokens; every other event ID is ``NOVEL``.

    Attributes:
        events: Event IDs in token order: ``events[0]`` has the token ``FIRST_EVENT``.

    Raises:
        ModelError: An event ID occurs twice, or is not as long as one.
    """

    events: tuple[bytes, ...]
    _tokens: dict[bytes, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tokens = {event: token for token, event in enumerate(self.events, start=FIRST_EVENT)}
        if len(tokens) != len(self.events):
            raise ModelError("the vocabulary names an event ID twice; train the model again.")
        if any(len(event) != EVENT_BYTES for event in self.events):
            raise ModelError(
                f"the vocabulary names event IDs of other than {EVENT_BYTES} bytes; train the model again."
            )
        object.__setattr__(self, "_tokens", tokens)

    @classmethod
    def of(cls, events: Iterable[bytes]) -> "Vocabulary":
        """Make a vocabulary of the distinct event IDs, sorted, so that the same events give the same tokens."""
        return cls(tuple(sorted(set(events))))

    def __len__(self) -> int:
        """The number of tokens, special ones included."""
        return FIRST_EVENT + len(self.events)

    def event(self, token: int) -> bytes | None:
        """The event ID of a token; None for a special token."""
        return self.events[token - FIRST_EVENT] if token >= FIRST_EVENT else None

    def encode(self, window: WindowContent) -> tuple[int, ...]:
        """The tokens of a window: ``[BOS]`` if it starts its session, its events, ``[EOS]`` if it is final."""
        tokens = self._tokens
        head = (BOS,) if window.starts_session else ()
        tail = (EOS,) if window.final else ()
        return (*head, *[tokens.get(event, NOVEL) for event in split_events(window.events)], *tail)
