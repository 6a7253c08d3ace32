"""What is to be scored: the sessions of logs, or of preprocessed logs in the event IDs of a model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from model.artefact import Artefact
from model.content import split_events
from model.events.templates import Template, Templates
from model.lines.key_rule import KeyRule
from stream.windowing.windows import WindowRule, session_spans
from training.corpus import Corpus, Session
from training.day_files import DayFile, Source
from training.material import day_files_of, read_days
from training.progress import Progress, counted
from training.reading import read_sessions
from training.selection import KeySample, Selection

__all__ = ["SessionsToScore", "corpus_to_score", "sessions_to_score"]

#: A template's sample that is as long as this may have been cut.
_WHOLE_SAMPLE_CHARACTERS = 299


class SessionsToScore(NamedTuple):
    """Sessions, one after another.

    Attributes:
        sessions: Each with the names of the log files that its places count.
        windows: How many windows they are cut into.
    """

    sessions: Iterable[tuple[Session, Sequence[str]]]
    windows: int


def sessions_to_score(
    inputs: Sequence[str | Path], artefact: Artefact, key: KeyRule, rule: WindowRule, progress: Progress
) -> SessionsToScore:
    """Read logs into memory, or open preprocessed logs, which are streamed.

    Preprocessed logs are read once before, so that damage is found at the start.

    Args:
        inputs: Files, folders and globs.
        artefact: The model.
        key: Whose sequence a line of logs belongs to.
        rule: How windows are cut.
        progress: Told how far it is, and of what the model may misunderstand.

    Raises:
        ConfigurationError: The files cannot be used.
    """
    days = day_files_of(Selection.of(inputs))
    if not days:
        corpus = read_sessions(inputs, key, (artefact.line_format, artefact.templates), rule, progress)
        names = [path.name for path in corpus.files]
        return SessionsToScore([(session, names) for session in corpus.sessions], _windows(corpus.sessions, rule))
    _note_differences(days, artefact, rule, progress)
    progress.begin("checking", sum(day.source.days[day.day] for day in days))
    windows = sum(_windows(counted(day.sessions(), progress), rule) for day in days)
    progress.end()
    return SessionsToScore(_streamed(days, artefact), windows)


def corpus_to_score(
    inputs: Sequence[str | Path], artefact: Artefact, key: KeyRule, rule: WindowRule, progress: Progress
) -> Corpus:
    """Read logs or preprocessed logs into memory; as ``sessions_to_score``."""
    days = day_files_of(Selection.of(inputs))
    if not days:
        return read_sessions(inputs, key, (artefact.line_format, artefact.templates), rule, progress)
    _note_differences(days, artefact, rule, progress)
    source, corpus = read_days(days, KeySample(), progress)
    words = _translation(source, artefact)
    corpus.sessions = [_translated(session, words) for session in corpus.sessions]
    return corpus


def _windows(sessions: Iterable[Session], rule: WindowRule) -> int:
    return sum(1 for session in sessions for _ in session_spans(len(session), rule))


def _streamed(days: Sequence[DayFile], artefact: Artefact) -> Iterator[tuple[Session, Sequence[str]]]:
    for day in days:
        words = _translation(day.source, artefact)
        for session in day.sessions():
            yield _translated(session, words), day.source.files


def _translation(source: Source, artefact: Artefact) -> dict[bytes, bytes]:
    """The model's event IDs for those that it has no template of but whose messages match one of its templates."""
    found = ((template.event_id, _match(template, artefact.templates)) for template in _unknown(source, artefact))
    return {event: match.event_id for event, match in found if match is not None}


def _match(template: Template, templates: Templates) -> Template | None:
    """Match as serving would match the template's sample, or else its text."""
    whole = len(template.sample) <= _WHOLE_SAMPLE_CHARACTERS
    by_sample = templates.match(template.sample.encode("utf-8", "replace")) if whole else None
    return by_sample or templates.match_masked(template.text.encode("utf-8", "replace"))


def _unknown(source: Source, artefact: Artefact) -> list[Template]:
    return [each for each in (*source.templates, *source.novel) if each.event_id not in artefact.templates]


def _translated(session: Session, words: Mapping[bytes, bytes]) -> Session:
    if not words:
        return session
    events = b"".join(words.get(event, event) for event in split_events(session.events))
    return Session(session.key, events, session.places)


def _note_differences(days: Sequence[DayFile], artefact: Artefact, rule: WindowRule, progress: Progress) -> None:
    """Say what was decided otherwise in preprocessing than in the model's training."""
    sources = {id(day.source): day.source for day in days}.values()
    unknown = {each.event_id for source in sources for each in _unknown(source, artefact) if not source.model}
    if unknown:
        progress.note(
            f"{len(unknown)} templates of the preprocessing are not the model's: they are matched with its templates "
            "by their texts, or else are novel. Preprocess with --model for the event IDs of serving."
        )
    if any(source.session_gap_ms != rule.session_gap_ms for source in sources):
        progress.note("sessions were cut at another gap when they were preprocessed than in the model's training.")
    if any(source.key != KeyRule.from_json(dict(artefact.settings["key"])) for source in sources):
        progress.note("the key of the preprocessing is not that of the model's training.")
