"""The figures of a detector on HDFS's sessions, whose file has far more abnormal blocks than HDFS had."""

from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

from training.measures import Measures

__all__ = ["Figures", "figures_of", "mean_figures"]

TRUE_RATE = 16_838 / 575_061
"""Abnormal blocks among all of HDFS_v1."""


class Figures(NamedTuple):
    """What a detector made of labelled sessions.

    Attributes:
        recall: Share of the abnormal sessions that were flagged.
        false_alarm_rate: Share of the normal sessions that were flagged.
        f1: As it would be among sessions of which ``TRUE_RATE`` are abnormal.
        auc: Chance that an abnormal session scores above a normal one.
    """

    recall: float
    false_alarm_rate: float
    f1: float
    auc: float


def figures_of(measures: Measures, normal: int) -> Figures:
    """Work out the figures; ``normal`` is how many normal sessions were judged."""
    rate = measures.false_alarms / normal
    found, false = TRUE_RATE * measures.recall, (1 - TRUE_RATE) * rate
    return Figures(measures.recall, rate, 2 * found / (found + false + TRUE_RATE), measures.auc)


def mean_figures(seeds: Sequence[Figures]) -> Figures:
    """The mean of each figure."""
    return Figures(*(mean(values) for values in zip(*seeds, strict=True)))
