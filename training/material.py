"""What a training learns from: sessions and the words they are written in, read from logs or from preprocessed logs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from model.errors import ConfigurationError
from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule
from training.corpus import Corpus, Session
from training.day_files import DayFile, is_day_file
from training.log_files import LogFiles
from training.progress import Progress, counted
from training.reading import Wording, learn_templates, read_sessions
from training.rows import LineCounts
from training.selection import KeySample, Selection
from training.source import Source

__all__ = ["Material", "day_files_of", "read_days", "read_material"]


@dataclass(frozen=True, slots=True)
class Material:
    """What a training learns from.

    Attributes:
        line_format: How the log lines were written.
        templates: What their messages matched.
        corpus: The sessions.
        key: Whose sequence a line belongs to.
        session_gap_ms: Silence that ended a session.
        sample: Which of the logs' keys the sessions are of.
    """

    line_format: LineFormat
    templates: Templates
    corpus: Corpus
    key: KeyRule
    session_gap_ms: int
    sample: KeySample


def read_material(selection: Selection, key: KeyRule, said: Wording, rule: WindowRule, progress: Progress) -> Material:
    """Read logs, or preprocessed logs.

    Args:
        selection: Log files, or files of preprocessed logs.
        key: Whose sequence a line belongs to; preprocessed logs have theirs.
        said: How lines are written and what of them varies; likewise.
        rule: Its session gap cuts the sessions; likewise.
        progress: Told how far it is.

    Raises:
        ConfigurationError: The files cannot be used, or not so.
    """
    days = day_files_of(selection)
    if not days:
        line_format, templates = learn_templates(selection, said, progress)
        corpus = read_sessions(selection, key, (line_format, templates), rule, progress)
        return Material(line_format, templates, corpus, key, rule.session_gap_ms, selection.sample)
    source, corpus = read_days(days, selection.sample, progress)
    _refuse_other_options(source, key, said)
    if source.session_gap_ms != rule.session_gap_ms:
        progress.note(f"the session gap is that of the preprocessing: {source.session_gap_ms / 1000:g} s.")
    return Material(source.line_format, _known(source), corpus, source.key, source.session_gap_ms, source.sample)


def _known(source: Source) -> Templates:
    """The templates to go on with: where a model's were used, they have not met these logs, and what is novel joins."""
    if source.model is None:
        return source.templates
    return Templates([*source.templates, *source.novel], source.templates.masks)


def day_files_of(selection: Selection) -> list[DayFile]:
    """The files of preprocessed logs that a selection leads to, in the order of days; empty where it leads to logs.

    Raises:
        ConfigurationError: It leads to both, or to nothing, or a file cannot be read.
    """
    files = LogFiles(selection).files
    preprocessed = [path for path in files if is_day_file(path)]
    if preprocessed and len(preprocessed) < len(files):
        other = next(path for path in files if path not in set(preprocessed))
        raise ConfigurationError(
            f"{preprocessed[0]} holds preprocessed logs and {other} does not; name logs or preprocessed logs, not both."
        )
    return sorted(map(DayFile, preprocessed), key=lambda file: (file.day, file.path))


def read_days(days: Sequence[DayFile], sample: KeySample, progress: Progress) -> tuple[Source, Corpus]:
    """Read preprocessed logs into memory.

    Args:
        days: At least one, in the order in which their sessions are to be.
        sample: Which of their keys; the source that is returned says which of the logs' keys these are.
        progress: Told how far it is.

    Raises:
        ConfigurationError: They do not belong together, or one is damaged.
    """
    joined = _joined(days)
    kept = sample.of(joined.sample)
    first_file, bases = 0, {}
    for source in _distinct(days):
        bases[id(source)], first_file = first_file, first_file + len(source.files)
    sessions: list[Session] = []
    progress.begin("reading", sum(day.source.days[day.day] for day in days))
    for day in days:
        found = counted(day.sessions(), progress)
        sessions += [_moved(session, bases[id(day.source)]) for session in found if session.key in kept]
    progress.end()
    if not sessions:
        raise ConfigurationError(f"no sequence of {len(days)} files is in the sample; raise the sample ratio.")
    files = [Path(name) for source in _distinct(days) for name in source.files]
    return replace(joined, sample=kept), Corpus(sessions, files, *_counts(days, sessions))


def _distinct(days: Sequence[DayFile]) -> list[Source]:
    return list({id(day.source): day.source for day in days}.values())


def _joined(days: Sequence[DayFile]) -> Source:
    """The source of all files together; only novel events may differ."""
    first = days[0]
    bound = _bound(first.source)
    for day in days[1:]:
        if day.source is not first.source and _bound(day.source) != bound:
            raise ConfigurationError(
                f"{first.path} and {day.path} were preprocessed apart, with other templates, keys, gaps or samples; "
                "preprocess all logs in one go, into an empty folder, or each with the same --model."
            )
    seen: set[tuple[int, str]] = set()
    for day in days:
        if (id(day.source), day.day) in seen:
            raise ConfigurationError(f"{day.path} holds a day that another of the files holds too; name one of them.")
        seen.add((id(day.source), day.day))
    return replace(first.source, novel=Templates(novel for source in _distinct(days) for novel in source.novel))


def _bound(source: Source) -> tuple[object, ...]:
    """What files must have in common to be learnt from together."""
    texts = tuple((template.text, template.forms) for template in source.templates)
    words = (texts, source.templates.masks)
    return source.line_format, source.key, source.session_gap_ms, source.sample, source.model, words


def _counts(days: Sequence[DayFile], sessions: Sequence[Session]) -> tuple[LineCounts, tuple[str, ...]]:
    """What became of the log lines; where days are missing, their events are all that is known."""
    [source, *others] = _distinct(days)
    named = tuple(sorted(day.day for day in days))
    if not others and set(named) == set(source.days):
        return source.counts, ()
    return LineCounts(lines=sum(map(len, sessions))), named


def _moved(session: Session, base: int) -> Session:
    """The session with its files counted from another one."""
    if not base:
        return session
    return Session(session.key, session.events, tuple((file + base, line) for file, line in session.places))


def _refuse_other_options(source: Source, key: KeyRule, said: Wording) -> None:
    if key.names_a_key and key != source.key:
        raise ConfigurationError(
            "the key of preprocessed logs was decided when they were preprocessed; leave the key options out, or "
            "preprocess the logs again with them."
        )
    if said.lines != Wording().lines:
        raise ConfigurationError("preprocessed logs have no lines any more; leave the format options out.")
    if said.masks != Wording().masks:
        raise ConfigurationError(
            "the events of preprocessed logs were named when they were preprocessed; leave the masks out, or "
            "preprocess the logs again with them."
        )
