"""Score log files with a trained model: files in, JSON out, no Kafka and no Redis."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from model.artefact import Artefact
from model.content import WindowContent
from model.errors import ConfigurationError
from model.lines.key_rule import KeyRule
from model.scoring import Scorer
from stream.windowing.windows import Span, WindowRule
from training.corpus import Corpus, Session, windows_of
from training.decision import check_decision
from training.log_files import LogFiles
from training.pictures import check_picture, score_histogram
from training.progress import Progress, SilentProgress
from training.score_summary import ScoreSummary
from training.to_score import SessionsToScore, sessions_to_score
from training.writing import check_outputs, standard_output, written_whole

__all__ = ["ScoredWindow", "ScoringRequest", "score_corpus", "score_files"]

_WINDOWS_A_CALL = 2_048

_Cut = tuple[Session, Span, WindowContent, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """What to score, and with what.

    Attributes:
        artefact: Folder of a trained model.
        inputs: Log files, folders and globs, or preprocessed logs; ``.gz`` is unpacked.
        output: JSON file to write; None writes to standard output.
        key: Whose sequence a line belongs to; None takes the training's.
        rule: How windows are cut; None takes the training's.
        threshold: In nats; None takes the budget or else the model's own threshold.
        alerts_per_10000_windows: Alert budget that sets the threshold.
        plot: Picture file of the scores' distribution; None draws none.
    """

    artefact: Path
    inputs: tuple[str | Path, ...]
    output: Path | None = None
    key: KeyRule | None = None
    rule: WindowRule | None = None
    threshold: float | None = None
    alerts_per_10000_windows: float | None = None
    plot: Path | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ConfigurationError("no logs are named; name files, folders or globs.")
        check_decision(self.threshold, self.alerts_per_10000_windows)
        check_picture(self.plot)

    def threshold_of(self, artefact: Artefact) -> float:
        """The threshold to decide by, in nats."""
        if self.alerts_per_10000_windows is not None:
            return artefact.calibration.threshold_for(self.alerts_per_10000_windows)
        return artefact.threshold if self.threshold is None else self.threshold

    def rule_of(self, artefact: Artefact) -> WindowRule:
        """The window rule to cut by."""
        return self.rule or WindowRule(**asdict(artefact.rule))

    def key_of(self, artefact: Artefact) -> KeyRule:
        """The key to group by."""
        return self.key or KeyRule.from_json(artefact.settings["key"])


class ScoredWindow(NamedTuple):
    """A window with its score.

    Attributes:
        session: Its session.
        span: Which events of the session.
        content: What was scored.
        files: Names of the log files that the session's places count.
        score: In nats.
    """

    session: Session
    span: Span
    content: WindowContent
    files: Sequence[str]
    score: float


def score_files(request: ScoringRequest, progress: Progress | None = None) -> ScoreSummary:
    """Score every window of log files or preprocessed logs, and write a JSON list with an object for each.

    Preprocessed logs are streamed: neither they nor the results are ever in memory as a whole.

    Args:
        request: What to score.
        progress: Told how far it is.

    Returns:
        What the scores are like; ``docs/training.md`` lists the fields of the objects.

    Raises:
        ConfigurationError: The request or the logs cannot be used, or a file cannot be written.
        ModelError: The artefact cannot be used.
    """
    progress = progress or SilentProgress()
    artefact = Artefact.load(request.artefact)
    outputs = {"--output": request.output, "--plot": request.plot}
    check_outputs(outputs, [*LogFiles(request.inputs).files, request.artefact])
    output = _output(request.output)
    rule, threshold = request.rule_of(artefact), request.threshold_of(artefact)
    found = sessions_to_score(request.inputs, artefact, request.key_of(artefact), rule, progress)
    scores = array("d")
    with output as file:
        _write_list(file, _results(found, artefact, (rule, threshold), scores, progress))
    summary = ScoreSummary.of(scores, threshold, artefact)
    if request.plot is not None:
        picture = score_histogram({"windows scored": summary.scores}, threshold, request.plot.suffix)
        with written_whole(request.plot) as file:
            file.write(picture)
    return summary


def score_corpus(scorer: Scorer, corpus: Corpus, rule: WindowRule, progress: Progress) -> list[ScoredWindow]:
    """Cut and score all sessions."""
    names = [path.name for path in corpus.files]
    cut = list(_cut(((session, names) for session in corpus.sessions), rule))
    progress.begin("scoring", len(cut))
    scored = list(_scored(scorer, cut, progress))
    progress.end()
    return scored


def _results(
    found: SessionsToScore,
    artefact: Artefact,
    decided_by: tuple[WindowRule, float],
    scores: "array[float]",
    progress: Progress,
) -> Iterator[dict[str, Any]]:
    """Yield what is told of each window, and keep its score."""
    rule, threshold = decided_by
    progress.begin("scoring", found.windows)
    for window in _scored(Scorer(artefact), _cut(found.sessions, rule), progress):
        result = _result(window, artefact, threshold)
        scores.append(result["anomaly_score"])
        yield result
    progress.end()


def _cut(sessions: Iterable[tuple[Session, Sequence[str]]], rule: WindowRule) -> Iterator[_Cut]:
    for session, files in sessions:
        for span, content in windows_of(session, rule):
            yield session, span, content, files


def _scored(scorer: Scorer, cut: Iterable[_Cut], progress: Progress) -> Iterator[ScoredWindow]:
    windows = iter(cut)
    while part := list(islice(windows, _WINDOWS_A_CALL)):
        scores = scorer.score([content for _, _, content, _ in part])
        yield from (ScoredWindow(*item, score) for item, score in zip(part, scores, strict=True))
        progress.advance(len(part), {})


def _output(path: Path | None) -> AbstractContextManager[BinaryIO]:
    return nullcontext(standard_output()) if path is None else written_whole(path)


def _write_list(file: BinaryIO, values: Iterable[dict[str, Any]]) -> None:
    """Write a JSON list, one value a line."""
    before = b"[\n"
    for value in values:
        file.write(before + orjson.dumps(value))
        before = b",\n"
    file.write(b"[]\n" if before == b"[\n" else b"\n]\n")
    file.flush()


def _result(window: ScoredWindow, artefact: Artefact, threshold: float) -> dict[str, Any]:
    places = window.session.places[window.span.start : window.span.stop]
    score = round(window.score, 6)
    return {
        "key": window.session.key.decode("utf-8", "backslashreplace"),
        "start": window.span.start,
        "stop": window.span.stop,
        "final": window.span.final,
        "first_line": _line(places[0], window.files),
        "last_line": _line(places[-1], window.files),
        "anomaly_score": score,
        "percentile": round(artefact.calibration.percentile(window.score), 4),
        "threshold": threshold,
        "anomalous": score > threshold,
    }


def _line(place: tuple[int, int], files: Sequence[str]) -> dict[str, str | int]:
    return {"file": files[place[0]], "line": place[1]}
