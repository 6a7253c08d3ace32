"""Logs -> what a newcomer wants to know about them first, and the settings to begin with."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model.errors import ConfigurationError
from model.events.mining import Miner
from model.events.templates import Template, Templates
from model.lines.detection import Detection, detect
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from training.inspection.columns import Columns, read_columns
from training.inspection.key_candidates import KeyFigures, KeyMeter, KeyRanking, ranking
from training.inspection.key_columns import key_columns
from training.inspection.line_parts import Part, line_parts
from training.inspection.proposal import Proposal, proposal_of, proposed_key
from training.inspection.sample import Sample, take_sample
from training.inspection.session_gap import SessionGap, proposed_gap
from training.log_files import LogFiles, name_text
from training.progress import Progress, SilentProgress
from training.reading import Wording
from training.said_fields import notes_on_fields

__all__ = ["Inspection", "inspect_logs"]

_BATCH = 20_000
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        sample: What was looked at.
        said: What a person said about the lines.
        detection: The format, and how many of the lines have it.
        unreadable: Lines that are no log lines, by reason.
        templates: What messages there are, the commonest first.
        examples: Lines taken apart, of different templates.
        ranking: The candidates for the key.
        gap: The session gap, by the proposed key.
        proposal: The settings to begin with.
        lines_per_second: Raw line to key, time and event ID, in one process of this machine.
    """

    sample: Sample
    said: Wording
    detection: Detection
    unreadable: dict[str, int]
    templates: tuple[Template, ...]
    examples: tuple[tuple[Part, ...], ...]
    ranking: KeyRanking
    gap: SessionGap
    proposal: Proposal
    lines_per_second: float

    def to_json(self) -> dict[str, Any]:
        """All of it as one JSON object, for machines."""
        sample, key, rule = self.sample, self.proposal.key, self.proposal.rule
        return {
            "files": [name_text(path) for path in sample.paths],
            "bytes": sample.size_bytes,
            "lines": len(sample.lines),
            "all_lines": sample.whole,
            "format": self.detection.line_format.to_json(),
            "format_share": round(self.detection.confidence, 4),
            "unreadable": self.unreadable,
            "lines_per_second": round(self.lines_per_second),
            "templates": [{"text": each.text, "lines": each.count} for each in self.templates],
            "examples": [[part.to_json() for part in parts] for parts in self.examples],
            "keys": [each.to_json() for each in self.ranking.figures],
            "proposal": {
                "key": key.to_json() if key.names_a_key else None,
                "masks": self.proposal.masks.to_json(),
                "without_key": key.without,
                "window_size": rule.size,
                "window_hop": rule.hop,
                "session_gap_ms": rule.session_gap_ms,
                "longest_silence_ms": self.gap.longest_ms,
                "keys_come_back": self.gap.comes_back,
                "preset": self.proposal.preset,
                "doubts": list(self.proposal.doubts),
            },
        }


def inspect_logs(
    inputs: Sequence[str],
    said: Wording = Wording(),  # noqa: B008 -- frozen, so one for all does no harm
    progress: Progress | None = None,
) -> Inspection:
    """Look at logs: all lines of small ones, a bounded sample of large ones.

    Args:
        inputs: Files, folders and globs; ``.gz`` is unpacked.
        said: What a person says about the lines; the rest is found out.
        progress: Told how far it is.

    Raises:
        ConfigurationError: The inputs lead to no line that can be read.
    """
    progress = progress or SilentProgress()
    LogFiles(inputs).tell(progress)
    progress.begin("reading", None)
    sample = take_sample(inputs)
    progress.advance(len(sample.lines), {})
    progress.end()
    detection = detect(sample.lines)
    line_format = said.lines.applied_to(lambda: detection.line_format)
    for note in notes_on_fields(said.lines, line_format, sample.lines):
        progress.note(note)
    detection = Detection(line_format, detection.confidence, detection.lines)
    templates = _templates(sample, LineParser(line_format, Templates()), said, progress)
    parser = LineParser(line_format, templates)
    parsed = parser.parse(sample.lines)
    if not parsed.event_id:
        raise ConfigurationError(
            f"none of {len(sample.lines)} lines can be read as {line_format.kind}; name another --format."
        )
    columns = read_columns(sample, parsed, line_format)
    ranked = _ranking(columns, progress)
    keys = columns.keys(proposed_key(ranked)) if ranked.best else [b"%d" % file for file in columns.files]
    gap = proposed_gap(keys, columns.time_ms, columns.events)
    proposal = proposal_of(sample.lines, line_format, ranked, gap, len(parsed.errors))
    proposal = replace(proposal, masks=said.masks)
    return Inspection(
        sample=sample,
        detection=detection,
        unreadable=dict(Counter(error.reason for _, error in parsed.errors)),
        said=said,
        templates=tuple(sorted(templates, key=lambda each: (-each.count, each.text))),
        examples=tuple(_examples(columns, (proposal.key, keys), parser)),
        ranking=ranked,
        gap=gap,
        proposal=proposal,
        lines_per_second=_speed(sample, LineParser(line_format, templates), proposal.key),
    )


def _templates(sample: Sample, parser: LineParser, said: Wording, progress: Progress) -> Templates:
    progress.begin("templates", len(sample.lines))
    miner = Miner(masks=said.masks)
    for batch in _batches(sample.lines):
        miner.add(parser.message_shapes(batch))
        progress.advance(len(batch), {})
    progress.end()
    return miner.finish()


def _ranking(columns: Columns, progress: Progress) -> KeyRanking:
    meter, figures = KeyMeter(columns.events), list[KeyFigures]()
    progress.begin("keys", None)
    for candidate, column in key_columns(columns):
        figures.append(meter.figures(candidate, column))
        progress.advance(1, {})
    progress.end()
    return ranking(figures)


def _examples(
    columns: Columns, found: tuple[KeyRule, Sequence[bytes | None]], parser: LineParser
) -> Iterator[tuple[Part, ...]]:
    """A line of each of the commonest events, in the order of the log."""
    commonest = {event for event, _ in Counter(columns.event_ids).most_common(_EXAMPLES)}
    for place, event in enumerate(columns.event_ids):
        if event in commonest:
            commonest.remove(event)
            rule, keys = found
            own = (rule, keys[place] if rule.names_a_key else None)
            yield tuple(line_parts(columns.values[place], columns.line_format, parser.text_of(event), own))


def _speed(sample: Sample, parser: LineParser, key: KeyRule) -> float:
    """Lines a second, once the parser knows the lines' shapes as it does after its first minutes."""
    keys = KeyExtractor(key, parser.line_format) if key.names_a_key else None
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        for batch in _batches(sample.lines):
            parsed = parser.parse(batch)
            if keys is not None:
                keys.of_lines(batch, parsed.record, parsed.line)
        seconds.append(time.perf_counter() - begin)
    return len(sample.lines) / max(1e-9, min(seconds))


def _batches(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(lines), _BATCH):
        yield lines[start : start + _BATCH]
