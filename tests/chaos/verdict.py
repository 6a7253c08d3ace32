"""What came out against what must come out, window by window."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple, Self

import orjson

from tests.chaos.reference import Content, Reference, Undecodable

__all__ = ["Seen", "Verdict", "differences", "judge", "seen_alert", "seen_dead_letter"]

_SHOWN = 5
"""Of each kind of difference, how many are told one by one."""


class Seen(NamedTuple):
    """A window as its alert tells it."""

    alert_id: str
    content: Content


@dataclass(frozen=True)
class Verdict:
    """Counts; all but the first two and the repeated alerts must be 0.

    Attributes:
        lines: Lines of the log.
        windows: Windows of the reference.
        lost: Windows of the reference that did not come.
        doubled: Windows that came and are none of the reference's.
        reordered: Windows that came with other events, another order or other marks.
        missing_alerts: Alert ids of the reference that are not on the alerts topic.
        repeated_alerts: Alerts that came again: allowed, and to be dropped by their id.
        missing_dead_letters: Records that give no line and did not become dead letters.
        wrong_dead_letters: Dead letters of records that give lines.
    """

    lines: int = 0
    windows: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    missing_alerts: int = 0
    repeated_alerts: int = 0
    missing_dead_letters: int = 0
    wrong_dead_letters: int = 0

    @property
    def windows_differ(self) -> bool:
        """Whether the windows are not those of the reference."""
        return bool(self.lost or self.doubled or self.reordered)

    @property
    def right(self) -> bool:
        """Whether all is as it must be."""
        return not (self.windows_differ or self.missing_alerts or self.missing_dead_letters or self.wrong_dead_letters)

    def __add__(self, other: Self) -> "Verdict":
        return Verdict(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def judge(reference: Reference, alerts: Iterable[Seen], letters: set[Undecodable]) -> Verdict:
    """Compare what is on the alerts topic, repetitions included, and on the dead letters topic."""
    came: defaultdict[str, list[Content]] = defaultdict(list)
    for alert_id, content in alerts:
        came[alert_id].append(content)
    expected = reference.windows
    lost = len(expected.keys() - came.keys())
    return Verdict(
        lines=reference.lines,
        windows=len(expected),
        lost=lost,
        doubled=len(came.keys() - expected.keys()),
        reordered=sum(any(content != expected[name] for content in came[name]) for name in came.keys() & expected),
        missing_alerts=lost,  # every window is alerted, and windows are seen by their alerts
        repeated_alerts=sum(len(contents) - 1 for contents in came.values()),
        missing_dead_letters=len(reference.undecodable - letters),
        wrong_dead_letters=len(letters - reference.undecodable),
    )


def differences(reference: Reference, alerts: Iterable[bytes]) -> list[str]:
    """Tell the first windows that were lost, and the first that are none of the reference's or differ from it."""
    came = {seen_alert(value).alert_id: value for value in alerts}
    lost = [f"lost: {name} {content}" for name, content in reference.windows.items() if name not in came]
    wrong = [
        f"came: {orjson.loads(value)['key']} {orjson.loads(value)['window']}, expected: {reference.windows.get(name)}"
        for name, value in came.items()
        if seen_alert(value).content != reference.windows.get(name)
    ]
    return [*lost[:_SHOWN], *wrong[:_SHOWN]]


def seen_alert(value: bytes) -> Seen:
    """Read an alert."""
    alert = orjson.loads(value)
    window = alert["window"]
    return Seen(alert["id"], Content(window["fingerprint"], _ms(window["start_time"]), _ms(window["end_time"])))


def seen_dead_letter(value: bytes) -> Undecodable:
    """Read a dead letter."""
    letter: dict[str, Any] = orjson.loads(value)
    return Undecodable(letter["partition"], letter["offset"])


def _ms(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
