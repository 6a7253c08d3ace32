"""Named ways to train: how large the network is, what it starts from, and how long it learns."""

from dataclasses import dataclass
from typing import Any

from model.errors import ConfigurationError
from model.network import small_encoder

__all__ = ["PRESETS", "Preset", "preset_named"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A way to train.

    Attributes:
        name: As the command line names it.
        about: One line for people.
        encoder: What to build from scratch; None starts from a pretrained folder.
        layers: How many layers of a pretrained encoder to keep; None keeps all.
        learning_rate: Its peak.
        passes: How often, on average, training sees each distinct window.
        steps: The fewest and the most optimiser steps.
    """

    name: str
    about: str
    encoder: dict[str, Any] | None
    layers: int | None
    learning_rate: float
    passes: int
    steps: tuple[int, int]


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "test", "tiny, from scratch: minutes on a laptop", small_encoder(128, 2, 4), None, 1e-3, 60, (400, 2000)
        ),
        Preset("transfer", "from a pretrained encoder that reads the templates' texts", None, 2, 3e-4, 40, (400, 2000)),
    )
}


def preset_named(name: str) -> Preset:
    """Find a preset.

    Raises:
        ConfigurationError: There is none of that name.
    """
    if name not in PRESETS:
        known = "; ".join(f"{preset.name} ({preset.about})" for preset in PRESETS.values())
        raise ConfigurationError(f"there is no preset {name!r}; there are: {known}.")
    return PRESETS[name]
