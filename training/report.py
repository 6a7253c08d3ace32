"""An evaluation as a table for the terminal."""

from rich.table import Table

from training.evaluate import Evaluation
from training.measures import Measures

__all__ = ["evaluation_table"]

_COLUMNS = ("prec.", "recall", "F1", "AUC", "found", "missed", "false", "/10k", "early")


def evaluation_table(evaluation: Evaluation) -> Table:
    """Lay out the model's figures above the baselines'."""
    table = Table(
        title=f"{evaluation.keys:,} keys, {evaluation.abnormal:,} abnormal, {evaluation.windows:,} windows",
        caption=_left_out(evaluation),
    )
    table.add_column("detector")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    table.add_row("[b]this model[/b]", *_cells(evaluation.model), end_section=True)
    for name, measures in evaluation.baselines.items():
        table.add_row(name, *_cells(measures))
    return table


def _cells(measures: Measures) -> list[str]:
    ratios = (measures.precision, measures.recall, measures.f1, measures.auc)
    counts = (measures.found, measures.missed, measures.false_alarms)
    return [
        *(f"{ratio:.4f}" for ratio in ratios),
        *(f"{count:,}" for count in counts),
        f"{measures.false_alarms_per_10000_windows:.1f}",
        f"{measures.early_share:.0%}",
    ]


def _left_out(evaluation: Evaluation) -> str:
    return (
        f"Left out: {evaluation.unlabelled:,} keys without a label, {evaluation.absent:,} labels without lines. "
        "False: normal keys flagged; /10k: normal windows above the threshold, of 10,000. "
        "Early: share of the found that were flagged before their session's final window."
    )
