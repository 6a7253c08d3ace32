"""The settings to begin with, from what was found in the logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from model.events.own_masks import NO_OWN_MASKS, OwnMasks
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from training.inspection.key_candidates import FEW_LINES, KeyRanking
from training.inspection.session_gap import SessionGap

__all__ = ["Proposal", "proposal_of", "proposed_key", "proposed_rule"]

PRESET = "test"
SHARED = KeyRule(without="shared")

#: Where all but this share of the lines have the key, one without it is odd, and worth a dead letter.
_NEARLY_ALL = 0.99
#: More lines than this share that cannot be read are no accident.
_MANY = 0.1
#: Sessions this short are judged after each line; longer ones after every eighth.
_SHORT_SESSION = 16
_WINDOW_SIZE, _WINDOW_HOP = 64, 8
#: The sequence of a whole file or topic is not ended by a pause in the traffic.
_LEAST_SHARED_GAP_MS = 30 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to train and to serve with.

    Attributes:
        key: Whose sequence a line belongs to. Where no key was found, the rule names no part: in training each file is
            one sequence, and in serving all lines share a key.
        rule: How windows are cut.
        line_format: How lines are written, their time zone included.
        preset: How to train.
        doubts: What a person should look at first; none where all is clear.
        masks: What a person said that varies in the messages.
    """

    key: KeyRule
    rule: WindowRule
    line_format: LineFormat
    preset: str
    doubts: tuple[str, ...]
    masks: OwnMasks = NO_OWN_MASKS


def proposed_key(ranking: KeyRanking) -> KeyRule:
    """Give the rule of the best candidate, with what happens to lines that lack it."""
    if ranking.best is None:
        return SHARED
    kept = ranking.best.share >= _NEARLY_ALL
    return replace(ranking.best.candidate.rule, without="dead-letter" if kept else "drop")


def proposed_rule(key: KeyRule, gap: SessionGap) -> WindowRule:
    """Say how windows are cut: each line is judged where sessions are short, every eighth where they are long."""
    if not key.names_a_key:
        return WindowRule(_WINDOW_SIZE, _WINDOW_HOP, max(gap.gap_ms, _LEAST_SHARED_GAP_MS))
    short = median(gap.session_events) <= _SHORT_SESSION if gap.session_events else False
    return WindowRule(_WINDOW_SIZE, 1 if short else _WINDOW_HOP, gap.gap_ms)


def proposal_of(
    lines: Sequence[bytes],
    line_format: LineFormat,
    ranking: KeyRanking,
    gap: SessionGap,
    unreadable: int = 0,
) -> Proposal:
    """Put the settings together.

    Args:
        lines: The lines that were looked at.
        line_format: How they are written.
        ranking: The candidates for their key.
        gap: The proposed session gap, for the proposed key.
        unreadable: How many of the lines cannot be read.
    """
    key = proposed_key(ranking)
    doubts = (*_doubts_of_lines(lines, unreadable), *_doubts(line_format, ranking, gap))
    return Proposal(key, proposed_rule(key, gap), line_format, PRESET, doubts)


def _doubts_of_lines(lines: Sequence[bytes], unreadable: int) -> Iterator[str]:
    if len(lines) < FEW_LINES:
        yield f"There are only {len(lines)} lines: everything here is a guess. Give at least some thousand."
    if unreadable > _MANY * len(lines):
        yield (
            f"{unreadable / len(lines):.0%} of the lines cannot be read; they are left out, and nothing watches them. "
            "Are these logs, and is the format right? Another one is said with --format."
        )
    if sum(b"\0" in line for line in lines) > _MANY * len(lines):
        yield (
            "Many lines hold NUL bytes. If they are UTF-16, convert them first: iconv -f UTF-16 -t UTF-8 FILE > OTHER."
        )


def _doubts(line_format: LineFormat, ranking: KeyRanking, gap: SessionGap) -> list[str]:
    best, found = ranking.best, []
    if best is None:
        found.append(
            "No candidate cuts these lines into sequences well. Proposed is one sequence for all lines of a file, and "
            "in serving for all lines of the topic. If you know what belongs together, say it with --key-pattern or "
            "--key-field."
        )
    elif best.share < _NEARLY_ALL:
        found.append(
            f"{1 - best.share:.0%} of the lines have no key; they are left out, and nothing watches them. With "
            "--without-key shared they are one sequence of their own."
        )
    if ranking.doubt:
        found.append(f"The key is not certain: {ranking.doubt}.")
    if not line_format.has_time:
        found.append("The lines state no time: silence cannot be measured, so the session gap is a guess.")
    elif gap.longest_ms is None:
        found.append("No key has two lines at different times: the session gap is a guess.")
    return found
