"""What is asked of a training: from what, how, and where to."""

from dataclasses import dataclass, field, replace
from math import inf, isinf
from pathlib import Path
from typing import Any

from model.errors import ConfigurationError
from model.events.own_masks import NO_OWN_MASKS, OwnMasks
from model.lines.choice import FormatChoice
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from training.decision import check_decision
from training.material import Material
from training.presets import preset_named
from training.pretrained_source import DEFAULT_PRETRAINED, name_of_pretrained
from training.selection import KeySample, Selection

__all__ = ["TrainingRequest"]

_MOST_EPOCHS = 1_000_000
#: Each process adds a little to the seed, and the sum is still to be one.
_MOST_SEED = 2**62


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What to train, from what, and where to put it.

    Attributes:
        inputs: Log files, folders and globs of normal operation, or preprocessed logs; ``.gz`` is unpacked.
        output: The artefact's folder; None writes nothing.
        key: Whose sequence a line belongs to; the default makes each file one key. Preprocessed logs have theirs.
        lines: What is said about how lines are written; what is not said is found out from a sample.
        masks: What varies in messages, beside what the built-in masks find; preprocessed logs have theirs.
        preset: A name of ``PRESETS``.
        pretrained: Folder of a pretrained encoder, or its name on the hub; None leaves it to the preset.
        layers: How many of its layers to keep; None leaves it to the preset.
        rule: How windows are cut.
        seed: Of the split, the weights, the order and the masks.
        epochs: How often training sees each distinct window, on average; None leaves it to the preset.
        max_seconds: Bound on the learning itself.
        held_out_share: Share of the keys to judge by.
        alerts_per_10000_windows: Alert budget that sets the threshold, where ``threshold`` does not; None allows
            about one alert in 1,000 normal sessions, however many windows they have.
        threshold: In nats; None takes the budget.
        max_files: Only the first so many files; None reads all.
        sample_ratio: Share of the keys to learn from, more than 0, at most 1.
        rekey: Whether ``logscry up`` gives lines their keys as ``key`` says where it is not told otherwise.
        resume: Whether to go on where an interrupted training with the same output stopped.
        device: ``cuda``, ``mps`` or ``cpu``; None takes the first of them that is there. Scoring is on the CPU.
    """

    inputs: tuple[str | Path, ...]
    output: Path | None
    key: KeyRule = KeyRule()  # noqa: RUF009 - frozen, so one for all does no harm
    lines: FormatChoice = FormatChoice()  # noqa: RUF009 - likewise
    masks: OwnMasks = NO_OWN_MASKS
    preset: str = "test"
    pretrained: str | Path | None = None
    layers: int | None = None
    rule: WindowRule = field(default_factory=WindowRule)
    seed: int = 0
    epochs: int | None = None
    max_seconds: float = inf
    held_out_share: float = 0.25
    alerts_per_10000_windows: float | None = None
    threshold: float | None = None
    max_files: int | None = None
    sample_ratio: float = 1.0
    rekey: bool = False
    resume: bool = False
    device: str | None = None

    def __post_init__(self) -> None:
        preset = preset_named(self.preset)
        if self.pretrained is not None and not preset.takes_pretrained:
            raise ConfigurationError(
                f"the preset {self.preset!r} trains from scratch: leave --pretrained out, or choose --preset transfer."
            )
        if self.layers is not None and self.starts_from() is None:
            raise ConfigurationError(
                f"the preset {self.preset!r} trains from scratch here, and layers are those of a pretrained encoder: "
                "leave --layers out, or choose --preset transfer."
            )
        if not self.max_seconds > 0:
            raise ConfigurationError(f"max_seconds is {self.max_seconds}; it must be more than 0.")
        if self.epochs is not None and not 1 <= self.epochs <= _MOST_EPOCHS:
            raise ConfigurationError(f"epochs is {self.epochs}; allowed are 1 to {_MOST_EPOCHS:,}.")
        if not 0 <= self.seed <= _MOST_SEED:
            raise ConfigurationError(f"seed is {self.seed}; allowed are 0 to {_MOST_SEED}.")
        check_decision(self.threshold, self.alerts_per_10000_windows)
        self.selection()

    def starts_from(self) -> str | Path | None:
        """The folder of a pretrained encoder, or its name on the hub; None starts from scratch."""
        needs_one = preset_named(self.preset).encoder is None
        return DEFAULT_PRETRAINED if needs_one and self.pretrained is None else self.pretrained

    def selection(self) -> Selection:
        """What to read."""
        return Selection(self.inputs, self.max_files, KeySample(self.sample_ratio))

    def of(self, material: Material) -> "TrainingRequest":
        """The request with what preprocessed logs decided."""
        rule = replace(self.rule, session_gap_ms=material.session_gap_ms)
        return replace(self, key=material.key, rule=rule, sample_ratio=material.sample.ratio)

    def to_json(self) -> dict[str, Any]:
        """The settings that the artefact remembers; no paths of this machine."""
        pretrained = self.starts_from()
        return {
            "preset": self.preset,
            "key": self.key.to_json(),
            "rekey": self.rekey,
            "layers": self.layers,
            "seed": self.seed,
            "epochs": self.epochs,
            "max_seconds": None if isinf(self.max_seconds) else self.max_seconds,
            "held_out_share": self.held_out_share,
            "alerts_per_10000_windows": self.alerts_per_10000_windows,
            "pretrained": name_of_pretrained(pretrained) if pretrained else None,
            "sample_ratio": self.sample_ratio,
        }
