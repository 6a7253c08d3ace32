"""Judging a batch of windows: scores, and an explained alert for each that scores above the threshold.

Whatever one window does to the model, the others are judged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from model.content import WindowContent
from model.errors import TransientError
from model.scoring import Scorer
from stream.alert_making import Judgement, RawLine, alert_of
from stream.alerts import Alert
from stream.telemetry import WorkerMetrics
from stream.windowing.ready import ReadyWindow
from stream.windowing.store import PartitionId

__all__ = ["Failure", "Judge", "Raised", "Verdicts"]

log = structlog.get_logger()


class Failure(NamedTuple):
    """A window that could not be judged."""

    window: ReadyWindow
    error: Exception


class Raised(NamedTuple):
    """An alert, and what it was raised for.

    Attributes:
        alert: To be published.
        window: What was judged.
        appended_ms: When Kafka got the window's last line, ms since 1970; None where it was not read back.
    """

    alert: Alert
    window: ReadyWindow
    appended_ms: int | None


@dataclass(slots=True)
class Verdicts:
    """What a batch came to.

    Attributes:
        alerts: An alert for each window above the threshold.
        failures: Windows that could not be judged.
        judged: How many windows could be.
    """

    alerts: list[Raised] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    judged: int = 0


class Judge:
    """Scores windows and explains those that are anomalous.

    Args:
        scorer: The front door of the model.
        texts: Gives the texts of novel events of a partition, by event ID; it is asked about none as well.
        lines: Gives raw lines of a window: those of the events at some indices, and the last; None where alerts have
            none.
        max_deliveries: A window that this many workers were given before, and did not finish, is not tried again.
        metrics: Where to count.
    """

    def __init__(
        self,
        scorer: Scorer,
        texts: Callable[[PartitionId, Sequence[bytes]], Mapping[bytes, str]],
        lines: Callable[[ReadyWindow, Sequence[int]], list[RawLine] | None],
        max_deliveries: int,
        metrics: WorkerMetrics,
    ) -> None:
        self._scorer = scorer
        self._texts = texts
        self._lines = lines
        self._max_deliveries = max_deliveries
        self._metrics = metrics

    def judge(self, windows: Sequence[ReadyWindow], threshold: float) -> Verdicts:
        """Judge a batch.

        Raises:
            TransientError: Redis does not answer; nothing was published, the batch may be judged again.
        """
        metrics, verdicts = self._metrics, Verdicts()
        metrics.batch_windows.observe(len(windows))
        metrics.repeated.inc(sum(window.deliveries > 0 for window in windows))
        with metrics.score_seconds.time():
            scores = self._scores([window for window in windows if not self._given_up(window, verdicts)], verdicts)
        for window, score in scores:
            try:
                if score > threshold:
                    verdicts.alerts.append(self._raise(window, score, threshold))
                verdicts.judged += 1
            except TransientError:
                raise
            except Exception as exc:  # noqa: BLE001 -- it becomes a dead letter that says what happened
                verdicts.failures.append(Failure(window, exc))
        return verdicts

    def _given_up(self, window: ReadyWindow, verdicts: Verdicts) -> bool:
        """Whether the window ended its workers before they could say why: it must not end this one too."""
        if window.deliveries < self._max_deliveries:
            return False
        error = RuntimeError(f"{window.deliveries} workers were given the window, none finished it")
        verdicts.failures.append(Failure(window, error))
        return True

    def _scores(self, windows: Sequence[ReadyWindow], verdicts: Verdicts) -> list[tuple[ReadyWindow, float]]:
        scorer = self._scorer
        hits, misses = scorer.hits, scorer.misses
        try:
            scores = scorer.score([_content(window) for window in windows]) if windows else []
        except Exception as exc:
            if len(windows) == 1:
                log.exception("window_not_scored", partition=str(windows[0].partition), key=windows[0].key)
                verdicts.failures.append(Failure(windows[0], exc))
                return []
            return [scored for window in windows for scored in self._scores([window], verdicts)]
        self._metrics.cache_hits.inc(scorer.hits - hits)
        self._metrics.cache_misses.inc(scorer.misses - misses)
        return list(zip(windows, scores, strict=True))

    def _raise(self, window: ReadyWindow, score: float, threshold: float) -> Raised:
        artefact = self._scorer.artefact
        content = _content(window)
        texts = self._texts(window.partition, self._scorer.novel_events(content))
        explanation = self._scorer.explain(content, texts)
        judgement = Judgement(score, artefact.calibration.percentile(score), threshold, artefact.version)
        surprising = [event.index for event in explanation.events if 0 <= event.index < window.size]
        lines = self._lines(window, surprising)
        last = lines[-1] if lines and lines[-1].place == window.last_place else None
        alert = alert_of(window, judgement, explanation, lines)
        return Raised(alert, window, last.appended_ms if last else None)


def _content(window: ReadyWindow) -> WindowContent:
    return WindowContent(window.event_ids, window.starts_session, window.final)
