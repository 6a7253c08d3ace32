"""The steps from log files to sessions: find the line format, mine the templates, parse, take the keys."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from model.errors import ConfigurationError
from model.events.mining import Miner
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.detection import detect_format
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.keys import KeyExtractor
from model.lines.parser import LineParser
from stream.windowing.windows import WindowRule
from training.corpus import Corpus, LogFiles, read_corpus
from training.progress import Progress

__all__ = ["learn_templates", "read_sessions"]

_SAMPLE_LINES = 2_000


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
    key: KeyRule,
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
    if key.record_key or key.headers:
        raise ConfigurationError(
            "the key is to be taken from record keys or headers, and files have none; name a field or an expression."
        )
    keys = KeyExtractor(key, words[0]) if key.names_a_key else None
    corpus = read_corpus(LogFiles(inputs), LineParser(*words), keys, rule.session_gap_ms)
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
