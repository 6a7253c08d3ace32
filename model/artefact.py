"""A trained model as one value, and as a folder that is written whole and checked when it is read.

The folder holds tensors as safetensors and everything else as JSON::

    manifest.json         names, sizes and SHA-256 of all other files; the model's version
    weights.safetensors   the network
    familiar.safetensors  count vectors of training windows
    network.json          architecture
    vocabulary.json       event IDs in token order
    templates.json        templates, for matching and for explanations
    scoring.json          calibration, combination, threshold
    settings.json         line format, window rule, training settings, data fingerprint
    README.md, *.png      the model card, for people

Nothing in it is executed: there is no pickle.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from model.artefact_folder import read_folder, write_folder
from model.calibration import Calibration
from model.content import WindowContent
from model.errors import ModelError
from model.events.templates import Templates
from model.evidence import Combination
from model.familiarity import Familiar
from model.lines.formats import LineFormat
from model.network import MaskedEventBert, NetworkConfig
from model.vocabulary import NOVEL, Vocabulary

__all__ = ["Artefact", "WindowNumbers"]

_WEIGHTS = "weights.safetensors"
_FAMILIAR = "familiar.safetensors"
_JSON_FILES = ("network.json", "vocabulary.json", "templates.json", "scoring.json", "settings.json")
_VERSION_DIGITS = 16


@dataclass(frozen=True, slots=True)
class WindowNumbers:
    """The window rule of training as plain numbers: events, events, milliseconds."""

    size: int
    hop: int
    session_gap_ms: int


@dataclass(frozen=True)
class Artefact:
    """A trained model with all that serving needs.

    Attributes:
        line_format: How the log lines of training were written.
        templates: What their messages matched.
        vocabulary: Event IDs and tokens.
        network_config: The network's architecture.
        weights: The network's tensors by name.
        familiar: Count vectors of training windows.
        combination: How evidence becomes a score.
        calibration: Scores of held-out normal windows.
        threshold: Where to alert unless a setting says otherwise, nats.
        marks: Whether starts and ends of sessions count; training had too few of them where they do not.
        rule: How training cut its windows.
        settings: How it was trained: preset, seed, key, budget and so on; JSON values only.
        fingerprint: What it was trained on: files, lines, sessions, a hash of the events; JSON values only.
        created: When, ISO 8601, UTC; not part of the version.
    """

    line_format: LineFormat
    templates: Templates
    vocabulary: Vocabulary
    network_config: NetworkConfig
    weights: Mapping[str, Tensor]
    familiar: Familiar
    combination: Combination
    calibration: Calibration
    threshold: float
    rule: WindowNumbers
    settings: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    marks: bool = True

    @cached_property
    def version(self) -> str:
        """A hash of everything that can change a score or an explanation, 16 hex digits."""
        return _version_of(self._files())

    def network(self) -> MaskedEventBert:
        """Build the network with its weights, in evaluation mode.

        Raises:
            ModelError: Weights and architecture do not fit, or what it says is no number.
        """
        if self.network_config.tokens != len(self.vocabulary):
            raise ModelError(
                f"the network knows {self.network_config.tokens} tokens and the vocabulary {len(self.vocabulary)}; "
                "they are of two trainings. Train the model again."
            )
        with torch.device("meta"):  # takes no memory, whatever sizes network.json names
            _check_shapes(MaskedEventBert(self.network_config), self.weights)
        network = MaskedEventBert(self.network_config)
        network.load_state_dict(dict(self.weights))
        network.eval()
        _check_speaks(network)
        return network

    def seen(self, window: WindowContent) -> WindowContent:
        """What the model sees of a window."""
        return window if self.marks else window.without_marks()

    def save(self, folder: Path, extras: Mapping[str, bytes] | None = None) -> None:
        """Write the artefact, whole or not at all.

        Args:
            folder: Made anew, or replaced if it holds an artefact.
            extras: Files for people by name: the model card and its pictures.

        Raises:
            ModelError: The folder holds something else, or cannot be written.
        """
        files = self._files()
        about = {"version": _version_of(files), "created": self.created}
        write_folder(folder, {**files, **(extras or {})}, about)

    @classmethod
    def load(cls, folder: Path) -> "Artefact":
        """Read and check a folder that ``save`` wrote.

        Raises:
            ModelError: A file is missing, truncated, altered, unreadable or points outside the folder.
        """
        files, about = read_folder(folder, required=(_WEIGHTS, _FAMILIAR, *_JSON_FILES))
        values = {name: _parsed(files[name], folder / name) for name in _JSON_FILES}
        try:
            artefact = cls._assemble(values, files, str(about.get("created", "")), folder)
            version = artefact.version
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            raise ModelError(
                f"the artefact {folder} lacks or mistypes the field {exc}; train the model again."
            ) from exc
        if version != about.get("version"):
            raise ModelError(f"the artefact {folder} is not of the version its manifest names; copy or train it again.")
        return artefact

    @classmethod
    def _assemble(cls, values: Mapping[str, Any], files: Mapping[str, bytes], created: str, folder: Path) -> "Artefact":
        scoring, settings = values["scoring.json"], values["settings.json"]
        return cls(
            line_format=LineFormat.from_json(settings["line_format"]),
            templates=Templates.from_json(values["templates.json"]),
            vocabulary=Vocabulary(tuple(bytes.fromhex(event) for event in values["vocabulary.json"])),
            network_config=NetworkConfig.from_json(values["network.json"]),
            weights=_tensors(files[_WEIGHTS], folder / _WEIGHTS),
            familiar=Familiar.from_arrays(
                {name: tensor.numpy() for name, tensor in _tensors(files[_FAMILIAR], folder / _FAMILIAR).items()},
                {bytes.fromhex(event): int(count) for event, count in scoring["most_in_window"].items()},
            ),
            combination=Combination.from_json(scoring["combination"]),
            calibration=Calibration.from_json(scoring["calibration"]),
            threshold=float(scoring["threshold"]),
            marks=bool(scoring["marks"]),
            rule=WindowNumbers(**settings["rule"]),
            settings=settings["training"],
            fingerprint=settings["fingerprint"],
            created=created,
        )

    def _files(self) -> dict[str, bytes]:
        """The files that make the model, by name; the same model gives the same bytes."""
        values = {
            "network.json": self.network_config.to_json(),
            "vocabulary.json": [event.hex() for event in self.vocabulary.events],
            "templates.json": self.templates.to_json(),
            "scoring.json": {
                "combination": self.combination.to_json(),
                "calibration": self.calibration.to_json(),
                "threshold": self.threshold,
                "marks": self.marks,
                "most_in_window": {event.hex(): count for event, count in self.familiar.most_in_window.items()},
            },
            "settings.json": {
                "line_format": self.line_format.to_json(),
                "rule": asdict(self.rule),
                "training": dict(self.settings),
                "fingerprint": dict(self.fingerprint),
            },
        }
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        files = {name: orjson.dumps(value, option=options) for name, value in values.items()}
        files[_WEIGHTS] = safetensors.torch.save({name: t.contiguous() for name, t in sorted(self.weights.items())})
        arrays = self.familiar.to_arrays()
        files[_FAMILIAR] = safetensors.torch.save({name: torch.from_numpy(array) for name, array in arrays.items()})
        return files


def _version_of(files: Mapping[str, bytes]) -> str:
    digest = sha256()
    for name in sorted((_WEIGHTS, _FAMILIAR, *_JSON_FILES)):
        digest.update(sha256(files[name]).digest())
    return digest.hexdigest()[:_VERSION_DIGITS]


def _check_shapes(planned: MaskedEventBert, weights: Mapping[str, Tensor]) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in planned.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ModelError(
                f"{_WEIGHTS} does not fit network.json: {name} is {found.get(name, 'not there')} and should be "
                f"{wanted.get(name, 'not there')}; copy or train the model again."
            )


def _check_speaks(network: MaskedEventBert) -> None:
    """Let the network predict once: a model whose scores are no numbers would never alert."""
    tokens = torch.full((1, 3), NOVEL)
    try:
        with torch.inference_mode():
            said = network(tokens, tokens == NOVEL)  # (3, V)
    except RuntimeError as exc:
        raise ModelError(f"the network of {_WEIGHTS} and network.json cannot be run: {exc}") from exc
    if said.isnan().any() or not all(weight.isfinite().all() for weight in network.parameters()):
        raise ModelError(f"{_WEIGHTS} or network.json holds what is no number; copy or train the model again.")


def _parsed(content: bytes, path: Path) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise ModelError(f"{path} is not JSON ({exc}); copy or train the model again.") from exc


def _tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(content)
    except (SafetensorError, ValueError) as exc:
        raise ModelError(f"{path} is not a safetensors file ({exc}); copy or train the model again.") from exc
