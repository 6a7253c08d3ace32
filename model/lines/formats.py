"""How the lines of a stream are written: found in a sample or set by a person, kept in the model."""

from dataclasses import asdict, dataclass, fields
from datetime import tzinfo
from typing import Any, Literal, get_args

from model.errors import ConfigurationError, ModelError
from model.lines.fields import field_path
from model.lines.format_line import FormatLine
from model.lines.headers import PLAIN, Header, header_named
from model.lines.zones import zone_named

__all__ = ["KINDS", "Kind", "LineFormat"]

Kind = Literal["text", "json", "otlp-json", "otlp-proto"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How the lines of a stream are written.

    Attributes:
        kind: ``text`` (one line or several in a record), ``json`` (one object or several in a record), ``otlp-json``
            or ``otlp-proto``.
        header: The name of a header of ``model.lines.headers``, ``plain`` for none, or a format line of the operator's
            own; of all kinds but text, that of the messages.
        message: JSON only: the field of the message, a name or a JSON pointer; None looks for the usual names.
        time: JSON only: the field of the event time; likewise.
        level: JSON only: the field of the level; likewise.
        zone: The time zone of times that state none: ``UTC``, ``+02:00`` or ``Europe/Berlin``.

    Raises:
        ConfigurationError: The kind, the header, a field or the zone is not allowed.
    """

    kind: Kind = "text"
    header: str = PLAIN.name
    message: str | None = None
    time: str | None = None
    level: str | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigurationError(f"the line format {self.kind!r} is unknown; allowed are {', '.join(KINDS)}.")
        header_named(self.header)
        for field in (self.message, self.time, self.level):
            if field is not None:
                field_path(field)
        zone_named(self.zone)

    @property
    def text_header(self) -> Header | FormatLine:
        """What stands before the message of a text line, or in front of the message of an object."""
        return header_named(self.header)

    @property
    def may_be_counted(self) -> bool:
        """Whether a record that begins with an octet count is parted by it."""
        return self.kind == "text" and self.header.startswith("syslog")

    @property
    def time_zone(self) -> tzinfo:
        """Where times are meant that state no zone."""
        return zone_named(self.zone)

    @property
    def has_time(self) -> bool:
        """Whether lines of this format usually state their time."""
        stated = self.time is not None or self.kind.startswith("otlp")
        return stated or self.text_header.has_time

    def to_json(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "LineFormat":
        """Read what ``to_json`` gave, now or in an earlier version.

        Raises:
            ModelError: The value is no line format that this version knows.
        """
        try:
            given = dict(value)  # type: ignore[call-overload]
            return cls(given.pop("kind"), given.pop("header"), **given)
        except (KeyError, TypeError, ValueError, AttributeError, ConfigurationError) as error:
            names = ", ".join(field.name for field in fields(cls))
            raise ModelError(
                f"the line format of the model cannot be read ({error}); it must be an object of {names}. "
                "Train the model again, with this version."
            ) from error
