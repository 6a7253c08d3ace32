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
        encoder: What to build from scratch; None always starts from a pretrained encoder.
        takes_pretrained: Whether it can start from a pretrained encoder.
        layers: How many layers of a pretrained encoder to keep; None keeps all.
        learning_rate: Its peak.
        passes: How often, on average, training sees each distinct window.
        steps: The fewest and the most optimiser steps.
        batch_windows: Windows a step, in each process; fewer where they are longer than 64 events.
        for_gpus: Whether it is made for GPUs: it then computes in half precision where they can.
    """

    name: str
    about: str
    encoder: dict[str, Any] | None
    takes_pretrained: bool
    layers: int | None
    learning_rate: float
    passes: int
    steps: tuple[int, int]
    batch_windows: int = 64
    for_gpus: bool = False


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="test",
            about="tiny, from scratch: minutes on a laptop",
            encoder=small_encoder(128, 2, 4),
            takes_pretrained=False,
            layers=None,
            learning_rate=3e-3,
            passes=60,
            steps=(400, 2000),
        ),
        Preset(
            name="transfer",
            about="from a pretrained encoder that reads the templates' texts",
            encoder=None,
            takes_pretrained=True,
            layers=2,
            learning_rate=3e-4,
            passes=40,
            steps=(400, 2000),
        ),
        Preset(
            name="full",
            about="large, from scratch or with --pretrained, for a GPU",
            encoder=small_encoder(512, 8, 8),
            takes_pretrained=True,
            layers=None,
            learning_rate=3e-4,
            passes=100,
            steps=(2000, 20_000),
            batch_windows=256,
            for_gpus=True,
        ),
        Preset(
            name="dgx",
            about="twelve layers of 768, from scratch or with --pretrained, for several GPUs",
            encoder=small_encoder(768, 12, 12),
            takes_pretrained=True,
            layers=None,
            learning_rate=2e-4,
            passes=100,
            steps=(2000, 20_000),
            batch_windows=256,
            for_gpus=True,
        ),
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
