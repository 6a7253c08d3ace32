"""Scores of held-out normal windows, as service would give them: how they combine, what a threshold is found from."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from model.calibration import Calibration
from model.content import WindowContent, split_events
from model.evidence import Combination, Evidence
from model.familiarity import Familiar
from model.network import MaskedEventBert
from model.surprisal import surprisals
from model.vocabulary import Vocabulary
from training.split import Split

__all__ = ["HeldOutScores", "score_held_out"]


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Two views of the same scores.

    Attributes:
        combination: How evidence became them.
        windows: One score a window.
        sessions: The largest score of each session: a session that looks odd once looks odd in several windows, and
            alerts a person once.
    """

    combination: Combination
    windows: Calibration
    sessions: Calibration


def score_held_out(
    network: MaskedEventBert,
    vocabulary: Vocabulary,
    split: Split,
    others: Iterable[tuple[MaskedEventBert, Split]] = (),
) -> HeldOutScores:
    """Score the held-out windows as if the model had met only the training ones.

    A count vector that only held-out windows have is unfamiliar here, as the next new one will be in service. Windows
    with an event that only held-out sessions have are left out, unless nothing else is left: in service a novel event
    alerts at any threshold, so it must not push the threshold up for all other faults.

    Args:
        network: The one that will serve.
        vocabulary: Of all of them.
        split: What it learnt from, and what it did not.
        others: Networks that learnt without other sessions; what they give those counts, too.
    """
    first = _Judged.by(network, vocabulary, split)
    combination = Combination(usual_peak=median(first.evidence[w].peak for session in first.kept for w in session))
    judged = [first, *(_Judged.by(other, vocabulary, its_split) for other, its_split in others)]
    scores = [session for each in judged for session in each.scores(combination)]
    return HeldOutScores(
        combination=combination,
        windows=Calibration.of([(score, 1) for session in scores for score in session]),
        sessions=Calibration.of([(max(session), 1) for session in scores]),
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one network says of the sessions that were held out of its training.

    Attributes:
        familiar: What it learnt from.
        evidence: Of each window.
        kept: The windows of each session that count.
    """

    familiar: Familiar
    evidence: Mapping[WindowContent, Evidence]
    kept: Sequence[Sequence[WindowContent]]

    @classmethod
    def by(cls, network: MaskedEventBert, vocabulary: Vocabulary, split: Split) -> "_Judged":
        """Let a network judge what its split held out."""
        familiar = Familiar.of(split.training)
        known = familiar.most_in_window
        windows = list(split.held_out_windows)
        rows = surprisals(network, [vocabulary.encode(window) for window in windows])
        evidence = {
            window: Evidence.of(row, _novel(window, known), familiar.distance(window))
            for window, row in zip(windows, rows, strict=True)
        }
        return cls(familiar, evidence, _kept(split.held_out, evidence))

    def scores(self, combination: Combination) -> list[list[float]]:
        """The scores of each session's windows."""
        evidence = self.evidence
        if combination.surprise_is_usual:
            evidence = {w: each._replace(kinds_apart=self.familiar.kinds_apart(w)) for w, each in evidence.items()}
        return [[combination.score(evidence[window]) for window in session] for session in self.kept]


def _kept(
    sessions: Sequence[Sequence[WindowContent]], evidence: Mapping[WindowContent, Evidence]
) -> Sequence[Sequence[WindowContent]]:
    """The sessions without windows with novel events; as they are where nothing else is left."""
    known_alone = [[window for window in session if not evidence[window].novel] for session in sessions]
    return [session for session in known_alone if session] or sessions


def _novel(window: WindowContent, known: Collection[bytes]) -> list[bool]:
    """Whether each token is an event that is not known."""
    events = [event not in known for event in split_events(window.events)]
    return [*[False] * window.starts_session, *events, *[False] * window.final]
