"""Batches of windows to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.vocabulary import PAD

__all__ = ["BatchSource", "WeightedWindows"]


@dataclass(frozen=True, slots=True)
class WeightedWindows:
    """Distinct windows and how often each occurred."""

    windows: Sequence[tuple[int, ...]]
    counts: Sequence[int]


class BatchSource:
    """Draws batches of windows of like length.

    A window is drawn in proportion to the square root of how often it occurred: the usual ones still come most, and
    the rare normal ones, where false alarms come from, are not drowned.
    """

    def __init__(self, training: WeightedWindows, batch_windows: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._windows = training.windows
        weights = np.sqrt(np.asarray(training.counts, dtype=np.float64))
        self._shares = weights / weights.sum()
        self._size = batch_windows
        self._waiting: list[NDArray[np.int64]] = []

    def draw(self) -> Tensor:
        """The next batch, (batch, length) int64, padded."""
        if not self._waiting:
            self._waiting = self._draw_many(8)
        rows = [self._windows[i] for i in self._waiting.pop()]
        length = max(map(len, rows))
        return torch.tensor([(*row, *[PAD] * (length - len(row))) for row in rows])

    def _draw_many(self, batches: int) -> list[NDArray[np.int64]]:
        chosen = self._random.choice(len(self._windows), size=batches * self._size, p=self._shares)
        chosen = np.asarray(sorted(chosen, key=lambda i: len(self._windows[i])))
        parts = np.array_split(chosen, batches)
        self._random.shuffle(parts)
        return parts

    def state(self) -> dict[str, Any]:
        """What is to come, as JSON values; integers have more than 64 bits."""
        return {"random": self._random.bit_generator.state, "waiting": [batch.tolist() for batch in self._waiting]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as the source did that ``state`` was asked of."""
        self._random.bit_generator.state = state["random"]
        self._waiting = [np.asarray(batch, np.int64) for batch in state["waiting"]]
