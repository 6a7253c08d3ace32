"""The steps from log files to sessions: find the line format, mine the templates, parse, take the keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from model.errors import ConfigurationError
from model.events.mining import Miner
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.detection import detect_format
from model.lines.formats import LineFormat
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from stream.windowing.windows import WindowRule
from training.corpus import Corpus, LogFiles, read_corpus
from training.progress import Progress

__all__ = ["KeySource", "learn_templates", "read_sessions"]

_SAMPLE_LINES = 2_000


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a line says whose sequence it belongs to.

    Attributes:
        pattern: A regular expression (RE2) searched in the line; its groups, joined with ``|``, are the key.
        field: A field of a JSON line, such as ``trace_id``, or a JSON pointer, such as ``/a/b``.

    With neither, each file is one key.
    """

    pattern: str | None = None
    field: str | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None and self.field is not None:
            raise ConfigurationError("the key is given both as a pattern and as a JSON field; give one of them.")

    def extractor(self) -> KeyExtractor | None:
        """Build the extractor; None where each file is one key.

        Raises:
            ConfigurationError: The pattern or field is not allowed.
        """
        if self.pattern is not None:
            return KeyExtractor.from_pattern(self.pattern)
        return KeyExtractor.from_field(self.field) if self.field is not None else None

    def to_json(self) -> dict[str, str | None]:
        """A JSON object that ``from_json`` reads."""
        return {"pattern": self.pattern, "field": self.field}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "KeySource":
        """Read what ``to_json`` wrote."""
        return cls(value.get("pattern"), value.get("field"))


def learn_templates(
    inputs: Sequence[str | Path], lines_are: FormatChoice, progress: Progress
) -> tuple[LineFormat, Templates]:
    """Read the logs once to find how lines are written (unless said) and what messages there are.

    Raises:
        ConfigurationError: The inputs lead to no lines.
    """
    files = LogFiles(inputs)
    sample = islice(files.lines(), _SAMPLE_LINES)
    line_format = lines_are.applied_to(lambda: detect_format(line for _, _, line in sample))
    miner, parser = Miner(), LineParser(line_format, Templates())
    progress.begin("templates", None)
    lines = 0
    for batch in files.batches():
        miner.add(parser.message_shapes([line for _, _, line in batch]))
        lines += len(batch)
        progress.advance(len(batch), {})
    progress.end()
    if not lines:
        raise ConfigurationError(f"there is no line in {', '.join(map(str, inputs))}; name logs of normal operation.")
    return line_format, miner.finish()


def read_sessions(
    inputs: Sequence[str | Path],
    key: KeySource,
    words: tuple[LineFormat, Templates],
    rule: WindowRule,
    progress: Progress,
) -> Corpus:
    """Read the logs into sessions.

    Args:
        inputs: Files, folders and globs.
        key: Whose sequence a line belongs to.
        words: How lines are written, and the templates of their messages.
        rule: Its session gap cuts the sessions.
        progress: Told of lines that could not be used.

    Raises:
        ConfigurationError: No line has a key, or the inputs lead to no file.
    """
    corpus = read_corpus(LogFiles(inputs), LineParser(*words), key.extractor(), rule.session_gap_ms)
    if not corpus.sessions:
        raise ConfigurationError(
            f"none of the {corpus.lines} lines belongs to a session: no key was found in {corpus.without_key} of them. "
            "Check the key's pattern or field against a line of the logs."
        )
    if corpus.without_key:
        progress.note(f"{corpus.without_key} of {corpus.lines} lines have no key and are left out.")
    if corpus.unreadable:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(corpus.unreadable.items()))
        progress.note(f"lines that cannot be read are left out: {reasons}.")
    return corpus
