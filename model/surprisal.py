"""Surprisals: how unlikely the network finds each event of a window, given the rest of it.

Every position is masked exactly once, in ``MASK_PASSES`` passes over the window: pass k hides the positions k, k + K,
k + 2K and so on, so that the neighbours of a hidden event stay visible. No chance is involved: a window has one answer.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from model.network import MaskedEventBert
from model.vocabulary import MASK, PAD

__all__ = ["MASK_PASSES", "masked_passes", "prediction_at", "predictions", "surprisals"]

#: How many disjoint masks cover a window (K).
MASK_PASSES = 4
#: A batch holds at most about this many token positions, passes included: small enough for a laptop's cache.
_BATCH_TOKENS = 16_384


def surprisals(network: MaskedEventBert, windows: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """Score every token of every window.

    Args:
        network: In evaluation mode.
        windows: Tokens, oldest first, one to ``MAX_TOKENS`` each.

    Returns:
        For each window, in the given order, its tokens' negative log-likelihoods in nats.
    """
    result: list[list[float]] = [[] for _ in windows]
    for batch in _batches(windows):
        values = _score_batch(network, [windows[i] for i in batch])
        for i, row in zip(batch, values, strict=True):
            result[i] = row
    return result


def predictions(network: MaskedEventBert, window: tuple[int, ...]) -> Tensor:
    """What the network expects at each position of one window: log-probabilities, (length, tokens)."""
    tokens, hidden = masked_passes(torch.tensor([window]))
    with torch.inference_mode():
        log_probabilities: Tensor = network(tokens, hidden)  # (L, V), by pass and then by position
    order = hidden.nonzero()[:, 1].argsort()
    return log_probabilities[order]


def prediction_at(network: MaskedEventBert, window: tuple[int, ...], position: int) -> Tensor:
    """One row of ``predictions``, (tokens,), from the one pass that hides its position."""
    tokens, hidden = masked_passes(torch.tensor([window]))
    phase = position % MASK_PASSES
    wanted = torch.zeros_like(hidden[phase : phase + 1])
    wanted[0, position] = True
    with torch.inference_mode():
        row: Tensor = network(tokens[phase : phase + 1], wanted)[0]  # (V,)
    return row


def masked_passes(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Lay the disjoint masks over windows.

    Args:
        tokens: (batch, length) int64, padded with ``PAD``.

    Returns:
        The masked tokens and where they are masked, both (batch * K, length), a window's passes side by side.
    """
    batch, length = tokens.shape
    phase = torch.arange(length) % MASK_PASSES  # (T,)
    hidden = phase == torch.arange(MASK_PASSES)[:, None]  # (K, T)
    hidden = hidden[None] & (tokens != PAD)[:, None]  # (B, K, T)
    masked = tokens[:, None].expand(batch, MASK_PASSES, length).masked_fill(hidden, MASK)  # (B, K, T)
    return masked.reshape(-1, length), hidden.reshape(-1, length)


def _batches(windows: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Indices of windows of like length, so that little is padded."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i]))
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * MASK_PASSES * len(windows[i]) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _score_batch(network: MaskedEventBert, windows: Sequence[tuple[int, ...]]) -> list[list[float]]:
    length = max(map(len, windows))
    tokens = torch.tensor([(*window, *[PAD] * (length - len(window))) for window in windows])  # (B, T)
    masked, hidden = masked_passes(tokens)
    device = network.unpredictable.device
    with torch.inference_mode():
        log_probabilities = network(masked.to(device), hidden.to(device)).cpu()  # (M, V)
    originals = tokens.repeat_interleave(MASK_PASSES, dim=0)[hidden]  # (M,)
    picked = log_probabilities.gather(1, originals[:, None])[:, 0]  # (M,)
    values = torch.zeros(hidden.shape).masked_scatter(hidden, -picked)  # (B * K, T), 0 where not masked
    per_window = values.view(len(windows), MASK_PASSES, length).sum(dim=1)  # (B, T): each position is masked once
    return [row[: len(window)] for row, window in zip(per_window.tolist(), windows, strict=True)]
