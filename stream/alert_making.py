"""From a scored window and its explanation to the alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream.alerts import (
    MAX_EVENTS,
    MAX_LINES,
    Alert,
    AlertEvent,
    AlertLine,
    AlertSource,
    AlertWindow,
    Expected,
    Place,
    alert_id,
    fingerprint_of,
    time_of,
)
from stream.text import key_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.explanation import Explanation, SurprisingEvent
    from stream.windowing.ready import ReadyWindow
    from stream.windowing.windows import Event

__all__ = ["Judgement", "RawLine", "alert_of", "source_of"]

_KEY_CHARACTERS = 1024
_LINE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model says of a window.

    Attributes:
        score: Nats; higher is more anomalous.
        percentile: Percent of held-out normal windows that score no higher.
        threshold: The score above which alerts are published.
        model_version: The model that judged.
    """

    score: float
    percentile: float
    threshold: float
    model_version: str


@dataclass(frozen=True, slots=True)
class RawLine:
    """A log line read back from Kafka.

    Attributes:
        place: ``offset << 16 | line``.
        value: Its bytes.
        appended_ms: When its record was appended, by Kafka's timestamp; ms since 1970.
    """

    place: int
    value: bytes
    appended_ms: int


def source_of(window: ReadyWindow) -> AlertSource:
    """Return what the alert id of a window depends on."""
    events = window.events()
    topic, partition = window.partition
    return AlertSource(
        topic, partition, window.key, events[0].place, events[-1].place, window.session_events, window.final
    )


def alert_of(
    window: ReadyWindow, judgement: Judgement, explanation: Explanation, lines: Sequence[RawLine] | None = None
) -> Alert:
    """Make the alert of a window.

    Args:
        window: What was judged.
        judgement: Its score.
        explanation: The reasons.
        lines: Its raw lines in the log's order, of which the last are kept; None leaves them out.
    """
    events = window.events()
    return Alert(
        id=alert_id(source_of(window)),
        kind=explanation.kind,
        key=key_text(window.key, _KEY_CHARACTERS),
        score=judgement.score,
        percentile=judgement.percentile,
        threshold=judgement.threshold,
        model_version=judgement.model_version,
        window=_window(window, events),
        events=tuple(_event(each, events) for each in explanation.events[:MAX_EVENTS]),
        summary=explanation.summary,
        lines=None if lines is None else tuple(_line(each) for each in lines[-MAX_LINES:]),
    )


def _window(window: ReadyWindow, events: Sequence[Event]) -> AlertWindow:
    topic, partition = window.partition
    return AlertWindow(
        topic=topic,
        partition=partition,
        first=Place.of(events[0].place),
        last=Place.of(events[-1].place),
        size=len(events),
        session_events=window.session_events,
        starts_session=window.starts_session,
        final=window.final,
        fingerprint=fingerprint_of(window.event_ids, starts_session=window.starts_session, final=window.final),
        start_time=time_of(events[0].time_ms),
        end_time=time_of(events[-1].time_ms),
    )


def _event(surprising: SurprisingEvent, events: Sequence[Event]) -> AlertEvent:
    inside = 0 <= surprising.index < len(events)
    return AlertEvent(
        index=surprising.index,
        place=Place.of(events[surprising.index].place) if inside else None,
        event_id=None if surprising.event_id is None else surprising.event_id.hex(),
        text=surprising.text,
        surprisal=surprising.surprisal,
        rank=surprising.rank,
        expected=tuple(Expected(text=each.text, probability=each.probability) for each in surprising.expected),
    )


def _line(line: RawLine) -> AlertLine:
    place = Place.of(line.place)
    return AlertLine(offset=place.offset, line=place.line, text=key_text(line.value, _LINE_CHARACTERS))
