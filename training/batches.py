"""Batches of windows to learn from, with some of their events hidden."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.content import WindowContent
from model.network import MAX_TOKENS
from model.surprisal import MASK_PASSES
from model.vocabulary import MASK, NOVEL, PAD, Vocabulary

__all__ = ["BatchSource", "WeightedWindows", "mask_for_training", "stretches"]

#: Share of the windows that get one of the fixed masks of scoring; the others get random ones, which teach more.
_FIXED_SHARE = 0.5
#: Share of visible events that training shows as NOVEL, so that serving may meet one without losing its head.
_NOVEL_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class WeightedWindows:
    """Distinct windows and how often each occurred."""

    windows: Sequence[tuple[int, ...]]
    counts: Sequence[int]

    @classmethod
    def of(cls, windows: Mapping[WindowContent, int], vocabulary: Vocabulary) -> "WeightedWindows":
        """The tokens of windows, given with how often each occurred."""
        return cls([vocabulary.encode(window) for window in windows], list(windows.values()))


def stretches(window: tuple[int, ...], longest: int) -> float:
    """How many stretches of ``longest`` tokens a window has; a shorter one is one."""
    return max(1.0, len(window) / longest)


class BatchSource:
    """Draws batches of windows of like length.

    A window is drawn in proportion to the square root of how often it occurred: the usual ones still come most, and
    the rare normal ones, where false alarms come from, are not drowned. Of a window with more than ``longest`` tokens
    comes a stretch of so many, where chance cuts it; the longer the window, the more often.
    """

    def __init__(self, training: WeightedWindows, batch_windows: int, seed: int, longest: int = MAX_TOKENS) -> None:
        self._random = np.random.default_rng(seed)
        self._windows = training.windows
        self._longest = longest
        weights = np.sqrt(np.asarray(training.counts, dtype=np.float64))
        weights *= [stretches(window, longest) for window in self._windows]
        self._shares = weights / weights.sum()
        self._size = batch_windows
        self._waiting: list[NDArray[np.int64]] = []

    def draw(self) -> Tensor:
        """The next batch, (batch, length) int64, padded."""
        if not self._waiting:
            self._waiting = self._draw_many(8)
        rows = [self._stretch(self._windows[i]) for i in self._waiting.pop()]
        length = max(map(len, rows))
        return torch.tensor([(*row, *[PAD] * (length - len(row))) for row in rows])

    def _stretch(self, window: tuple[int, ...]) -> tuple[int, ...]:
        """The window, or a stretch of it; one that would reach past an end is moved back: else ends came rarely."""
        room = len(window) - self._longest
        if room <= 0:
            return window
        begin = min(max(int(self._random.integers(-self._longest // 2, room + self._longest // 2)), 0), room)
        return window[begin : begin + self._longest]

    def _draw_many(self, batches: int) -> list[NDArray[np.int64]]:
        chosen = self._random.choice(len(self._windows), size=batches * self._size, p=self._shares)
        chosen = np.asarray(sorted(chosen, key=lambda i: len(self._windows[i])))
        parts = np.array_split(chosen, batches)
        self._random.shuffle(parts)
        return parts

    def begin_anew(self, seed: int) -> None:
        """Draw from now on as a new source with this seed does."""
        self._random = np.random.default_rng(seed)
        self._waiting = []

    def state(self) -> dict[str, Any]:
        """What is to come, as JSON values; integers have more than 64 bits."""
        return {"random": self._random.bit_generator.state, "waiting": [batch.tolist() for batch in self._waiting]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on as the source did that ``state`` was asked of."""
        self._random.bit_generator.state = state["random"]
        self._waiting = [np.asarray(batch, np.int64) for batch in state["waiting"]]


def mask_for_training(tokens: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Hide some events of a batch.

    Args:
        tokens: (batch, length) int64, padded.
        generator: The source of chance.

    Returns:
        The tokens with some masked and a few novel, (batch, length); where they are masked, (batch, length) bool;
        and the hidden originals, (masked,).
    """
    batch, length = tokens.shape
    phase = torch.randint(MASK_PASSES, (batch, 1), generator=generator)
    fixed = torch.arange(length)[None] % MASK_PASSES == phase  # (B, T)
    ratio = 0.1 + 0.4 * torch.rand(batch, 1, generator=generator)
    random = torch.rand(batch, length, generator=generator) < ratio  # (B, T)
    use_fixed = torch.rand(batch, 1, generator=generator) < _FIXED_SHARE
    hidden = torch.where(use_fixed, fixed, random) & (tokens != PAD)
    hidden[0, 0] = True  # at least one, or there is no loss
    novel = (torch.rand(batch, length, generator=generator) < _NOVEL_SHARE) & (tokens > NOVEL)
    shown = tokens.masked_fill(novel, NOVEL).masked_fill(hidden, MASK)
    return shown, hidden, tokens[hidden]
