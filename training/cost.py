"""What a training costs in time and memory: an estimate from its first steps, and the fact after the last."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

__all__ = ["MEASURED_STEPS", "Cost", "Pace", "parameter_count", "peak_memory_bytes", "reset_peak_memory"]

#: So many steps are measured before anything is said: after them the optimiser has all its memory, too.
MEASURED_STEPS = 10
#: Forward and backward pass cost about three times the forward pass, which alone is what a look needs.
_STEP_TO_LOOK = 3.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall-clock time, and the most memory that was used at once."""

    seconds: float
    memory_bytes: int

    def __str__(self) -> str:
        return f"{_in_words(self.seconds)} and {self.memory_bytes / 1e9:.1f} GB of memory"


class Pace:
    """How long the first steps take."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._tokens = 0
        self.steps = 0

    @contextmanager
    def step(self, tokens: int) -> Iterator[None]:
        """Measure the step within, which reads so many tokens; the very first one, which warms up, does not count."""
        start = time.monotonic()
        yield
        self.steps += 1
        if self.steps > 1:
            self._seconds += time.monotonic() - start
            self._tokens += tokens

    def seconds_for(self, steps: int, looked_at_tokens: int) -> float:
        """What so many steps take, and looks at so many held-out tokens in all, masked passes included."""
        per_step = self._seconds / max(1, self.steps - 1)
        per_token = self._seconds / max(1, self._tokens)
        return steps * per_step + looked_at_tokens * per_token / _STEP_TO_LOOK


def parameter_count(network: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def reset_peak_memory(device: torch.device) -> None:
    """Forget what earlier trainings used, where the device can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory used at once: on a CUDA device by tensors, else by the process since it began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts bytes, Linux KiB


def _in_words(seconds: float) -> str:
    if seconds < 100:  # noqa: PLR2004 -- below it, minutes would be too coarse
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
