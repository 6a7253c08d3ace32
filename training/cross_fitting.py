"""Where few sessions are held out: more networks, each with other sessions held out, so that all of them are judged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from model.network import MaskedEventBert
from model.vocabulary import Vocabulary
from training.batches import WeightedWindows
from training.loop import LoopPlan, fit
from training.progress import Progress, SilentProgress
from training.split import Split

__all__ = ["FEW_HELD_OUT", "cross_fitted"]

#: With fewer held-out sessions than this, the others are judged, too, by networks that did not learn from them.
FEW_HELD_OUT = 64


def cross_fitted(
    splits: Sequence[Split],
    vocabulary: Vocabulary,
    new_network: Callable[[], MaskedEventBert],
    plan: LoopPlan,
    progress: Progress,
) -> Iterator[tuple[MaskedEventBert, Split]]:
    """Train a network on each split; they are for judging its held-out sessions alone.

    Source: K-fold cross-validation (Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions", Journal
    of the Royal Statistical Society B, 1974).

    Args:
        splits: No two with a held-out session in common.
        vocabulary: Of all sessions.
        new_network: Makes one with nothing learnt yet.
        plan: How long and how fast each learns.
        progress: Told after each network.

    Yields:
        Networks with their splits.
    """
    progress.begin("cross-fitting", len(splits))
    for split in splits:
        network = new_network()
        training = WeightedWindows.of(split.training, vocabulary)
        held_out = WeightedWindows.of(split.held_out_windows, vocabulary)
        fit(network, training, held_out, replace(plan, checkpoint=None), SilentProgress())
        yield network, split
        progress.advance(1, {})
    progress.end()
