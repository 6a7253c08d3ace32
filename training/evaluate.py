"""Judge a trained model against labels, beside simple lookups on the same split."""

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
from training.labels import Judged, read_labels
from training.measures import Curve, Measures, Outcome, measure, precision_recall_curve
from training.progress import Progress, SilentProgress
from training.score import ScoredWindow, ScoringRequest, score_corpus
from training.to_score import corpus_to_score

__all__ = ["Evaluation", "EvaluationRequest", "evaluate"]

#: A lookup says 0 or 1; anything between decides alike.
_LOOKUP_THRESHOLD = 0.5
#: A score that no window has, for keys without any.
_NO_SCORE = 0.0


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What to judge.

    Attributes:
        scoring: The model, the logs to judge by, and how to cut and decide; its ``output`` is not used.
        labels: CSV of keys or lines (``read_labels``).
        training_inputs: The logs of training, for the baselines; empty leaves the baselines out.
    """

    scoring: ScoringRequest
    labels: Path
    training_inputs: tuple[str | Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a model and of the baselines.

    Attributes:
        model_version: Which model.
        unit: What is judged: keys or windows.
        judged: How many are: labelled keys with at least one window, or all windows.
        abnormal: How many of them are abnormal.
        windows: Their windows.
        unlabelled: Keys in the logs that the labels do not name; they are left out.
        absent: Keys, or abnormal lines, of the labels that the logs do not have; they are left out.
        model: The model's figures.
        curve: Its precision against recall.
        baselines: The lookups' figures by name.
    """

    model_version: str
    unit: str
    judged: int
    abnormal: int
    windows: int
    unlabelled: int
    absent: int
    model: Measures
    curve: Curve
    baselines: Mapping[str, Measures]

    def to_json(self) -> dict[str, Any]:
        """All figures as one JSON object; the curve is left to the picture."""
        fields = {name: getattr(self, name) for name in ("model_version", "unit", "judged", "abnormal", "windows")}
        baselines = {name: measures.to_json() for name, measures in self.baselines.items()}
        left_out = {"unlabelled": self.unlabelled, "absent": self.absent}
        return {**fields, **left_out, "model": self.model.to_json(), "baselines": baselines}


def evaluate(request: EvaluationRequest, progress: Progress | None = None) -> Evaluation:
    """Score labelled logs and compare: what is judged is flagged when any of its windows scores above the threshold.

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
    judged = labels.judge(_scored(request.scoring, artefact, progress))
    if not judged.units:
        raise ConfigurationError(
            f"no key of the logs is in {request.labels}; check the key and the labels' first column."
        )
    threshold = request.scoring.threshold_of(artefact)
    outcomes = _outcomes(judged, lambda window: window.score, threshold)
    return Evaluation(
        model_version=artefact.version,
        unit=labels.unit,
        judged=len(judged.units),
        abnormal=sum(abnormal for abnormal, _ in judged.units),
        windows=sum(len(windows) for _, windows in judged.units),
        unlabelled=judged.unlabelled,
        absent=judged.absent,
        model=measure(outcomes, threshold),
        curve=precision_recall_curve(outcomes),
        baselines=_measure_baselines(request, artefact, judged, progress),
    )


def _scored(request: ScoringRequest, artefact: Artefact, progress: Progress) -> list[ScoredWindow]:
    """All windows of the logs, scored."""
    rule = request.rule_of(artefact)
    corpus = corpus_to_score(request.inputs, artefact, request.key_of(artefact), rule, progress)
    return score_corpus(Scorer(artefact), corpus, rule, progress)


def _measure_baselines(
    request: EvaluationRequest, artefact: Artefact, judged: Judged, progress: Progress
) -> dict[str, Measures]:
    if not request.training_inputs:
        return {}
    training = _training_windows(request, artefact, progress)
    return {
        name: measure(_outcomes(judged, _lookup(score), _LOOKUP_THRESHOLD), _LOOKUP_THRESHOLD)
        for name, score in fit_baselines(training).items()
    }


def _training_windows(request: EvaluationRequest, artefact: Artefact, progress: Progress) -> list[WindowContent]:
    """The distinct windows of the training logs."""
    scoring = replace(request.scoring, inputs=request.training_inputs)
    rule = scoring.rule_of(artefact)
    corpus = corpus_to_score(scoring.inputs, artefact, scoring.key_of(artefact), rule, progress)
    return list(dict.fromkeys(window for session in corpus.sessions for _, window in windows_of(session, rule)))


def _lookup(score: Callable[[WindowContent], float]) -> Callable[[ScoredWindow], float]:
    return lambda window: score(window.content)


def _outcomes(judged: Judged, score: Callable[[ScoredWindow], float], threshold: float) -> list[Outcome]:
    return [_outcome(windows, map(score, windows), threshold, abnormal=abnormal) for abnormal, windows in judged.units]


def _outcome(
    windows: Sequence[ScoredWindow],
    scores: Iterable[float],
    threshold: float,
    *,
    abnormal: bool,
) -> Outcome:
    values = list(scores)
    flagged = [window for window, value in zip(windows, values, strict=True) if value > threshold]
    return Outcome(
        abnormal=abnormal,
        score=max(values, default=_NO_SCORE),
        windows=len(windows),
        flagged=len(flagged),
        early=bool(flagged) and not flagged[0].span.final,
        seen=flagged[0].span.stop / len(flagged[0].session) if flagged else 1.0,
    )
