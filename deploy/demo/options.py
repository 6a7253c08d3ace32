"""What can be chosen about the demo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from model.errors import ConfigurationError

__all__ = ["DemoOptions"]

#: Shorter, and five faults no longer have room; longer is what DEMO_KEEP is for.
MIN_SECONDS, MAX_SECONDS = 15, 3600


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How the demo runs.

    Attributes:
        seconds: How long lines are streamed, 15 to 3600.
        keep: Whether everything keeps running afterwards, until Ctrl-C.
        seed: The same seed gives the same requests and the same faults.
        lines_per_second: Mean rate of the stream.
        training_sessions: Requests to learn from.

    Raises:
        ConfigurationError: ``seconds`` is outside its range.
    """

    seconds: int = 60
    keep: bool = False
    seed: int = 7
    lines_per_second: int = 150
    training_sessions: int = 3000

    def __post_init__(self) -> None:
        if not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            raise ConfigurationError(
                f"DEMO_SECONDS is {self.seconds}; allowed are {MIN_SECONDS} to {MAX_SECONDS} seconds."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read ``DEMO_SECONDS``, ``DEMO_KEEP`` (0 or 1) and ``DEMO_SEED``; unset or empty ones keep their default.

        Raises:
            ConfigurationError: One has a value that is not allowed.
        """
        default = cls()
        return cls(
            seconds=_number(environment, "DEMO_SECONDS", default.seconds),
            keep=_switch(environment, "DEMO_KEEP"),
            seed=_number(environment, "DEMO_SEED", default.seed),
        )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{name} is {text!r}; it must be a whole number, such as {default}.")
    return int(text)


def _switch(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "0"
    if text not in ("0", "1"):
        raise ConfigurationError(f"{name} is {text!r}; allowed are 0 and 1.")
    return text == "1"
