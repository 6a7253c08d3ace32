"""Compares ways to make one score of a window: ``python -m tests.benchmarks.score_aggregates MODEL LOGS LABELS``.

It reads labels to judge, never to choose a threshold: it prints the AUC, and F1 at the best threshold that labels could
find, which no detector without labels reaches.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from model.artefact import Artefact
from model.content import WindowContent
from model.surprisal import surprisals
from model.vocabulary import NOVEL
from training.corpus import windows_of
from training.labels import KeyLabels, read_labels
from training.measures import area_under_curve
from training.progress import SilentProgress
from training.reading import read_sessions
from training.score import ScoringRequest

Aggregate = Callable[[Sequence[float]], float]

_NOVEL_NATS = 10.0
_AGGREGATES: Mapping[str, Aggregate] = {
    "mean": lambda values: float(np.mean(values)),
    "mean of the largest 3": lambda values: float(np.mean(sorted(values)[-3:])),
    "max": max,
    "sum": sum,
}


def main(model: Path, logs: Path, labels_path: Path) -> None:
    """Print a line for each aggregate and each weight of familiar windows."""
    artefact = Artefact.load(model)
    request = ScoringRequest(model, (logs,))
    words, rule = (artefact.line_format, artefact.templates), request.rule_of(artefact)
    corpus = read_sessions((logs,), request.key_of(artefact), words, rule, SilentProgress())
    by_key: dict[bytes, list[WindowContent]] = {}
    for session in corpus.sessions:
        by_key.setdefault(session.key, []).extend(window for _, window in windows_of(session, rule))
    distinct = list(dict.fromkeys(window for windows in by_key.values() for window in windows))
    tokens = [artefact.vocabulary.encode(window) for window in distinct]
    rows = dict(zip(distinct, surprisals(artefact.network(), tokens), strict=True))
    novel = {window: NOVEL in ts for window, ts in zip(distinct, tokens, strict=True)}
    found = read_labels(labels_path)
    assert isinstance(found, KeyLabels)
    labels = found.abnormal
    for name, aggregate in _AGGREGATES.items():
        for weight in (1.0, 0.5, 0.2, 0.1, 0.0):
            scores = {
                window: _NOVEL_NATS * novel[window] + (weight if window in artefact.familiar else 1.0) * aggregate(row)
                for window, row in rows.items()
            }
            _report(f"{name}, x {weight} where familiar", by_key, scores, labels)


def _report(
    name: str,
    by_key: Mapping[bytes, Sequence[WindowContent]],
    scores: Mapping[WindowContent, float],
    labels: Mapping[bytes, bool],
) -> None:
    best = {key: max(scores[window] for window in windows) for key, windows in by_key.items()}
    abnormal = np.array([score for key, score in best.items() if labels[key]])
    normal = np.array([score for key, score in best.items() if not labels[key]])
    f1 = 0.0
    for threshold in np.unique(np.concatenate([abnormal, normal])):
        found, false = int((abnormal > threshold).sum()), int((normal > threshold).sum())
        f1 = max(f1, 2 * found / (found + false + len(abnormal)))
    print(f"{name:45} AUC {area_under_curve(list(abnormal), list(normal)):.5f}  best F1 {f1:.4f}")  # noqa: T201


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
