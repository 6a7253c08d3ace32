"""Several models on the same logs, of several seeds above all: the mean of each figure and how far they are apart."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean, stdev
from typing import Any

from training.evaluate import Evaluation

__all__ = ["as_json", "spread"]


def spread(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, float]]:
    """Put the models' figures together.

    Args:
        evaluations: Of at least two models, on the same logs and labels.

    Returns:
        ``mean`` and ``standard_deviation`` (that of a sample: over n - 1) by the names of ``Measures``.
    """
    columns: dict[str, list[float]] = {}
    for evaluation in evaluations:
        for name, value in asdict(evaluation.model).items():
            columns.setdefault(name, []).append(float(value))
    return {
        "mean": {name: mean(values) for name, values in columns.items()},
        "standard_deviation": {name: stdev(values) for name, values in columns.items()},
    }


def as_json(evaluations: Sequence[Evaluation]) -> Any:  # noqa: ANN401 -- a JSON value
    """The figures of one model as they are, those of several in a list with their spread beside it."""
    if len(evaluations) == 1:
        return evaluations[0].to_json()
    return {"models": [evaluation.to_json() for evaluation in evaluations], **spread(evaluations)}
