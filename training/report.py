"""An evaluation for people: a table for the terminal, a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table

from training.evaluate import Evaluation
from training.pictures import precision_recall
from training.spread import spread

__all__ = ["evaluation_picture", "evaluation_table"]

_COLUMNS = ("prec.", "recall", "F1", "AUC", "found", "false", "/10k", "early", "seen")


def evaluation_table(evaluations: Sequence[Evaluation]) -> Table:
    """Lay out the models' figures, the mean and the spread of several, and the baselines' (the first model's)."""
    first = evaluations[0]
    table = Table(
        title=f"{first.judged:,} {first.unit}, {first.abnormal:,} abnormal, {first.windows:,} windows",
        caption=_left_out(first),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,  # eighty columns hold all figures whole
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("detector", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    if len(evaluations) == 1:
        table.add_row("[b]this model[/b]", *_cells(asdict(first.model)), end_section=True)
    else:
        for evaluation in evaluations:
            table.add_row(_name(evaluation, evaluations), *_cells(asdict(evaluation.model)))
        figures = spread(evaluations)
        table.add_row("[b]mean[/b]", *_cells(figures["mean"]))
        table.add_row("std. dev.", *_cells(figures["standard_deviation"]), end_section=True)
    for name, measures in first.baselines.items():
        table.add_row(name, *_cells(asdict(measures)))
    return table


def evaluation_picture(evaluations: Sequence[Evaluation], picture_format: str) -> bytes:
    """Draw the models' precision against recall, with dots where their thresholds and the baselines (the first's) are.

    Args:
        evaluations: At least one.
        picture_format: One of ``PICTURE_FORMATS``.
    """
    models = {_name(evaluation, evaluations): evaluation for evaluation in evaluations}
    measures = {**{name: each.model for name, each in models.items()}, **evaluations[0].baselines}
    points = {name: (each.recall, each.precision) for name, each in measures.items()}
    return precision_recall({name: each.curve for name, each in models.items()}, points, picture_format)


def _name(evaluation: Evaluation, among: Sequence[Evaluation]) -> str:
    return f"model {evaluation.model_version[:8]}" if len(among) > 1 else "this model"


def _cells(figures: Mapping[str, float]) -> list[str]:
    return [
        *(f"{figures[name]:.3f}" for name in ("precision", "recall")),
        *(f"{figures[name]:.4f}" for name in ("f1", "auc")),
        *(f"{figures[name]:,.1f}".removesuffix(".0") for name in ("found", "false_alarms")),
        f"{figures['false_alarms_per_10000_windows']:.1f}",
        *(f"{figures[name]:.0%}" for name in ("early_share", "lines_seen")),
    ]


def _left_out(evaluation: Evaluation) -> str:
    left_out = f"Left out: {evaluation.unlabelled:,} keys without a label, {evaluation.absent:,} labels without lines. "
    return (
        f"{left_out}"
        f"False: normal {evaluation.unit} flagged; /10k: normal windows above the threshold, of 10,000. "
        "Early: share of the found that were flagged before their session's final window. "
        "Seen: how much of its session had come by then, on average."
    )
