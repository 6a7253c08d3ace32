"""A detector whose parts can be taken out or exchanged, judged on HDFS's sessions: what the studies have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from model.calibration import ALERT_BASE, Calibration
from model.content import WindowContent, split_events
from model.events.templates import Template
from model.evidence import Combination, Evidence
from model.familiarity import Familiar
from model.network import MaskedEventBert, NetworkConfig, longest_for, small_encoder
from model.surprisal import MASK_PASSES, surprisals
from model.vocabulary import FIRST_EVENT, MASK, NOVEL, Vocabulary
from stream.windowing.windows import WindowRule
from tests.benchmarks.figures import Figures, figures_of
from tests.benchmarks.sequences import SEQUENCES
from training.batches import WeightedWindows
from training.corpus import Session, windows_of
from training.cross_fitting import FEW_HELD_OUT
from training.day_files import DayFile
from training.labels import KeyLabels, read_labels
from training.loop import LoopPlan, fit
from training.measures import Outcome, measure
from training.presets import PRESETS
from training.pretrained import load_pretrained
from training.pretrained_source import DEFAULT_PRETRAINED, find_pretrained
from training.progress import SilentProgress
from training.split import Split, further_splits, split_sessions
from training.train import SESSIONS_AN_ALERT

__all__ = ["NETWORK_ALONE", "Data", "Variant", "judge", "judge_each", "learn_from", "one_random_mask", "read_data"]

WHOLE = WindowRule(size=512, hop=512, session_gap_ms=24 * 3600 * 1000)
HELD_OUT = 0.25
#: The peak, and novel events; what counts say is left out.
NETWORK_ALONE = Combination(familiar_weight=1.0, most_distance=0.0)
_SMALL_HIDDEN = 128

Surprise = Callable[[MaskedEventBert, Sequence[tuple[int, ...]]], list[list[float]]]


@dataclass(frozen=True)
class Variant:
    """How a detector is made.

    Attributes:
        steps: Of the training.
        pretrained: Whether the first two layers of all-MiniLM-L6-v2 are what it starts from.
        texts: Whether it reads the templates' texts; only with ``pretrained``.
        hidden: Size of an encoder from scratch, of two layers.
        marks: Whether it sees where sessions start and end.
        surprise: How surprisals are read.
        combination: How evidence becomes a score.
        cross_fit: Whether all sessions are judged for the threshold where few are held out, as ``logscry train`` does.
    """

    steps: int = 1000
    pretrained: bool = False
    texts: bool = True
    hidden: int = 128
    marks: bool = True
    surprise: Surprise = surprisals
    combination: Combination = field(default_factory=Combination)
    cross_fit: bool = False

    @property
    def learning_rate(self) -> float:
        """That of the preset; between the two for an encoder of a pretrained one's size from scratch."""
        if self.pretrained:
            return PRESETS["transfer"].learning_rate
        return PRESETS["test"].learning_rate if self.hidden <= _SMALL_HIDDEN else 1e-3


@dataclass(frozen=True)
class Data:
    """Sessions to learn from, sessions to judge by with their labels, and what the events mean."""

    training: Sequence[Session]
    judged: Sequence[Session]
    labels: Mapping[bytes, bool]
    texts: Mapping[bytes, str]


def read_data(folder: Path, work: Path) -> Data:
    """Read HDFS's sessions from the folder ``hdfs`` in a folder of data."""
    training, judged, labels = SEQUENCES["hdfs"].write(folder / "hdfs", work)
    found = read_labels(labels)
    assert isinstance(found, KeyLabels)
    templates: Iterable[Template] = DayFile(training).source.templates
    texts = {template.event_id: template.text for template in templates}
    return Data(list(DayFile(training).sessions()), list(DayFile(judged).sessions()), found.abnormal, texts)


def learn_from(data: Data, sessions: int, seed: int) -> Data:
    """The same with only so many sessions to learn from."""
    chosen = Random(seed).sample(list(data.training), min(sessions, len(data.training)))
    return Data(chosen, data.judged, data.labels, data.texts)


def judge(data: Data, variant: Variant, seed: int) -> Figures:
    """Train a variant, find its threshold from held-out normal sessions, and judge it."""
    return judge_each(data, variant, seed, [variant.combination])[0]


def judge_each(data: Data, variant: Variant, seed: int, combinations: Sequence[Combination]) -> list[Figures]:
    """Train a variant once and judge it with each of these combinations in place of its own."""
    split, *further = _splits(data, variant, seed)
    vocabulary = Vocabulary.of(event for session in data.training for event in split_events(session.events))
    network = _trained(variant, vocabulary, data.texts, split, seed)
    held_out = _held_out(variant, vocabulary, network, split)
    for other in further:
        held_out += _held_out(variant, vocabulary, _trained(variant, vocabulary, data.texts, other, seed), other)
    everything = Familiar.of([*split.training, *split.held_out_windows])
    judged = _Detector(variant, vocabulary, network, everything).by_key(data.judged)
    return [_figures(combination, held_out, judged, data.labels) for combination in combinations]


def _splits(data: Data, variant: Variant, seed: int) -> list[Split]:
    splits = [split_sessions(data.training, WHOLE, HELD_OUT, seed)]
    if variant.cross_fit and len(splits[0].held_out) < FEW_HELD_OUT:
        splits += further_splits(data.training, WHOLE, HELD_OUT, seed)
    return splits if variant.marks else [_without_marks(split) for split in splits]


def _held_out(variant: Variant, vocabulary: Vocabulary, network: MaskedEventBert, split: Split) -> list[list[Evidence]]:
    """What a network finds in each session that it did not learn from."""
    found = _Detector(variant, vocabulary, network, Familiar.of(split.training)).evidence(split.held_out_windows)
    return [[found[window] for window in windows] for windows in split.held_out]


def one_random_mask(network: MaskedEventBert, windows: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """The surprisals of a quarter of each window's tokens, chosen by chance: what one pass tells; the rest is 0."""
    result = []
    for window in windows:
        tokens = torch.tensor([window])
        hidden = torch.zeros_like(tokens, dtype=torch.bool)
        chance = Random(str(window))
        hidden[0, chance.sample(range(len(window)), ceil(len(window) / MASK_PASSES))] = True
        with torch.inference_mode():
            found: Tensor = network(tokens.masked_fill(hidden, MASK), hidden)  # (M, V)
        picked = -found.gather(1, tokens[hidden][:, None])[:, 0]
        result.append(torch.zeros(tokens.shape).masked_scatter(hidden, picked)[0].tolist())
    return result


class _Detector:
    def __init__(self, variant: Variant, vocabulary: Vocabulary, network: MaskedEventBert, familiar: Familiar) -> None:
        self._variant, self._vocabulary, self._network, self._familiar = variant, vocabulary, network, familiar

    def evidence(self, windows: Iterable[WindowContent]) -> dict[WindowContent, Evidence]:
        """What speaks for and against each distinct window."""
        distinct = list(dict.fromkeys(windows))
        tokens = [self._vocabulary.encode(window) for window in distinct]
        rows = self._variant.surprise(self._network, tokens)
        return {
            window: Evidence.of(row, [token == NOVEL for token in own], self._familiar.distance(window))
            for window, own, row in zip(distinct, tokens, rows, strict=True)
        }

    def by_key(self, sessions: Sequence[Session]) -> dict[bytes, list[Evidence]]:
        """The evidence of all windows of each key."""
        cut = [(session.key, self._view(window)) for session in sessions for _, window in windows_of(session, WHOLE)]
        evidence = self.evidence(window for _, window in cut)
        found: dict[bytes, list[Evidence]] = {}
        for key, window in cut:
            found.setdefault(key, []).append(evidence[window])
        return found

    def _view(self, window: WindowContent) -> WindowContent:
        return window if self._variant.marks else window.without_marks()


def _without_marks(split: Split) -> Split:
    training = type(split.training)()
    for window, count in split.training.items():
        training[window.without_marks()] += count
    return Split(
        training,
        tuple(tuple(window.without_marks() for window in windows) for windows in split.held_out),
        split.by_time,
    )


def _trained(
    variant: Variant, vocabulary: Vocabulary, texts: Mapping[bytes, str], split: Split, seed: int
) -> MaskedEventBert:
    torch.manual_seed(seed)
    network = _network(variant, vocabulary, texts)
    plan = LoopPlan(
        steps=variant.steps,
        longest=network.config.longest,
        learning_rate=variant.learning_rate,
        evaluate_every=max(1, variant.steps // 8),
        seed=seed,
    )
    training, held_out = (
        WeightedWindows.of(windows, vocabulary) for windows in (split.training, split.held_out_windows)
    )
    fit(network, training, held_out, plan, SilentProgress())
    return network


def _network(variant: Variant, vocabulary: Vocabulary, texts: Mapping[bytes, str]) -> MaskedEventBert:
    if not variant.pretrained:
        scratch = small_encoder(variant.hidden, 2, variant.hidden // 32)
        return MaskedEventBert(NetworkConfig(len(vocabulary), scratch, longest=longest_for(scratch)))
    pretrained = load_pretrained(find_pretrained(DEFAULT_PRETRAINED, SilentProgress()))
    readings = pretrained.read_texts([texts.get(event, "") for event in vocabulary.events])
    encoder = pretrained.to_event_encoder(2)
    settings: dict[str, Any] = pretrained.encoder_settings()
    network = MaskedEventBert(
        NetworkConfig(len(vocabulary), settings, text_size=readings.shape[1] if variant.texts else 0), encoder
    )
    if variant.texts:
        network.set_text_readings(torch.cat([torch.zeros(FIRST_EVENT, readings.shape[1]), readings]))
    return network


def _figures(
    combination: Combination,
    held_out: Sequence[Sequence[Evidence]],
    judged: Mapping[bytes, Sequence[Evidence]],
    labels: Mapping[bytes, bool],
) -> Figures:
    sessions = Calibration.of([(max(map(combination.score, windows)), 1) for windows in held_out])
    threshold = sessions.threshold_for(ALERT_BASE / SESSIONS_AN_ALERT)
    outcomes = [
        _outcome([combination.score(each) for each in windows], threshold, abnormal=labels[key])
        for key, windows in judged.items()
    ]
    return figures_of(measure(outcomes, threshold), sum(not labels[key] for key in judged))


def _outcome(scores: Sequence[float], threshold: float, *, abnormal: bool) -> Outcome:
    flagged = sum(score > threshold for score in scores)
    return Outcome(abnormal, max(scores), len(scores), flagged, early=False, seen=1.0)
