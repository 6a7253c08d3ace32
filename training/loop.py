"""The training loop: guess hidden events, compare, step; stop when held-out windows stop getting easier."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.network import MaskedEventBert
from model.surprisal import MASK_PASSES, surprisals
from model.vocabulary import MASK, NOVEL, PAD
from training.progress import Progress

__all__ = ["History", "LoopPlan", "WeightedWindows", "fit"]

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps at most.
        batch_windows: Windows a step.
        learning_rate: Its peak, after the warm-up.
        max_seconds: Wall-clock bound; the learning rate falls to zero by then.
        evaluate_every: Steps between two looks at the held-out windows.
        patience: Stop after this many looks without a better held-out loss.
        seed: Of the order of windows and of the masks.
    """

    steps: int = 1500
    batch_windows: int = 64
    learning_rate: float = 1e-3
    max_seconds: float = math.inf
    evaluate_every: int = 100
    patience: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class WeightedWindows:
    """Distinct windows and how often each occurred."""

    windows: Sequence[Tokens]
    counts: Sequence[int]


@dataclass(slots=True)
class History:
    """The losses of one training, nats an event.

    Attributes:
        training: (step, loss of the batches since the last look).
        held_out: (step, loss of the held-out windows).
        best_step: Where the kept weights come from.
        seconds: Wall-clock time.
    """

    training: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    seconds: float = 0.0

    @property
    def best_loss(self) -> float:
        """The lowest held-out loss; infinity before the first look."""
        return min((loss for _, loss in self.held_out), default=math.inf)


def fit(
    network: MaskedEventBert, training: WeightedWindows, held_out: WeightedWindows, plan: LoopPlan, progress: Progress
) -> History:
    """Train the network in place and leave it, in evaluation mode, with its best weights.

    Args:
        network: Trained from whatever weights it has.
        training: What to learn from.
        held_out: What to judge by; other sessions than ``training``'s.
        plan: How long and how fast.
        progress: Told after every step.

    Returns:
        The losses.
    """
    run = _Run(network, training, held_out, plan)
    progress.begin("training", plan.steps)
    while run.wants_more():
        run.step_once()
        progress.advance(1, run.facts())
    run.finish()
    progress.end()
    return run.history


class _Run:
    """One training under way."""

    def __init__(
        self, network: MaskedEventBert, training: WeightedWindows, held_out: WeightedWindows, plan: LoopPlan
    ) -> None:
        self.network, self.held_out, self.plan = network, held_out, plan
        self.history = History()
        self.step = 0
        self._start = time.monotonic()
        self._since_look: list[float] = []
        self._looks_without_gain = 0
        self._best = _copy_of(network)
        self._batches = _BatchSource(training, plan)
        self._generator = torch.Generator().manual_seed(plan.seed)
        decay, plain = _parameter_groups(network)
        self._optimiser = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=plan.learning_rate
        )
        network.train()

    def wants_more(self) -> bool:
        return self.share_done() < 1 and self._looks_without_gain < self.plan.patience

    def share_done(self) -> float:
        """How much of the allowed steps or seconds is used, whichever is more."""
        return max(self.step / self.plan.steps, (time.monotonic() - self._start) / self.plan.max_seconds)

    def step_once(self) -> None:
        rate = self.plan.learning_rate * _rate_share(self.step, self.share_done())
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        masked, hidden, originals = mask_for_training(self._batches.draw(), self._generator)
        loss = nn.functional.nll_loss(self.network(masked, hidden), originals)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        self._since_look.append(loss.item())
        self.step += 1
        if self.step % self.plan.evaluate_every == 0:
            self._look()

    def _look(self) -> None:
        """Judge the network on the held-out windows; keep its weights if they are the best so far."""
        self.network.eval()
        loss = held_out_loss(self.network, self.held_out)
        self.network.train()
        better = loss < self.history.best_loss
        self.history.training.append((self.step, sum(self._since_look) / max(1, len(self._since_look))))
        self.history.held_out.append((self.step, loss))
        self._since_look.clear()
        self._looks_without_gain = 0 if better else self._looks_without_gain + 1
        if better:
            self.history.best_step = self.step
            self._best = _copy_of(self.network)

    def facts(self) -> dict[str, float]:
        """The newest losses, for the progress bar."""
        facts = {"loss": self._since_look[-1]} if self._since_look else {}
        if self.history.held_out:
            facts["held-out loss"] = self.history.held_out[-1][1]
        return facts

    def finish(self) -> None:
        """Put the best weights back."""
        if self._since_look:
            self._look()
        self.network.load_state_dict(self._best)
        self.network.eval()
        self.history.seconds = time.monotonic() - self._start


class _BatchSource:
    """Draws batches of windows of like length.

    A window is drawn in proportion to the square root of how often it occurred: the usual ones still come most, and
    the rare normal ones, where false alarms come from, are not drowned.
    """

    def __init__(self, training: WeightedWindows, plan: LoopPlan) -> None:
        self._random = np.random.default_rng(plan.seed)
        self._windows = training.windows
        weights = np.sqrt(np.asarray(training.counts, dtype=np.float64))
        self._shares = weights / weights.sum()
        self._size = plan.batch_windows
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


#: Share of the windows that get one of the fixed masks of scoring; the others get random ones, which teach more.
_FIXED_SHARE = 0.5
#: Share of visible events that training shows as NOVEL, so that serving may meet one without losing its head.
_NOVEL_SHARE = 0.01


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


def held_out_loss(network: MaskedEventBert, held_out: WeightedWindows) -> float:
    """Mean surprisal of an event, nats, each window counted as often as it occurred."""
    values = surprisals(network, held_out.windows)
    total = sum(count * sum(row) for count, row in zip(held_out.counts, values, strict=True))
    events = sum(count * len(row) for count, row in zip(held_out.counts, values, strict=True))
    return total / max(1, events)


def _rate_share(step: int, share_done: float, warm_up: int = 50) -> float:
    """Linear warm-up, then a half cosine down to zero."""
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * min(1.0, share_done)))


def _parameter_groups(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices, which weight decay keeps small, and vectors (biases, norms), which it must not touch."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    return [p for p in parameters if p.dim() > 1], [p for p in parameters if p.dim() <= 1]


def _copy_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
