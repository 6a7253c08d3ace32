"""What a training runs on: a device, the precision that it can, and the processes that train together."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from model.errors import ConfigurationError

__all__ = ["DEVICES", "Machine", "is_main_process", "machine_of"]

#: Kinds of devices, in the order in which they are preferred where none is named.
DEVICES = ("cuda", "mps", "cpu")
#: Of a number that a launcher tells.
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Machine:
    """One process of a training; most trainings have one.

    Attributes:
        device: Where the network is while it learns.
        half: Type of the numbers where half precision is enough; None computes all in float32.
        rank: Which process this is, from 0.
        processes: How many train together: each learns from batches of its own, and all take the same steps.
    """

    device: torch.device = torch.device("cpu")  # noqa: RUF009 -- it does not change
    half: torch.dtype | None = None
    rank: int = 0
    processes: int = 1

    @property
    def main(self) -> bool:
        """Whether this process is the one that decides, speaks and writes."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[None]:
        """Compute in half precision within, where that is set."""
        return torch.autocast(self.device.type, self.half, enabled=self.half is not None)

    def joined(self, network: nn.Module) -> nn.Module:
        """The network, with gradients that are the mean over all processes; they begin with the main one's weights."""
        if self.processes == 1:
            return network
        # An encoder's own word table takes no part: events have a table of their own.
        return DistributedDataParallel(network, find_unused_parameters=True, broadcast_buffers=False)

    def agreed(self, value: float) -> float:
        """The main process's value, in all: what is decided by clocks or rounding must be decided once."""
        if self.processes == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float32 if self.device.type == "mps" else torch.float64)
        shared = shared.to(self.device)
        distributed.broadcast(shared, src=0)
        return float(shared.item())


@contextmanager
def machine_of(device: str | None, *, half_precision: bool) -> Iterator[Machine]:
    """Join the processes that a launcher started, if one did, and choose the device.

    Args:
        device: One of ``DEVICES``; None takes the first of them that is there.
        half_precision: Whether to compute in bfloat16 where the GPU can; other devices keep to float32.

    Raises:
        ConfigurationError: The device is unknown, or not there; or the launcher's numbers do not fit together.
    """
    kind = _kind_of(device)
    processes, rank = _from_launcher("WORLD_SIZE", 1), _from_launcher("RANK", 0)
    if rank >= processes:
        raise ConfigurationError(
            f"the environment says RANK={rank} and WORLD_SIZE={processes}; a launcher sets both, and the first is less "
            "than the second. Unset both to train in one process."
        )
    chosen = torch.device(kind, _from_launcher("LOCAL_RANK", 0)) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(chosen)
    can_half = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    machine = Machine(chosen, torch.bfloat16 if half_precision and can_half else None, rank, processes)
    if processes == 1:
        yield machine
        return
    distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield machine
    finally:
        distributed.destroy_process_group()


def is_main_process() -> bool:
    """Whether this process is alone, or the first of those that a launcher started."""
    return _from_launcher("RANK", 0) == 0


def _from_launcher(name: str, default: int) -> int:
    """A number that ``accelerate launch`` and ``torchrun`` tell the processes they start; by environment alone."""
    text = os.environ.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise ConfigurationError(
            f"the environment says {name}={text!r}; a launcher sets it to a whole number. Unset it to train in one "
            "process."
        )
    return int(text)


def _kind_of(device: str | None) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device is None:
        return next(kind for kind in DEVICES if there[kind])
    if not there.get(device, False):
        usable = ", ".join(kind for kind in DEVICES if there[kind])
        raise ConfigurationError(
            f"device is {device!r}; torch can use here: {usable}. Leave --device out to take the first of them."
        )
    return device
