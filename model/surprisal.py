"""Surprisals: how unlikely the network finds each event of a window, given the rest of it.

Every position is masked once, in ``MASK_PASSES`` passes over the window: pass k hides the positions k, k + K, k + 2K
and so on, so that the neighbours of a hidden event stay visible. A window with more tokens than the network reads at
once is read in stretches that overlap; of a position that two of them read, the answer of the one counts in which it
has neighbours on both sides. No chance is involved: a window has one answer.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from model.network import MaskedEventBert
from model.vocabulary import MASK, PAD

__all__ = ["MASK_PASSES", "masked_passes", "prediction_at", "predictions", "surprisals", "tokens_read"]

#: How many disjoint masks cover a window (K).
MASK_PASSES = 4
#: A batch holds at most about this many token positions, passes included: small enough for a laptop's cache.
_BATCH_TOKENS = 16_384
#: Tokens on either side of a position that stretches leave it, where the window has them.
_CONTEXT = 16


class _Stretch(NamedTuple):
    """A window's tokens from ``begin`` to before ``end``, read for the positions from ``first`` to before ``last``."""

    window: int
    begin: int
    end: int
    first: int
    last: int


def surprisals(network: MaskedEventBert, windows: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """Score every token of every window.

    Args:
        network: In evaluation mode.
        windows: Tokens, oldest first.

    Returns:
        For each window, in the given order, its tokens' negative log-likelihoods in nats.
    """
    stretches = [
        stretch
        for number, window in enumerate(windows)
        for stretch in _stretches(number, len(window), network.config.longest)
    ]
    rows = _surprisals(network, [windows[each.window][each.begin : each.end] for each in stretches])
    result: list[list[float]] = [[] for _ in windows]
    for each, row in zip(stretches, rows, strict=True):
        result[each.window] += row[each.first - each.begin : each.last - each.begin]
    return result


def tokens_read(length: int, longest: int) -> int:
    """How many tokens a window of a length costs to read, all passes and overlaps included."""
    return MASK_PASSES * sum(each.end - each.begin for each in _stretches(0, length, longest))


def predictions(network: MaskedEventBert, window: tuple[int, ...]) -> Tensor:
    """What the network expects at each position of one window: log-probabilities, (length, tokens)."""
    parts = []
    for each in _stretches(0, len(window), network.config.longest):
        tokens, hidden = masked_passes(torch.tensor([window[each.begin : each.end]]))
        with torch.inference_mode():
            log_probabilities: Tensor = network(tokens, hidden)  # (L, V), by pass and then by position
        order = hidden.nonzero()[:, 1].argsort()
        parts.append(log_probabilities[order][each.first - each.begin : each.last - each.begin])
    return torch.cat(parts)


def prediction_at(network: MaskedEventBert, window: tuple[int, ...], position: int) -> Tensor:
    """One row of ``predictions``, (tokens,), from the one pass that hides its position."""
    [stretch] = [
        each for each in _stretches(0, len(window), network.config.longest) if each.first <= position < each.last
    ]
    tokens, hidden = masked_passes(torch.tensor([window[stretch.begin : stretch.end]]))
    place = position - stretch.begin
    phase = place % MASK_PASSES
    wanted = torch.zeros_like(hidden[phase : phase + 1])
    wanted[0, place] = True
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


def _stretches(number: int, length: int, longest: int) -> Iterator[_Stretch]:
    """Lay stretches of at most ``longest`` tokens over a window, all of the same length; one where it is short."""
    if length <= longest:
        yield _Stretch(number, 0, length, 0, length)
        return
    first = 0
    for begin in (*range(0, length - longest, longest - 2 * _CONTEXT), length - longest):
        end = begin + longest
        last = length if end == length else end - _CONTEXT
        yield _Stretch(number, begin, end, first, last)
        first = last


def _surprisals(network: MaskedEventBert, windows: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """As ``surprisals``, for windows that the network reads at once."""
    result: list[list[float]] = [[] for _ in windows]
    for batch in _batches(windows):
        values = _score_batch(network, [windows[i] for i in batch])
        for i, row in zip(batch, values, strict=True):
            result[i] = row
    return result


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
