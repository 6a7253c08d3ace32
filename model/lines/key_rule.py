"""Whose sequence a line belongs to, as a person says it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from model.errors import ConfigurationError
from model.lines.expressions import Expression
from model.lines.fields import field_path

__all__ = ["SHARED_KEY", "WITHOUT", "KeyRule", "Without"]

#: What happens to lines without a key.
Without = Literal["dead-letter", "shared", "drop"]
WITHOUT: tuple[Without, ...] = get_args(Without)
#: The key of lines that have none, where they share one.
SHARED_KEY = b"(no key)"


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Where a line says whose sequence it belongs to.

    Where several are given, a key is made of all of them, joined with ``|`` in the order of this list. What a line
    lacks is empty, and a line that lacks all has no key. With none, each file is one key.

    Attributes:
        record_key: The record has a key already, which is to be a part of the new one.
        headers: Names of record headers.
        fields: Fields of JSON lines and of OTLP (an attribute, a resource attribute, ``traceId``), by name or JSON
            pointer; of text lines, the words of their header, such as ``host``.
        pattern: An expression (RE2) searched in the line; its groups are parts each, without groups the whole match.
        without: What happens to lines without a key: they become dead letters, share one key, or are dropped and
            counted. In training, those that would become dead letters are left out, and counted.

    Raises:
        ConfigurationError: A part is not allowed.
    """

    record_key: bool = False
    headers: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    pattern: str | None = None
    without: Without = "dead-letter"

    def __post_init__(self) -> None:
        if self.without not in WITHOUT:
            raise ConfigurationError(
                f"lines without a key cannot be treated as {self.without!r}; allowed are {', '.join(WITHOUT)}."
            )
        if not all(self.headers):
            raise ConfigurationError("the name of a record header is empty; allowed is a name such as tenant.")
        for field in self.fields:
            field_path(field)
        if self.pattern is not None:
            Expression(self.pattern)

    @property
    def names_a_key(self) -> bool:
        """Whether there is any part: without one, each file is one key."""
        return bool(self.record_key or self.headers or self.fields or self.pattern is not None)

    @property
    def assigns_keys(self) -> bool:
        """Whether lines without a record key can be given one: from a part, or the shared key."""
        return self.names_a_key or self.without == "shared"

    def to_json(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "KeyRule":
        """Read what ``to_json`` gave, now or in an earlier version, which knew one field."""
        fields = value.get("fields") or [each for each in [value.get("field")] if each is not None]
        return cls(
            record_key=bool(value.get("record_key")),
            headers=tuple(value.get("headers", ())),
            fields=tuple(fields),
            pattern=value.get("pattern"),
            without=value.get("without", "dead-letter"),
        )
