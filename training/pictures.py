"""Pictures of a training, its scores and an evaluation, as PNG or SVG bytes."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from model.calibration import Calibration
from model.errors import ConfigurationError
from training.loop import History
from training.measures import Curve

__all__ = [
    "PICTURE_FORMATS",
    "alert_curve",
    "check_picture",
    "loss_curve",
    "precision_recall",
    "score_histogram",
    "training_pictures",
]

#: File name endings of the kinds of pictures that can be drawn.
PICTURE_FORMATS = (".png", ".svg")

_SIZE_INCHES = (7.0, 4.0)
_DOTS_PER_INCH = 110
#: Which digits between two powers of ten are written beside a logarithmic axis of more than one of them.
_MINOR_LABELS = "25"
_DECADE = 10.0
_MARKERS = "sD^vXP*"
#: Where a logarithmic axis of counts begins: a bar of one window is seen.
_LEAST_BAR = 0.5


def training_pictures(history: History, calibration: Calibration, threshold: float) -> dict[str, bytes]:
    """All pictures of a model card, by file name."""
    return {
        "loss.png": loss_curve(history),
        "scores.png": score_histogram({"held-out normal windows": expanded(calibration)}, threshold),
        "alerts.png": alert_curve(calibration, threshold),
    }


def loss_curve(history: History) -> bytes:
    """The losses of training and held-out windows over the steps."""
    figure = _figure("Loss: mean surprisal of a hidden event", "optimiser step", "nats an event")
    axes = figure.axes[0]
    if history.training:
        axes.plot(*zip(*history.training, strict=True), label="training (random masks)")
    if history.held_out:
        axes.plot(*zip(*history.held_out, strict=True), label="held out (the masks of scoring)")
    axes.axvline(history.best_step, color="grey", linestyle=":", label=f"kept: step {history.best_step}")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))  # 0.1 and not 10^-1
    lowest, highest = axes.get_ylim()
    digits = _MINOR_LABELS if highest > _DECADE * lowest else "123456789"
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda loss, _: f"{loss:g}" if f"{loss:e}"[0] in digits else ""))
    axes.legend()
    return _png(figure)


def score_histogram(
    scores: Mapping[str, Sequence[float] | NDArray[np.float64]], threshold: float, picture_format: str = ".png"
) -> bytes:
    """How often each score occurs, with the threshold.

    Args:
        scores: Scores in nats by what they are of.
        threshold: In nats.
        picture_format: One of ``PICTURE_FORMATS``.
    """
    figure = _figure("Scores of windows", "score (nats)", "windows")
    axes = figure.axes[0]
    largest = max([threshold, *(float(np.max(values)) for values in scores.values() if len(values))])
    tallest = [1.0]
    for name, values in scores.items():
        heights, _, _ = axes.hist(values, bins=list(np.linspace(0, 1.05 * largest, 60)), alpha=0.6, label=name)
        tallest.append(float(np.max(heights)))
    axes.axvline(threshold, color="red", label=f"threshold {threshold:.2f}")
    axes.set_yscale("log")
    axes.set_ylim(_LEAST_BAR, 2 * max(tallest))
    axes.legend()
    return _drawn(figure, picture_format)


def alert_curve(calibration: Calibration, threshold: float) -> bytes:
    """How many alerts per 10,000 normal windows are expected at each threshold."""
    figure = _figure("Expected alerts per 10,000 normal windows", "threshold (nats)", "alerts per 10,000 windows")
    axes = figure.axes[0]
    places = np.linspace(0, 1.5 * max(threshold, calibration.scores[-1]), 200)
    axes.plot(places, [calibration.expected_alerts(float(place)) for place in places])
    axes.axvline(threshold, color="red", label=f"threshold {threshold:.2f}")
    axes.axvline(calibration.scores[-1], color="grey", linestyle=":", label="largest held-out score")
    axes.set_yscale("log")
    axes.legend()
    return _png(figure)


def precision_recall(
    curves: Mapping[str, Curve], points: Mapping[str, tuple[float, float]], picture_format: str = ".png"
) -> bytes:
    """Precision against recall: a line where every threshold is drawn, a dot for one decision.

    Args:
        curves: Of detectors, by name.
        points: (recall, precision) by name; a dot has the colour of the curve of its name.
        picture_format: One of ``PICTURE_FORMATS``.
    """
    figure = _figure("Precision against recall", "recall", "precision")
    axes = figure.axes[0]
    colours = {name: f"C{number}" for number, name in enumerate(curves)}  # matplotlib's own, in their order
    for name, curve in curves.items():
        _draw_curve(axes, curve, colours[name], name)
    markers = cycle(_MARKERS)
    for name, point in points.items():
        if name in curves:
            axes.plot(*point, "o", color=colours[name], label=f"{name}: its threshold")
        else:
            axes.plot(*point, next(markers), color="grey", label=name)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    figure.legend(loc="outside right upper")  # beside the curves: the best ones hug the corner
    return _drawn(figure, picture_format)


def _draw_curve(axes: Axes, curve: Curve, colour: str, name: str) -> None:
    """Draw a curve from recall 0: between two points holds the precision of the next, which is reached there."""
    begin = Curve(curve.recall and (0.0,), curve.precision[:1])
    recall, precision = begin.recall + curve.recall, begin.precision + curve.precision
    axes.step(recall, precision, where="pre", color=colour, label=name)


def check_picture(path: Path | None) -> None:
    """Refuse a picture file of an unknown kind; None passes.

    Raises:
        ConfigurationError: Its ending is none of ``PICTURE_FORMATS``.
    """
    if path is not None and path.suffix not in PICTURE_FORMATS:
        raise ConfigurationError(f"the plot {path} is of no known kind; allowed are {', '.join(PICTURE_FORMATS)}.")


def expanded(calibration: Calibration) -> list[float]:
    """A score for each held-out window."""
    return [score for score, count in zip(calibration.scores, calibration.counts, strict=True) for _ in range(count)]


def _figure(title: str, x_label: str, y_label: str) -> Figure:
    with mpl.rc_context({"font.family": "DejaVu Sans"}):  # comes with matplotlib: the same picture everywhere
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")  # no window system: Agg
        axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(visible=True, alpha=0.3)
    return figure


def _png(figure: Figure) -> bytes:
    return _drawn(figure, ".png")


def _drawn(figure: Figure, picture_format: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=picture_format.removeprefix("."))
    return buffer.getvalue()
