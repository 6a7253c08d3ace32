"""The lines of a sample in columns: what the measures of keys and silences look at."""

from dataclasses import dataclass

from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import ParsedLines
from training.inspection.coding import numbered
from training.inspection.sample import Sample
from training.rows import EffectiveTimes

__all__ = ["Columns", "read_columns"]


@dataclass(frozen=True, slots=True)
class Columns:
    """The lines of a sample that can be read, in the order of their times.

    Attributes:
        line_format: How they are written.
        values: Their records: for files, the whole line of the file.
        numbers: Their numbers in their records.
        files: The indexes of their files.
        time_ms: Their times; within a file none goes back, and 0 stands for none.
        event_ids: Their event IDs.
        events: The same, numbered from 0.
    """

    line_format: LineFormat
    values: list[bytes]
    numbers: list[int]
    files: list[int]
    time_ms: list[int]
    event_ids: list[bytes]
    events: list[int]

    def keys(self, rule: KeyRule) -> list[bytes | None]:
        """Take the key of each line, as training and serving do."""
        extractor = KeyExtractor(rule, self.line_format)
        return extractor.of_lines(self.values, range(len(self.values)), self.numbers)


def read_columns(sample: Sample, parsed: ParsedLines, line_format: LineFormat) -> Columns:
    """Put parsed lines in the order of their times; files that overlap in time are merged, as in training.

    Args:
        sample: The lines.
        parsed: What parsing all of them gave.
        line_format: How they were parsed.
    """
    files = [sample.files[record] for record in parsed.record]
    effective = EffectiveTimes()
    times = list(map(effective.of, files, parsed.time_ms))
    order = sorted(range(len(times)), key=lambda line: (times[line], files[line]))
    event_ids = [parsed.event_id[line] for line in order]
    return Columns(
        line_format,
        values=[sample.lines[parsed.record[line]] for line in order],
        numbers=[parsed.line[line] for line in order],
        files=[files[line] for line in order],
        time_ms=[times[line] for line in order],
        event_ids=event_ids,
        events=numbered(event_ids),
    )
