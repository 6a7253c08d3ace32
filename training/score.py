"""Score log files with a trained model: files in, JSON out, no Kafka and no Redis."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from model.artefact import Artefact
from model.content import WindowContent
from model.errors import ConfigurationError
from model.lines.key_rule import KeyRule
from model.scoring import Scorer
from stream.windowing.windows import Span, WindowRule
from training.corpus import Corpus, Session, windows_of
from training.progress import Progress, SilentProgress
from training.reading import read_sessions

__all__ = ["ScoredWindow", "ScoringRequest", "score_corpus", "score_files", "write_json"]

_WINDOWS_A_CALL = 2_048


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """What to score, and with what.

    Attributes:
        artefact: Folder of a trained model.
        inputs: Log files, folders and globs; ``.gz`` is unpacked.
        output: JSON file to write; None writes nothing.
        key: Whose sequence a line belongs to; None takes the training's.
        rule: How windows are cut; None takes the training's.
        threshold: In nats; None takes the budget or else the model's own threshold.
        alerts_per_10000_windows: Alert budget that sets the threshold.
    """

    artefact: Path
    inputs: tuple[str | Path, ...]
    output: Path | None = None
    key: KeyRule | None = None
    rule: WindowRule | None = None
    threshold: float | None = None
    alerts_per_10000_windows: float | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and self.alerts_per_10000_windows is not None:
            raise ConfigurationError("both a threshold and an alert budget are given; give one of them.")

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
        score: In nats.
    """

    session: Session
    span: Span
    content: WindowContent
    score: float


def score_files(request: ScoringRequest, progress: Progress | None = None) -> list[dict[str, Any]]:
    """Score every window of log files.

    Args:
        request: What to score.
        progress: Told how far it is.

    Returns:
        One JSON object a window, in the order of sessions; ``docs/how-to`` lists its fields. They are written to
        ``request.output`` too.

    Raises:
        ConfigurationError: The request or the logs cannot be used.
        ModelError: The artefact cannot be used.
    """
    progress = progress or SilentProgress()
    artefact = Artefact.load(request.artefact)
    threshold = request.threshold_of(artefact)
    corpus = _read(request, artefact, progress)
    scored = score_corpus(Scorer(artefact), corpus, request.rule_of(artefact), progress)
    results = [_result(window, artefact, corpus, threshold) for window in scored]
    if request.output is not None:
        write_json(request.output, results)
    return results


def score_corpus(scorer: Scorer, corpus: Corpus, rule: WindowRule, progress: Progress) -> list[ScoredWindow]:
    """Cut and score all sessions."""
    cut = [(session, span, content) for session in corpus.sessions for span, content in windows_of(session, rule)]
    progress.begin("scoring", len(cut))
    scored: list[ScoredWindow] = []
    for part in _parts(cut):
        scores = scorer.score([content for _, _, content in part])
        scored.extend(ScoredWindow(*item, score) for item, score in zip(part, scores, strict=True))
        progress.advance(len(part), {})
    progress.end()
    return scored


def write_json(path: Path, value: object) -> None:
    """Write a JSON file under a temporary name, then rename.

    Raises:
        ConfigurationError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
        temporary.replace(path)
    except OSError as exc:
        raise ConfigurationError(f"cannot write {path}: {exc}. Name a file in a folder that can be written.") from exc


def _read(request: ScoringRequest, artefact: Artefact, progress: Progress) -> Corpus:
    words = (artefact.line_format, artefact.templates)
    return read_sessions(request.inputs, request.key_of(artefact), words, request.rule_of(artefact), progress)


def _parts(
    cut: Sequence[tuple[Session, Span, WindowContent]],
) -> Iterator[Sequence[tuple[Session, Span, WindowContent]]]:
    for start in range(0, len(cut), _WINDOWS_A_CALL):
        yield cut[start : start + _WINDOWS_A_CALL]


def _result(window: ScoredWindow, artefact: Artefact, corpus: Corpus, threshold: float) -> dict[str, Any]:
    places = window.session.places[window.span.start : window.span.stop]
    return {
        "key": window.session.key.decode("utf-8", "backslashreplace"),
        "start": window.span.start,
        "stop": window.span.stop,
        "final": window.span.final,
        "first_line": _line(places[0], corpus),
        "last_line": _line(places[-1], corpus),
        "anomaly_score": round(window.score, 6),
        "percentile": round(artefact.calibration.percentile(window.score), 4),
        "threshold": threshold,
        "anomalous": window.score > threshold,
    }


def _line(place: tuple[int, int], corpus: Corpus) -> dict[str, str | int]:
    return {"file": corpus.files[place[0]].name, "line": place[1]}
