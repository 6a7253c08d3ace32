"""The values of the live settings, and what each may be. Pure: where they are kept is in ``live_settings.py``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Self

from model.errors import ConfigurationError
from stream.text import safe_text, shown_name
from stream.windowing.windows import WindowRule

__all__ = ["SETTING_TYPES", "LiveSettings", "parsed_value"]

MAX_SESSION_GAP_MS = 365 * 24 * 3600 * 1000
MAX_GRACE_MS = 24 * 3600 * 1000

_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """The live settings at one version.

    Attributes:
        window_size: The most events a window holds.
        window_hop: A window is cut after every this many events.
        session_gap_ms: Silence, in milliseconds of event time, that ends a session.
        threshold: An alert is published when a window's score is above it, in nats.
        grace_ms: How far, in milliseconds of event time, a line may lag behind and still find its place.
        version: Counts the changes; 0 before the values are stored.
        chosen_us: When somebody last changed a value, in microseconds since 1970 by Redis's clock; 0 where nobody has.

    Raises:
        ConfigurationError: A value is outside its range, with what is allowed.
    """

    window_size: int
    window_hop: int
    session_gap_ms: int
    threshold: float
    grace_ms: int = 0
    version: int = 0
    chosen_us: int = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise ConfigurationError(f"threshold is {self.threshold}; allowed is any finite number, in nats.")
        if self.session_gap_ms > MAX_SESSION_GAP_MS:
            raise ConfigurationError(
                f"session_gap_ms is {self.session_gap_ms}; allowed are 1 to {MAX_SESSION_GAP_MS} ms (365 days)."
            )
        if self.grace_ms > MAX_GRACE_MS:
            raise ConfigurationError(f"grace_ms is {self.grace_ms}; allowed are 0 to {MAX_GRACE_MS} ms (24 hours).")
        self.rule()

    def rule(self) -> WindowRule:
        """Return how windows are cut."""
        return WindowRule(self.window_size, self.window_hop, self.session_gap_ms, self.grace_ms)

    def outlives(self, other: "LiveSettings") -> bool:
        """Whether Redis, which has the other settings, has forgotten these.

        A Redis that was emptied counts versions from 1 again, so what people chose last goes before the version. Of two
        of the same age and version, as two first starts make them, whichever was known before stays.
        """
        return self != other and (self.chosen_us, self.version) >= (other.chosen_us, other.version)

    def values(self) -> dict[str, int | float]:
        """Return the settings by name, without version and time."""
        return {name: getattr(self, name) for name in SETTING_TYPES}

    def with_changes(self, changes: Mapping[str, object]) -> Self:
        """Return the settings with other values; numbers may be given as text.

        Raises:
            ConfigurationError: A name is unknown or a value is not allowed.
        """
        return replace(self, **{name: parsed_value(name, value) for name, value in changes.items()})


SETTING_TYPES: Mapping[str, type] = MappingProxyType(
    {
        each.name: float if each.name == "threshold" else int
        for each in fields(LiveSettings)
        if each.name not in ("version", "chosen_us")
    }
)
"""The names of the live settings, with their types."""


def parsed_value(name: str, value: object) -> Any:  # noqa: ANN401 -- int or float, as the name says
    """Read one setting's value, text or number, as the type its name has.

    Raises:
        ConfigurationError: The name is unknown, or the value is no number.
    """
    kind = SETTING_TYPES.get(name)
    if kind is None:
        raise ConfigurationError(f"{shown_name(name)} is no live setting; there are {', '.join(SETTING_TYPES)}.")
    text = str(value)
    plain = text if text.isascii() and "_" not in text else ""  # Python reads 1_0 and the digits of any script, too
    try:
        number = float(plain) if kind is float else int(plain)
    except ValueError as error:
        wanted = "a number, in nats" if kind is float else "a whole number"
        shown = safe_text(text, _SHOWN_CHARACTERS)
        raise ConfigurationError(f"{name} is {shown!r}; allowed is {wanted}.") from error
    return number
