"""What raw records become under a key rule: keyed records and dead letters, with counts. Nothing is sent here."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from model.errors import RecordError
from model.lines.keys import KeyExtractor
from stream.consumers.unreadable import UnreadableRecord
from stream.dead_letters import dead_letter_of, encode_dead_letter

__all__ = ["Keyed", "Keying", "Passing"]


class Keyed(NamedTuple):
    """A record for the logs topic.

    Attributes:
        key: Its key.
        value: The raw record's value, or the part of it that has this key.
        headers: The raw record's headers.
        timestamp_ms: The raw record's, if it is not ahead; None where it had none.
    """

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int | None


@dataclass(slots=True)
class Passing:
    """What the records of one transaction become.

    The counts are for after the commit: a transaction that is aborted is done again, from the same raw records.

    Attributes:
        records: How many raw records there were.
        keyed: For the logs topic, in their order.
        letters: Encoded dead letters, in their order.
        rejected: How many dead letters there are for each reason.
        dropped: Parts without a key that the rule drops.
    """

    records: int = 0
    keyed: list[Keyed] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    dropped: int = 0


class Keying:
    """Turns raw records into what is passed on.

    Args:
        keys: Finds the keys of a record's lines.
        excess: Says why a keyed record is too large for the logs topic; None where it fits.
        now_ms: Wall clock, milliseconds since 1970.
    """

    def __init__(
        self,
        keys: KeyExtractor,
        excess: Callable[[Keyed], str | None],
        now_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        self._keys = keys
        self._excess = excess
        self._now_ms = now_ms

    def passing(self, records: Iterable[Any]) -> Passing:
        """Turn kafka-python ``ConsumerRecord``s into what they become, in their order. Bad ones never raise.

        Raises:
            ConfigurationError, TransientError: As `excess` does.
        """
        passing = Passing()
        for record in records:
            passing.records += 1
            try:
                parts = self._parts(record)
            except RecordError as error:
                _reject(passing, record, error)
                continue
            for key, value in parts:
                self._add(passing, record._replace(value=value), key)
        return passing

    def _parts(self, record: Any) -> list[tuple[bytes | None, bytes]]:  # noqa: ANN401 -- kafka-python ships no types
        """Part a record between the keys of its lines."""
        if isinstance(record, UnreadableRecord):
            raise record.error
        if record.value is None:
            raise _no_key()
        return self._keys.split(record.value, record.key, record.headers)

    def _add(self, passing: Passing, part: Any, key: bytes | None) -> None:  # noqa: ANN401 -- likewise
        if key:
            keyed = self._keyed(part, key)
            if excess := self._excess(keyed):
                _reject(passing, part, RecordError("too-long", f"with its key the record {excess}"))
            else:
                passing.keyed.append(keyed)
        elif self._keys.rule.without == "drop":
            passing.dropped += 1
        else:
            _reject(passing, part, _no_key())

    def _keyed(self, part: Any, key: bytes) -> Keyed:  # noqa: ANN401 -- likewise
        headers = [(name, value or b"") for name, value in part.headers]
        # A broker refuses a time that is too far ahead; the line's own time is what counts later.
        timestamp_ms = min(part.timestamp, int(self._now_ms())) if part.timestamp >= 0 else None
        return Keyed(key, part.value, headers, timestamp_ms)


def _reject(passing: Passing, part: Any, error: RecordError) -> None:  # noqa: ANN401 -- likewise
    passing.letters.append(encode_dead_letter(dead_letter_of(part, error)))
    passing.rejected[error.reason] += 1


def _no_key() -> RecordError:
    return RecordError("no-key", "no key was found in the record where the rule looks for it")
