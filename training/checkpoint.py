"""How far a training is, on disk: one safetensors file, so that it can go on after an interruption.

Tensors are tensors and all else is JSON in the file's header; there is no pickle.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from model.errors import ConfigurationError, ModelError
from training.writing import written_whole

__all__ = ["Checkpoint", "TrainingState"]

_SCHEMA = "logscry.checkpoint/2"


@dataclass(frozen=True, slots=True)
class TrainingState:
    """A training between two steps.

    Attributes:
        tensors: By name.
        numbers: JSON values only; integers of any size.
    """

    tensors: Mapping[str, Tensor]
    numbers: Mapping[str, Any]

    def tensors_of(self, part: str) -> dict[str, Tensor]:
        """The tensors whose names begin with a part and a point, by the rest of their names."""
        return {name[len(part) + 1 :]: value for name, value in self.tensors.items() if name.startswith(f"{part}.")}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The file of one training.

    Attributes:
        path: The file; it is replaced each time, whole or not at all.
        training: A hash of all that decides the training's result: only the same training may go on.
        resume: Whether to go on from what the file holds.
    """

    path: Path
    training: str
    resume: bool = False

    @staticmethod
    def path_beside(output: Path) -> Path:
        """Where the training of an artefact folder keeps how far it is."""
        return output.parent / f".{output.name}.checkpoint.safetensors"

    def save(self, state: TrainingState) -> None:
        """Write how far the training is.

        Raises:
            ConfigurationError: It cannot be written.
        """
        tensors = {name: value.detach().contiguous() for name, value in state.tensors.items()}
        numbers = json.dumps(state.numbers)
        about = {"schema": _SCHEMA, "training": self.training, "numbers": numbers, "digest": _digest(tensors, numbers)}
        with written_whole(self.path) as file:
            file.write(safetensors.torch.save(tensors, about))

    def load(self) -> TrainingState | None:
        """Read how far the training was; None where there is nothing to go on from.

        Raises:
            ConfigurationError: The file is of another training.
            ModelError: It is damaged or of another version.
        """
        if not self.path.exists():
            return None
        if not self.path.is_file():
            raise self.damaged("it is no file")
        try:
            with safetensors.safe_open(self.path, framework="pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- it is no dictionary
            numbers = json.loads(about.get("numbers", "null"))
        except (OSError, SafetensorError, ValueError) as exc:
            raise self.damaged(str(exc)) from exc
        if about.get("schema") != _SCHEMA or not isinstance(numbers, dict):
            raise self.damaged(f"it is not of the schema {_SCHEMA}")
        if about.get("training") != self.training:
            raise ConfigurationError(
                f"the checkpoint {self.path} is of another training: of other logs, options or another version. Give "
                "those of that training again, or leave --resume out to begin anew."
            )
        if about.get("digest") != _digest(tensors, about["numbers"]):
            raise self.damaged("it was altered since it was written")
        return TrainingState(tensors, numbers)

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self.path.unlink(missing_ok=True)

    def damaged(self, what: str) -> ModelError:
        """The error that says what is wrong with the file, and what to do."""
        return ModelError(f"the checkpoint {self.path} cannot be read ({what}); leave --resume out to begin anew.")


def _digest(tensors: Mapping[str, Tensor], numbers: str) -> str:
    """A hash of all that a training goes on from."""
    digest = blake2b(numbers.encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
