"""Judge a trained model against labels, beside simple lookups on the same split."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.artefact import Artefact
from model.content import WindowContent
from model.errors import ConfigurationError
from model.scoring import Scorer
from training.baselines import fit_baselines
from training.corpus import windows_of
from training.measures import KeyOutcome, Measures, measure
from training.progress import Progress, SilentProgress
from training.score import ScoredWindow, ScoringRequest, score_corpus
from training.to_score import corpus_to_score
from training.writing import write_json

__all__ = ["Evaluation", "EvaluationRequest", "evaluate", "read_labels"]

_NORMAL_WORDS = frozenset({"0", "false", "no", "normal", "-", ""})
_ABNORMAL_WORDS = frozenset({"1", "true", "yes", "abnormal", "anomaly", "anomalous"})
#: A lookup says 0 or 1; anything between decides alike.
_LOOKUP_THRESHOLD = 0.5
#: A score that no window has, for keys without any.
_NO_SCORE = 0.0


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What to judge.

    Attributes:
        scoring: The model, the logs to judge by, and how to cut and decide; its ``output`` is not used.
        labels: CSV with a header: the key in the first column, the label in the column ``label`` (or the second).
        training_inputs: The logs of training, for the baselines; empty leaves the baselines out.
        output: JSON file to write; None writes nothing.
    """

    scoring: ScoringRequest
    labels: Path
    training_inputs: tuple[str | Path, ...] = ()
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a model and of the baselines.

    Attributes:
        model_version: Which model.
        keys: Labelled keys with at least one window.
        abnormal: How many of them are abnormal.
        windows: Their windows.
        unlabelled: Keys in the logs that the labels do not name; they are left out.
        absent: Keys of the labels that the logs do not have; they are left out.
        model: The model's figures.
        baselines: The lookups' figures by name.
    """

    model_version: str
    keys: int
    abnormal: int
    windows: int
    unlabelled: int
    absent: int
    model: Measures
    baselines: Mapping[str, Measures]

    def to_json(self) -> dict[str, Any]:
        """All figures as one JSON object."""
        fields = {name: getattr(self, name) for name in ("model_version", "keys", "abnormal", "windows")}
        baselines = {name: measures.to_json() for name, measures in self.baselines.items()}
        left_out = {"unlabelled": self.unlabelled, "absent": self.absent}
        return {**fields, **left_out, "model": self.model.to_json(), "baselines": baselines}


def evaluate(request: EvaluationRequest, progress: Progress | None = None) -> Evaluation:
    """Score labelled logs and compare: a key is flagged when any of its windows scores above the threshold.

    Args:
        request: What to judge.
        progress: Told how far it is.

    Raises:
        ConfigurationError: The labels or logs cannot be used, or share no key.
        ModelError: The artefact cannot be used.
    """
    progress = progress or SilentProgress()
    artefact = Artefact.load(request.scoring.artefact)
    labels = read_labels(request.labels)
    scored = _scored(request.scoring, artefact, progress)
    by_key = {key: windows for key, windows in scored.items() if key in labels}
    if not by_key:
        raise ConfigurationError(
            f"no key of the logs is in {request.labels}; check the key and the labels' first column."
        )
    evaluation = Evaluation(
        model_version=artefact.version,
        keys=len(by_key),
        abnormal=sum(labels[key] for key in by_key),
        windows=sum(map(len, by_key.values())),
        unlabelled=len(scored) - len(by_key),
        absent=len(labels) - len(by_key),
        model=_measure(by_key, labels, lambda window: window.score, request.scoring.threshold_of(artefact)),
        baselines=_measure_baselines(request, artefact, (by_key, labels), progress),
    )
    if request.output is not None:
        write_json(request.output, evaluation.to_json())
    return evaluation


def read_labels(path: Path) -> dict[bytes, bool]:
    """Read which keys are abnormal.

    Args:
        path: CSV with a header; the key in the first column, the label in the column ``label`` or else the second.

    Raises:
        ConfigurationError: The file cannot be read, or a label is not understood.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ConfigurationError(f"cannot read the labels {path}: {exc}.") from exc
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 - a key and a label
        raise ConfigurationError(f"{path} must have a header and at least two columns, a key and a label.")
    column = rows[0].index("label") if "label" in rows[0] else 1
    return {
        row[0].encode(): _label(row, column, f"{path}, row {number}") for number, row in enumerate(rows[1:], 2) if row
    }


def _label(row: Sequence[str], column: int, where: str) -> bool:
    word = row[column].strip().lower() if column < len(row) else "(none)"
    if word not in _NORMAL_WORDS | _ABNORMAL_WORDS:
        raise ConfigurationError(f"{where}: the label {word!r} is not understood; write 0 (normal) or 1 (abnormal).")
    return word in _ABNORMAL_WORDS


def _scored(request: ScoringRequest, artefact: Artefact, progress: Progress) -> dict[bytes, list[ScoredWindow]]:
    """All windows of the logs, scored, by key."""
    rule = request.rule_of(artefact)
    corpus = corpus_to_score(request.inputs, artefact, request.key_of(artefact), rule, progress)
    by_key: defaultdict[bytes, list[ScoredWindow]] = defaultdict(list)
    for window in score_corpus(Scorer(artefact), corpus, rule, progress):
        by_key[window.session.key].append(window)
    return dict(by_key)


def _measure_baselines(
    request: EvaluationRequest,
    artefact: Artefact,
    labelled: tuple[Mapping[bytes, Sequence[ScoredWindow]], Mapping[bytes, bool]],
    progress: Progress,
) -> dict[str, Measures]:
    if not request.training_inputs:
        return {}
    by_key, labels = labelled
    training = _training_windows(request, artefact, progress)
    return {
        name: _measure(by_key, labels, lambda window, score=score: score(window.content), _LOOKUP_THRESHOLD)  # type: ignore[misc]
        for name, score in fit_baselines(training).items()
    }


def _training_windows(request: EvaluationRequest, artefact: Artefact, progress: Progress) -> list[WindowContent]:
    """The distinct windows of the training logs."""
    scoring = replace(request.scoring, inputs=request.training_inputs)
    rule = scoring.rule_of(artefact)
    corpus = corpus_to_score(scoring.inputs, artefact, scoring.key_of(artefact), rule, progress)
    return list(dict.fromkeys(window for session in corpus.sessions for _, window in windows_of(session, rule)))


def _measure(
    by_key: Mapping[bytes, Sequence[ScoredWindow]],
    labels: Mapping[bytes, bool],
    score: Callable[[ScoredWindow], float],
    threshold: float,
) -> Measures:
    outcomes = [
        _outcome(windows, map(score, windows), threshold, abnormal=labels[key]) for key, windows in by_key.items()
    ]
    return measure(outcomes, threshold)


def _outcome(
    windows: Sequence[ScoredWindow],
    scores: Iterable[float],
    threshold: float,
    *,
    abnormal: bool,
) -> KeyOutcome:
    values = list(scores)
    flagged = [i for i, value in enumerate(values) if value > threshold]
    return KeyOutcome(
        abnormal=abnormal,
        score=max(values, default=_NO_SCORE),
        windows=len(windows),
        flagged=len(flagged),
        early=bool(flagged) and not windows[flagged[0]].span.final,
    )
