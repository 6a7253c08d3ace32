"""The training loop: guess hidden events, compare, step; stop when held-out windows stop getting easier."""

import math
import time
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn

from model.network import MAX_TOKENS, MaskedEventBert
from model.surprisal import surprisals, tokens_read
from training.batches import BatchSource, WeightedWindows, mask_for_training
from training.checkpoint import Checkpoint, TrainingState
from training.cost import MEASURED_STEPS, Cost, Pace, parameter_count, peak_memory_bytes, reset_peak_memory
from training.machine import Machine
from training.progress import Progress

__all__ = ["History", "LoopPlan", "fit"]


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps at most.
        batch_windows: Windows, or stretches of them, a step.
        longest: Tokens; of a longer window a step learns from a stretch of so many.
        learning_rate: Its peak, after the warm-up.
        max_seconds: Wall-clock bound; the learning rate falls to zero by then.
        evaluate_every: Steps between two looks at the held-out windows.
        patience: Stop after this many looks without a better held-out loss.
        seed: Of the order of windows and of the masks.
        checkpoint: Where to keep how far it is, at each look; None keeps nothing.
        machine: What it runs on. Of several processes, each learns from ``batch_windows`` of its own a step.
    """

    steps: int = 1500
    batch_windows: int = 64
    longest: int = MAX_TOKENS
    learning_rate: float = 1e-3
    max_seconds: float = math.inf
    evaluate_every: int = 100
    patience: int = 5
    seed: int = 0
    checkpoint: Checkpoint | None = None
    machine: Machine = Machine()  # noqa: RUF009 -- frozen, so one for all does no harm


@dataclass(slots=True)
class History:
    """The losses of one training, nats an event.

    Attributes:
        training: (step, loss of the batches since the last look).
        held_out: (step, loss of the held-out windows).
        best_step: Where the kept weights come from.
        seconds: Wall-clock time.
        parameters: How many numbers were learnt.
        estimate: What it would cost at most, as the first steps told; None where it ended before.
        fact: What it cost; None before its end.
        further: Networks that were trained beside this one, to judge what it learnt from.
    """

    training: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    seconds: float = 0.0
    parameters: int = 0
    estimate: Cost | None = None
    fact: Cost | None = None
    further: int = 0

    @property
    def best_loss(self) -> float:
        """The lowest held-out loss; infinity before the first look."""
        return min((loss for _, loss in self.held_out), default=math.inf)


def fit(
    network: MaskedEventBert, training: WeightedWindows, held_out: WeightedWindows, plan: LoopPlan, progress: Progress
) -> History:
    """Train the network in place and leave it, on the CPU and in evaluation mode, with its best weights.

    Args:
        network: Trained from whatever weights it has.
        training: What to learn from.
        held_out: What to judge by; other sessions than ``training``'s.
        plan: How long and how fast.
        progress: Told after every step.

    Returns:
        The losses.

    Raises:
        ConfigurationError, ModelError: The checkpoint cannot be written, or not be gone on from.
    """
    run = _Run(network, training, held_out, plan)
    progress.begin("training", plan.steps)
    run.go_on(progress)
    while run.wants_more():
        run.step_once()
        progress.advance(1, run.facts())
        if run.is_measured():
            progress.note(run.estimate())
    run.finish()
    progress.end()
    progress.note(f"{run.step:,} steps took {run.history.fact}.")
    return run.history


class _Run:
    """One training under way."""

    def __init__(
        self, network: MaskedEventBert, training: WeightedWindows, held_out: WeightedWindows, plan: LoopPlan
    ) -> None:
        self.network, self.held_out, self.plan = network.to(plan.machine.device), held_out, plan
        self._machine = plan.machine
        self._joined = plan.machine.joined(network)
        self.history = History(parameters=parameter_count(network))
        self.step = 0
        self._pace = Pace()
        self._start = time.monotonic()
        self._since_look: list[float] = []
        self._looks_without_gain = 0
        self._best = _copy_of(network)
        own_seed = _own_seed(plan)
        self._batches = BatchSource(training, plan.batch_windows, own_seed, plan.longest)
        self._unit = "stretches of windows" if max(map(len, training.windows)) > plan.longest else "windows"
        self._generator = torch.Generator().manual_seed(own_seed)
        if not plan.machine.main:
            torch.manual_seed(own_seed)  # another dropout in each process
        decay, plain = _parameter_groups(network)
        self._optimiser = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=plan.learning_rate
        )
        self._share_done = 0.0
        reset_peak_memory(plan.machine.device)
        network.train()

    def wants_more(self) -> bool:
        """Ask before each step: how much of the allowed steps or seconds is used, whichever is more, is looked up."""
        seconds_share = (time.monotonic() - self._start) / self.plan.max_seconds
        self._share_done = self._machine.agreed(max(self.step / self.plan.steps, seconds_share))
        return self._share_done < 1 and self._looks_without_gain < self.plan.patience

    def step_once(self) -> None:
        rate = self.plan.learning_rate * _rate_share(self.step, self._share_done)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        batch = self._batches.draw()
        with self._pace.step(batch.numel()):
            self._since_look.append(self._learn_from(batch))
        self.step += 1
        if self.step % self.plan.evaluate_every == 0:
            self._look()
            if self.plan.checkpoint is not None and self._machine.main:
                self.plan.checkpoint.save(self._state())

    def _learn_from(self, batch: Tensor) -> float:
        """Take one step down the loss of a batch, (batch, length) int64; returns that loss."""
        masked, hidden, originals = (
            part.to(self._machine.device) for part in mask_for_training(batch, self._generator)
        )
        with self._machine.autocast():
            loss = nn.functional.nll_loss(self._joined(masked, hidden), originals)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        return loss.item()

    def is_measured(self) -> bool:
        """Whether the steps that an estimate needs have just been done."""
        return self._pace.steps == MEASURED_STEPS

    def estimate(self) -> str:
        """What the whole training costs at most, in a sentence."""
        tokens = sum(tokens_read(len(window), self.network.config.longest) for window in self.held_out.windows)
        steps_left = self.plan.steps - self.step
        seconds = self._pace.seconds_for(steps_left, tokens * (steps_left // self.plan.evaluate_every))
        total = min(time.monotonic() - self._start + seconds, self.plan.max_seconds)
        self.history.estimate = Cost(total, peak_memory_bytes(self._machine.device))
        return (
            f"{self.history.parameters / 1e6:.1f} million parameters, {self.plan.batch_windows} {self._unit} a step, "
            f"at most {self.plan.steps:,} steps: as the first {MEASURED_STEPS} went, at most {self.history.estimate}."
        )

    def go_on(self, progress: Progress) -> None:
        """Go on from the checkpoint, if that is wanted and there is one."""
        if self.plan.checkpoint is None or not self.plan.checkpoint.resume:
            return
        state = self.plan.checkpoint.load()
        if state is None:
            progress.note("there is no checkpoint to resume from, so the training begins anew.")
            return
        try:
            self._restore(state)
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as exc:
            raise self.plan.checkpoint.damaged(f"it does not fit the training: {exc}") from exc
        progress.note(f"the training goes on from step {self.step}.")
        progress.advance(self.step, self.facts())

    def _state(self) -> TrainingState:
        """All that the next steps depend on, between two looks."""
        optimiser = self._optimiser.state_dict()["state"]
        tensors = {
            **{f"network.{name}": value for name, value in self.network.state_dict().items()},
            **{f"best.{name}": value for name, value in self._best.items()},
            **{f"optimiser.{i}.{name}": value for i, values in optimiser.items() for name, value in values.items()},
            "chance.masks": self._generator.get_state(),
            "chance.dropout": torch.get_rng_state(),
        }
        if self._machine.device.type == "cuda":
            tensors["chance.dropout.cuda"] = torch.cuda.get_rng_state(self._machine.device)
        numbers = {
            "step": self.step,
            "looks_without_gain": self._looks_without_gain,
            "history": asdict(self.history) | {"seconds": time.monotonic() - self._start},
            "batches": self._batches.state(),
        }
        return TrainingState(tensors, numbers)

    def _restore(self, state: TrainingState) -> None:
        numbers = state.numbers
        self.step, self._looks_without_gain = numbers["step"], numbers["looks_without_gain"]
        losses = numbers["history"]
        self.history.training = [(step, loss) for step, loss in losses["training"]]
        self.history.held_out = [(step, loss) for step, loss in losses["held_out"]]
        self.history.best_step = losses["best_step"]
        self._start = time.monotonic() - losses["seconds"]
        self.network.load_state_dict(state.tensors_of("network"))
        self._best = {name: value.clone() for name, value in state.tensors_of("best").items()}
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": _by_parameter(state)})
        self._restore_chance(state)

    def _restore_chance(self, state: TrainingState) -> None:
        """Let the main process go on as it would have; the state of the others' chance is not kept, so it is new."""
        if not self._machine.main:
            self._batches.begin_anew(_own_seed(self.plan) + self.step)
            return
        self._batches.restore(state.numbers["batches"])
        self._generator.set_state(state.tensors["chance.masks"].clone())
        torch.set_rng_state(state.tensors["chance.dropout"].clone())
        if self._machine.device.type == "cuda" and "chance.dropout.cuda" in state.tensors:
            torch.cuda.set_rng_state(state.tensors["chance.dropout.cuda"].clone(), self._machine.device)

    def _look(self) -> None:
        """Judge the network on the held-out windows; keep its weights if they are the best so far."""
        self.network.eval()
        loss = self._machine.agreed(held_out_loss(self.network, self.held_out))
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
        self.network.cpu().eval()
        self.history.seconds = time.monotonic() - self._start
        self.history.fact = Cost(self.history.seconds, peak_memory_bytes(self._machine.device))


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


def _by_parameter(state: TrainingState) -> dict[int, dict[str, Tensor]]:
    """The optimiser's memory of each parameter, as its ``load_state_dict`` takes it."""
    found: dict[int, dict[str, Tensor]] = {}
    for name, value in state.tensors_of("optimiser").items():
        number, _, what = name.partition(".")
        found.setdefault(int(number), {})[what] = value.clone()
    return found


def _copy_of(network: nn.Module) -> dict[str, Tensor]:
    """Its weights, in the CPU's memory: a GPU's is the scarcer one."""
    return {name: value.detach().to("cpu", copy=True) for name, value in network.state_dict().items()}


def _own_seed(plan: LoopPlan) -> int:
    """The main process's is the plan's: a training of one process does not depend on there being others."""
    return plan.seed + 1_000_003 * plan.machine.rank
