"""From surprisals to one score: what speaks for an anomaly in a window, and how it is combined.

The core is the *peak*: the surprisal of the window's most surprising event, start and end marks included. A mean would
let a long normal stretch drown one wrong step (measured in ``docs/experiments.md``). Two more things count:

* The *distance* of the window's event counts from the nearest of training is added: nats to nats. It sees a step that
  is repeated far too often, which surprises nobody who reads along. And the nearer the counts are, the less the peak
  counts: a fifth where they are the same, which is the same work in another order, and nearly all where they are far.
* A *novel* event, one that training never saw, lifts the window above all that held-out normal windows scored.

Where surprise is *usual*, because half of the normal windows hold an event that the network gave less than one in a
hundred, neither a peak nor a count tells much; there the *mean* of the surprisals takes the place of the one, and how
many kinds of events only it or the nearest window of training has (*kinds apart*) that of the other (decisions 0021
and 0023).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import exp, isfinite, log
from statistics import fmean
from typing import Any, NamedTuple

from model.errors import ModelError

__all__ = ["Combination", "Evidence"]

#: Surprisal of an event that was given one in a hundred, nats.
_RARE = log(100)


class Evidence(NamedTuple):
    """What speaks for and against an anomaly in one window.

    Attributes:
        peak: Surprisal of the most surprising token that is not novel, nats.
        mean: Mean surprisal of those tokens, nats.
        distance: How far its event counts are from the nearest of training, nats (``Familiar.distance``).
        novel: How many of its events training never saw.
        kinds_apart: The share of its and the nearest training window's kinds of events that only one of them has
            (``Familiar.kinds_apart``); 0 where no score rests on it.
    """

    peak: float
    mean: float
    distance: float
    novel: int
    kinds_apart: float = 0.0

    @classmethod
    def of(
        cls, surprisals: Sequence[float], novel: Sequence[bool], distance: float, kinds_apart: float = 0.0
    ) -> "Evidence":
        """Gather the evidence of a window.

        Args:
            surprisals: One a token, nats.
            novel: Whether each token is a novel event.
            distance: How far the window's event counts are from the nearest of training, nats.
            kinds_apart: The share of kinds of events that only it or the nearest of training has.
        """
        known = [s for s, is_novel in zip(surprisals, novel, strict=True) if not is_novel]
        return cls(max(known, default=0.0), fmean(known) if known else 0.0, distance, sum(novel), kinds_apart)


@dataclass(frozen=True, slots=True)
class Combination:
    """How evidence becomes a score.

    Attributes:
        familiar_weight: Factor on the peak of a window whose counts occurred in training.
        familiar_reach: Distance from them, nats, at which the factor has come within 1/e of 1.
        most_distance: What the distance adds at most, nats.
        novel_floor: What a novel event adds, nats: with it a window scores above every held-out normal one.
        usual_peak: Peak of the median held-out normal window, nats.
        most_kinds_apart: What having no kind of event in common with training adds where surprise is usual, nats.
    """

    familiar_weight: float = 0.2
    familiar_reach: float = 0.5
    most_distance: float = 10.0
    novel_floor: float = 10.0
    usual_peak: float = 0.0
    most_kinds_apart: float = 4.0

    def __post_init__(self) -> None:
        numbers = asdict(self)
        if not all(map(isfinite, numbers.values())) or self.familiar_reach <= 0:
            raise ModelError(f"the score combination {numbers} cannot be used; train the model again.")

    @property
    def surprise_is_usual(self) -> bool:
        """Whether half of the normal windows hold an event that was given less than one in a hundred."""
        return self.usual_peak > _RARE

    def score(self, evidence: Evidence) -> float:
        """One number in nats; higher is more anomalous."""
        floor = self.novel_floor if evidence.novel else 0.0
        if self.surprise_is_usual:
            return floor + evidence.mean + self.most_kinds_apart * evidence.kinds_apart
        nearness = exp(-evidence.distance / self.familiar_reach)
        weight = 1.0 - (1.0 - self.familiar_weight) * nearness
        return floor + weight * evidence.peak + min(evidence.distance, self.most_distance)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads; that of an older model is as it was then."""
        newer = ("usual_peak", "most_kinds_apart")
        return {name: number for name, number in asdict(self).items() if number or name not in newer}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Combination":
        """Read what ``to_json`` wrote.

        Raises:
            ModelError: It is not such an object.
        """
        numbers = {"usual_peak": 0.0, "most_kinds_apart": 0.0, **value}
        try:
            return cls(**{each.name: float(numbers[each.name]) for each in fields(cls)})
        except (KeyError, TypeError, ValueError) as exc:
            raise ModelError(f"the score combination is broken ({exc}); train the model again.") from exc
