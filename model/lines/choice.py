"""What a person says about how lines are written; the rest is found out."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from model.lines.formats import KINDS, LineFormat

__all__ = ["FormatChoice"]


@dataclass(frozen=True, slots=True)
class FormatChoice:
    """A format as a person names it; with nothing named, what was found out holds.

    Attributes:
        format: ``json``, ``otlp-json`` or ``otlp-proto``; for text the name of a header (``model.lines.headers``),
            ``text`` for none, or a format line with ``<Content>``.
        message_field: JSON: where the message is; or None.
        time_field: JSON: where the time is; or None.
        time_zone: The zone of times that state none; or None.
    """

    format: str | None = None
    message_field: str | None = None
    time_field: str | None = None
    time_zone: str | None = None

    def applied_to(self, found: Callable[[], LineFormat]) -> LineFormat:
        """Give the format that holds.

        Args:
            found: Gives the format of a sample or of a model; asked only where it matters.

        Raises:
            ConfigurationError: What is named is not allowed; the text says what is.
        """
        base = self._base(found)
        return replace(
            base,
            message=self.message_field or base.message,
            time=self.time_field or base.time,
            zone=self.time_zone or base.zone,
        )

    def _base(self, found: Callable[[], LineFormat]) -> LineFormat:
        if self.format is None:
            return found()
        if self.format == "text":
            return LineFormat()
        for kind in KINDS:
            if self.format == kind:
                other = found()
                # lines that were text in training may come in objects: their header is still in front of the message
                return other if other.kind == kind else LineFormat(kind, other.header, zone=other.zone)
        return LineFormat("text", self.format)
