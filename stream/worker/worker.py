"""The model worker: ready windows to alerts, each window scored at least once.

A turn of the loop:

1. gather a batch: up to ``worker.batch_windows``, or what came within ``worker.max_delay_ms`` of the first
2. score it; equal windows once, known ones from memory
3. publish an alert for each window above the threshold, and wait until Kafka has acknowledged all
4. only then acknowledge the windows, which removes them from their ready streams

A crash between two steps leaves the windows in their streams: another worker claims them, scores them the same, and
publishes the same alert ids.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import structlog

from model.errors import TransientError
from model.scoring import Scorer
from stream.alert_making import RawLine
from stream.alerts import cloud_event_headers, encode_alert
from stream.consumers.publisher import Publisher
from stream.dead_letters import encode_dead_letter
from stream.live_settings import LiveSettingsFollower
from stream.loop import Loop
from stream.settings import Settings
from stream.telemetry import Heartbeat, WorkerMetrics
from stream.windowing.novel import NovelTexts
from stream.windowing.ready import ReadyWindow
from stream.worker.failures import dead_letter_of_window
from stream.worker.intake import Intake
from stream.worker.judging import Judge
from stream.worker.read_back import ReadBack

__all__ = ["Worker", "WorkerParts"]

log = structlog.get_logger()

IDLE_SECONDS = 0.02
"""The wait between two looks at empty ready streams: part of every alert's latency."""

UNWELL_SECONDS = 60.0
MOST_LINES = 5


@dataclass(frozen=True)
class WorkerParts:
    """What a worker works with.

    Attributes:
        settings: The static settings.
        live: The live settings.
        redis: A client that returns bytes.
        scorer: The front door of the model: windows to scores.
        metrics: Where it counts.
        stop: Set when the process is to end.
    """

    settings: Settings
    live: LiveSettingsFollower
    redis: Any
    scorer: Scorer
    metrics: WorkerMetrics
    stop: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Scores windows until it is stopped.

    Args:
        parts: What it works with.
        clock: Seconds that never go back.
    """

    def __init__(self, parts: WorkerParts, clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._clock = clock
        self._name = uuid.uuid4().hex
        written = [self._settings.kafka.alerts_topic, self._settings.kafka.dead_letters_topic]
        self._publisher = Publisher(self._settings.kafka, written, parts.stop)
        self._read_back = ReadBack(self._settings.kafka)
        novel, most = NovelTexts(parts.redis, self._settings.namespace), self._settings.worker.max_deliveries
        self._judge = Judge(parts.scorer, novel.texts, self._lines, most, parts.metrics)
        idle_ms = self._settings.worker.claim_idle_ms
        self._intake = Intake(parts.redis, self._settings.namespace, self._name, parts.metrics, idle_ms, clock)
        self._unfinished: list[ReadyWindow] = []
        self.health = Heartbeat("the worker", UNWELL_SECONDS, clock)
        self._loop = Loop(self.turn, self._keep, parts.metrics, self.health, clock)

    def run(self) -> None:
        """Work until it is stopped.

        Raises:
            ConfigurationError: Kafka or Redis refuses the user.
            StateError: The state in Redis cannot be trusted.
        """
        log.info("worker_started", worker=self._name, model_version=self._parts.scorer.artefact.version)
        try:
            with self._publisher:
                self._loop.run(self._parts.stop)
                self._intake.leave()
        finally:
            self._read_back.close()
            log.info("worker_stopped", worker=self._name)

    def turn(self) -> bool:
        """One turn of the loop; see the head of this module.

        Returns:
            True: a turn that does not fail has dealt with the batch in hand, or heard from Redis that there is none.

        Raises:
            TransientError: A server is away; the batch stays in hand for the next turn.
        """
        self._unfinished = self._unfinished or self._gather()
        if not self._unfinished:
            self._parts.stop.wait(IDLE_SECONDS)
        while self._unfinished:
            part = _next_part(self._unfinished)
            self._deal_with(part)
            self._unfinished = self._unfinished[len(part) :]
            if self._parts.stop.is_set():
                break
        return True

    def _keep(self) -> None:
        """Keep other workers' hands off the batch while Kafka is away."""
        try:
            self._intake.keep(self._unfinished)
        except TransientError as exc:  # Redis is away: nobody else can claim either
            log.info("windows_not_kept", error=str(exc))

    def _gather(self) -> list[ReadyWindow]:
        most, delay = self._settings.worker.batch_windows, self._settings.worker.max_delay_ms / 1000
        windows = self._intake.read(most)
        if any(window.deliveries for window in windows):
            return windows  # taken over: they have waited long enough, and must not fall idle in our hands
        until = self._clock() + delay
        while windows and len(windows) < most and self._clock() < until:
            if self._parts.stop.wait(min(IDLE_SECONDS, delay)):
                break
            windows += self._intake.read(most - len(windows))
        return windows

    def _deal_with(self, windows: Sequence[ReadyWindow]) -> None:
        verdicts = self._judge.judge(windows, self._parts.live.current().threshold)
        topics, metrics = self._settings.kafka, self._parts.metrics
        for alert, window, _ in verdicts.alerts:
            self._publisher.send(topics.alerts_topic, encode_alert(alert), window.key, cloud_event_headers(alert))
        letters = [dead_letter_of_window(*failure) for failure in verdicts.failures]
        for letter, failure in zip(letters, verdicts.failures, strict=True):
            self._publisher.send(topics.dead_letters_topic, encode_dead_letter(letter), failure.window.key)
        self._publisher.wait()
        self._intake.acknowledge(windows)
        metrics.windows_scored.inc(verdicts.judged)
        now_ms = time.time() * 1000
        for alert, _, appended_ms in verdicts.alerts:
            metrics.alerts.labels(alert.kind).inc()
            if appended_ms is not None:
                metrics.line_to_alert_seconds.observe(max(0.0, now_ms - appended_ms) / 1000)
        for letter in letters:
            metrics.dead_letters.labels(letter.reason).inc()

    def _lines(self, window: ReadyWindow, indices: Sequence[int]) -> list[RawLine] | None:
        """The raw lines of the surprising events, and the window's last."""
        if not self._settings.alerts.include_lines:
            return None
        events = window.events()
        places = {events[index].place for index in indices[: MOST_LINES - 1]} | {events[-1].place}
        return self._read_back.lines(window.partition, window.key, sorted(places))


def _next_part(windows: list[ReadyWindow]) -> list[ReadyWindow]:
    """What to deal with at once: a window that more than one worker was given before is dealt with alone."""
    harmless = list(takewhile(lambda window: window.deliveries <= 1, windows))
    return harmless or windows[:1]
