"""A batch is judged whole, whatever one of its windows does to the model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis

from deploy.embedded.ports import free_port
from model.content import WindowContent
from model.errors import RedisAwayError, TransientError
from model.explanation import Explanation
from model.scoring import Scorer
from stream.telemetry import WorkerMetrics
from stream.windowing.novel import NovelTexts
from stream.windowing.ready import ReadyWindow
from stream.windowing.store import PartitionId
from stream.worker.judging import Judge
from tests.toy_model import toy_artefact, toy_events

NORMAL = ("open", "check", "seat", "film", "end", "leave")
BACKWARDS = tuple(reversed(NORMAL))


class BreakingScorer(Scorer):
    """The toy model, which breaks on a window that holds only the step ``snack``, or on explaining any."""

    explains = True

    def score(self, windows: Sequence[WindowContent]) -> list[float]:
        """Score, or break."""
        if any(set(zip(*[iter(w.events)] * 8, strict=True)) == {tuple(toy_events()["snack"])} for w in windows):
            raise RuntimeError("the network broke")
        return super().score(windows)

    def explain(self, window: WindowContent, texts: Mapping[bytes, str] | None = None) -> Explanation:
        """Explain, or break."""
        if not self.explains:
            raise RuntimeError("no words")
        return super().explain(window, texts)


def ready(*steps: str, deliveries: int = 0) -> ReadyWindow:
    """A whole session as a final window."""
    entries = b"".join(toy_events()[step] + bytes(8) + (n << 16).to_bytes(8, "big") for n, step in enumerate(steps))
    header = len(steps).to_bytes(4, "big") + b"\x01"
    return ReadyWindow(PartitionId("logs", 0), b"1-1", b"key", header, entries, deliveries)


@pytest.fixture
def scorer() -> BreakingScorer:
    """A fresh one: it remembers scores."""
    return BreakingScorer(toy_artefact())


def judge(scorer: Scorer) -> Judge:
    """No texts and no lines."""
    metrics = WorkerMetrics(CollectorRegistry())
    return Judge(
        scorer, lambda _partition, _events: {}, lambda _window, _indices: None, max_deliveries=3, metrics=metrics
    )


def test_a_window_that_breaks_the_model_fails_alone(scorer: BreakingScorer):
    """The others of its batch are judged as ever."""
    broken, normal, faulty = ready("snack", "snack"), ready(*NORMAL), ready(*BACKWARDS)

    verdicts = judge(scorer).judge([normal, broken, faulty], toy_artefact().threshold)

    assert [(failure.window, str(failure.error)) for failure in verdicts.failures] == [(broken, "the network broke")]
    assert [raised.window for raised in verdicts.alerts] == [faulty]
    assert verdicts.judged == 2


def test_a_window_that_cannot_be_explained_fails_alone(scorer: BreakingScorer):
    """Windows that need no explanation are judged."""
    scorer.explains = False

    verdicts = judge(scorer).judge([ready(*NORMAL), ready(*BACKWARDS)], toy_artefact().threshold)

    assert [failure.window for failure in verdicts.failures] == [ready(*BACKWARDS)]
    assert verdicts.judged == 1


def test_a_window_that_too_many_workers_were_given_is_not_tried(scorer: BreakingScorer):
    """It may have ended them."""
    verdicts = judge(scorer).judge([ready(*NORMAL, deliveries=3), ready(*NORMAL, deliveries=2)], 1000.0)

    assert [failure.window.deliveries for failure in verdicts.failures] == [3]
    assert verdicts.judged == 1


def test_a_server_that_is_away_fails_the_batch_not_a_window(scorer: BreakingScorer):
    """The batch is judged again later; nothing becomes a dead letter for it."""

    def away(_partition: PartitionId, _events: Sequence[bytes]) -> Mapping[bytes, str]:
        raise TransientError("Redis does not answer")

    metrics = WorkerMetrics(CollectorRegistry())
    with pytest.raises(TransientError):
        Judge(scorer, away, lambda _window, _indices: None, 3, metrics).judge([ready(*BACKWARDS)], -1.0)


def test_texts_are_asked_for_only_of_events_that_the_model_does_not_know(scorer: BreakingScorer):
    """Each once; a window without any asks about none."""
    asked: list[Sequence[bytes]] = []

    def texts(partition: PartitionId, events: Sequence[bytes]) -> Mapping[bytes, str]:
        assert partition == PartitionId("logs", 0)
        asked.append(events)
        return dict.fromkeys(events, "seat <n> burns")

    novel = replace(ready(*NORMAL), entries=2 * (b"n" * 8 + bytes(16)) + ready(*NORMAL).entries)
    judging = Judge(scorer, texts, lambda _window, _indices: None, 3, WorkerMetrics(CollectorRegistry()))
    verdicts = judging.judge([novel, ready(*BACKWARDS)], toy_artefact().threshold)

    assert asked == [[b"n" * 8], []]
    assert verdicts.alerts[0].alert.events[0].text == "seat <n> burns"


def test_redis_is_not_asked_about_no_events():
    """Where nothing listens, an answer comes without it."""
    nowhere = NovelTexts(Redis(port=free_port()), "nobody")

    assert nowhere.texts(PartitionId("logs", 0), []) == {}
    with pytest.raises(RedisAwayError):
        nowhere.texts(PartitionId("logs", 0), [b"n" * 8])
