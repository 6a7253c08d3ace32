"""The steps from log files to sessions: find the line format, mine the templates, parse, take the keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from model.errors import ConfigurationError
from model.events.mining import Miner
from model.events.own_masks import NO_OWN_MASKS, OwnMasks
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.detection import detect_format
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.parser import LineParser
from stream.windowing.windows import WindowRule
from training.corpus import Corpus, read_corpus
from training.log_files import LogFiles
from training.progress import Progress
from training.rows import keys_of_files
from training.said_fields import notes_on_fields
from training.selection import Selection

__all__ = ["Wording", "learn_templates", "read_sessions"]

_SAMPLE_LINES = 2_000


@dataclass(frozen=True, slots=True)
class Wording:
    """What a person says about log lines; the rest is found out.

    Attributes:
        lines: How they are written.
        masks: What varies in their messages, beside what the built-in masks find.
    """

    lines: FormatChoice = FormatChoice()  # noqa: RUF009 - frozen, so one for all does no harm
    masks: OwnMasks = NO_OWN_MASKS


def learn_templates(
    inputs: Selection | Sequence[str | Path], said: Wording, progress: Progress
) -> tuple[LineFormat, Templates]:
    """Read the logs once to find how lines are written (unless said) and what messages there are.

    The lines of all keys are read, whatever the sample: what kinds of messages there are does not depend on it.

    Args:
        inputs: Files, folders and globs, or a selection of them.
        said: What is not found out.
        progress: Told how far it is.

    Raises:
        ConfigurationError: The inputs lead to no lines.
    """
    files = LogFiles(inputs)
    line_format = said.lines.applied_to(lambda: detect_format(_sample(files)))
    for note in notes_on_fields(said.lines, line_format, _sample(files)):
        progress.note(note)
    miner, parser = Miner(masks=said.masks), LineParser(line_format, Templates())
    progress.begin("templates", None)
    lines = 0
    for batch in files.batches():
        miner.add(parser.message_shapes([line for _, _, line in batch]))
        lines += len(batch)
        progress.advance(len(batch), {})
    progress.end()
    if not lines:
        named = ", ".join(map(str, Selection.of(inputs).paths))
        raise ConfigurationError(f"there is no line in {named}; name logs of normal operation.")
    return line_format, miner.finish()


def _sample(files: LogFiles) -> Iterator[bytes]:
    """The first lines, read when they are asked for: a line may have megabytes."""
    return (line for _, _, line in islice(files.lines(), _SAMPLE_LINES))


def read_sessions(
    inputs: Selection | Sequence[str | Path],
    key: KeyRule,
    words: tuple[LineFormat, Templates],
    rule: WindowRule,
    progress: Progress,
) -> Corpus:
    """Read the logs into sessions.

    Args:
        inputs: Files, folders and globs, or a selection of them.
        key: Whose sequence a line belongs to.
        words: How lines are written, and the templates of their messages.
        rule: Its session gap cuts the sessions.
        progress: Told of files and lines that could not be used.

    Raises:
        ConfigurationError: No line has a key, or the inputs lead to no file.
    """
    keys, sample = keys_of_files(key, words[0]), Selection.of(inputs).sample
    files = LogFiles(inputs)
    files.tell(progress)
    corpus = read_corpus(files, LineParser(*words), keys, rule.session_gap_ms, sample)
    if not corpus.sessions:
        raise corpus.counts.no_session()
    corpus.files = list(map(Path, files.names))  # what remembers and tells of them writes UTF-8
    corpus.counts.tell(progress)
    return corpus
