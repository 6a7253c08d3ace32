"""Which alerts were right: each is held against the faults that were put into the stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from statistics import median

from deploy.demo.traffic import PlannedFault

__all__ = ["Tally", "Verdict"]

#: The demo has succeeded with at least this many faults found and at most this many false alarms.
MIN_FOUND = 4
MAX_FALSE_ALARMS = 1


class Verdict(Enum):
    """What an alert turned out to be."""

    FOUND = "injected fault"
    FOUND_AGAIN = "injected fault, again"
    FALSE_ALARM = "false alarm"
    FALSE_ALARM_AGAIN = "false alarm, again"
    SEEN_BEFORE = "the same alert twice"


@dataclass(slots=True)
class Tally:
    """Counts what was found.

    A trace counts once, however many of its windows are alerted.

    Attributes:
        faults: What was put into the stream, by trace id.
        seconds_to_alert: For each trace with a found fault, the time from the fault's line to its first alert.
        false_alarms: Traces that were alerted although nothing is wrong with them.
    """

    faults: Mapping[str, PlannedFault]
    seconds_to_alert: dict[str, float] = field(default_factory=dict)
    false_alarms: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def judge(self, alert_id: str, trace_id: str, arrived_ms: float) -> Verdict:
        """Hold one alert against the faults, and count it.

        Args:
            alert_id: Equal for two copies of the same alert.
            trace_id: Whose window it is.
            arrived_ms: When the alert was read, in milliseconds since 1970.
        """
        if alert_id in self._seen:
            return Verdict.SEEN_BEFORE
        self._seen.add(alert_id)
        planned = self.faults.get(trace_id)
        if planned is None:
            verdict = Verdict.FALSE_ALARM_AGAIN if trace_id in self.false_alarms else Verdict.FALSE_ALARM
            self.false_alarms.add(trace_id)
            return verdict
        if trace_id in self.seconds_to_alert:
            return Verdict.FOUND_AGAIN
        self.seconds_to_alert[trace_id] = (arrived_ms - planned.line.time_ms) / 1000
        return Verdict.FOUND

    @property
    def missed(self) -> list[PlannedFault]:
        """The faults that no alert was about, in order of time."""
        missed = [planned for trace, planned in self.faults.items() if trace not in self.seconds_to_alert]
        return sorted(missed, key=lambda planned: planned.line.time_ms)

    @property
    def median_seconds(self) -> float | None:
        """The median time from fault to alert; None where nothing was found."""
        return median(self.seconds_to_alert.values()) if self.seconds_to_alert else None

    @property
    def succeeded(self) -> bool:
        """Whether enough was found, with few enough false alarms."""
        return len(self.seconds_to_alert) >= MIN_FOUND and len(self.false_alarms) <= MAX_FALSE_ALARMS
