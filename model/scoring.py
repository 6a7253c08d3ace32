"""Front door two: windows in, scores out."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch

from model.artefact import Artefact
from model.content import EVENT_BYTES, WindowContent, split_events
from model.diagnosis import Usual, diagnose
from model.errors import ModelError
from model.evidence import Evidence
from model.explanation import Explanation, Reading, TextSource, surprising_events
from model.network import MAX_TOKENS
from model.surprisal import prediction_at, predictions, surprisals
from model.vocabulary import NOVEL

__all__ = ["Scorer"]

#: How many explanations to remember.
_EXPLANATIONS = 1_000

_MOST_EVENTS = MAX_TOKENS - 2


class Scorer:
    """Scores windows with a trained model; higher is more anomalous.

    A score depends on the window's content alone, so equal windows are scored once and scores are remembered exactly.
    Not safe for use by several threads at once.

    Args:
        artefact: The trained model.
        cache_windows: How many contents' scores to remember; the one unused longest is forgotten first.
        threads: CPU threads for torch, in the whole process; None leaves its setting alone.

    Attributes:
        hits: Windows answered from memory, or equal to another of their batch.
        misses: Windows that the network scored.
    """

    def __init__(self, artefact: Artefact, *, cache_windows: int = 100_000, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.artefact = artefact
        self.hits = 0
        self.misses = 0
        self._network = artefact.network()
        self._template_texts = {template.event_id: template.text for template in artefact.templates}
        # Finding the words takes far longer than the score, and like faults give equal windows.
        self._explain = lru_cache(_EXPLANATIONS)(self._explain_now)
        self._cache: OrderedDict[WindowContent, float] = OrderedDict()
        self._cache_windows = cache_windows

    def score(self, windows: Sequence[WindowContent]) -> list[float]:
        """Score windows, in nats.

        Args:
            windows: Of one to 512 events each.

        Returns:
            A score a window, in the given order.

        Raises:
            ModelError: A window is empty or too long.
        """
        cache = self._cache
        windows = [self.artefact.seen(window) for window in windows]
        new = [window for window in dict.fromkeys(windows) if window not in cache]
        fresh = dict(zip(new, self._score_new(new), strict=True)) if new else {}
        self.misses += len(new)
        self.hits += len(windows) - len(new)
        scores = [fresh[window] if window in fresh else cache[window] for window in windows]
        self._remember(windows, fresh)
        return scores

    def novel_events(self, window: WindowContent) -> list[bytes]:
        """The distinct event IDs of a window that no template has, sorted: `explain` knows no texts of them."""
        return sorted(set(split_events(window.events)) - self._template_texts.keys())

    def explain(self, window: WindowContent, texts: Mapping[bytes, str] | None = None) -> Explanation:
        """Say what is surprising about a window and what was expected instead.

        Args:
            window: Usually one whose score is above the threshold.
            texts: Texts of novel events by event ID, where the caller knows them.
        """
        _check_length(window)
        return self._explain(self.artefact.seen(window), tuple(sorted((texts or {}).items())))

    def _explain_now(self, window: WindowContent, texts: tuple[tuple[bytes, str], ...]) -> Explanation:
        tokens = self.artefact.vocabulary.encode(window)
        expected = predictions(self._network, tokens)  # (T, V)
        reading = Reading(window, tokens, expected, familiar=window in self.artefact.familiar)
        source = TextSource(self.artefact.vocabulary, self._template_texts, dict(texts))
        kinds_apart = self._nearest(window)[1] if self.artefact.combination.surprise_is_usual else None
        usual = Usual(source, self._peaks, self._expect, self.artefact.familiar.most_in_window, kinds_apart)
        kind, summary = diagnose(reading, usual)
        return Explanation(kind, summary, surprising_events(reading, source), reading.familiar)

    def _peaks(self, windows: Sequence[tuple[int, ...]]) -> list[float]:
        return [max(row) for row in surprisals(self._network, windows)]

    def _expect(self, window: tuple[int, ...], position: int) -> tuple[int, float] | None:
        """The likeliest token, other than the one that is there and than a novel event."""
        probabilities = prediction_at(self._network, window, position).exp()  # (V,)
        probabilities[[window[position], NOVEL]] = 0.0
        value, token = probabilities.max(dim=0)
        return (int(token), float(value)) if value > 0 else None

    def _score_new(self, windows: Sequence[WindowContent]) -> list[float]:
        for window in windows:
            _check_length(window)
        tokens = [self.artefact.vocabulary.encode(window) for window in windows]
        evidence = [
            Evidence.of(row, [t == NOVEL for t in ts], *self._nearest(window))
            for window, ts, row in zip(windows, tokens, surprisals(self._network, tokens), strict=True)
        ]
        return [self.artefact.combination.score(e) for e in evidence]

    def _nearest(self, window: WindowContent) -> tuple[float, float]:
        """Distance and kinds apart of the nearest of training; 0 for the one on which no score rests."""
        familiar = self.artefact.familiar
        if self.artefact.combination.surprise_is_usual:
            return 0.0, familiar.kinds_apart(window)
        return familiar.distance(window), 0.0

    def _remember(self, windows: Sequence[WindowContent], fresh: Mapping[WindowContent, float]) -> None:
        cache = self._cache
        cache.update(fresh)
        for window in windows:
            cache.move_to_end(window)
        while len(cache) > self._cache_windows:
            cache.popitem(last=False)


def _check_length(window: WindowContent) -> None:
    events, rest = divmod(len(window.events), EVENT_BYTES)
    if rest or not 1 <= events <= _MOST_EVENTS:
        raise ModelError(
            f"a window of {len(window.events)} bytes cannot be scored: it must hold 1 to {_MOST_EVENTS} event IDs "
            f"of {EVENT_BYTES} bytes each."
        )
