"""The Prometheus metrics of each kind of process, one line a metric.

A field's name is its metric's: ``ConsumerMetrics.records`` is ``logscry_consumer_records_total``. Label values are
bounded: partitions, and the fixed words that code gives as reasons and kinds.
"""

# ruff: noqa: RUF009 -- the calls make dataclass fields

from dataclasses import InitVar, dataclass, field, fields
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

__all__ = ["ConsumerMetrics", "RekeyMetrics", "WorkerMetrics", "new_registry"]

_FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATENCY_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_BATCH_WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384)


def new_registry() -> CollectorRegistry:
    """Return a registry that holds the memory, processor time and open files of this process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def _counter(text: str, *labels: str) -> Any:  # noqa: ANN401 -- a dataclass field, typed where it stands
    return _field(Counter, text, labels)


def _failed_turns() -> Any:  # noqa: ANN401
    return _counter("Turns to be done again, by what failed: kafka, redis, or redis-full (no memory left).", "reason")


def _gauge(text: str, *labels: str) -> Any:  # noqa: ANN401
    return _field(Gauge, text, labels)


def _histogram(text: str, buckets: tuple[float, ...]) -> Any:  # noqa: ANN401
    return _field(Histogram, text, (), buckets=buckets)


def _field(kind: type, text: str, labels: tuple[str, ...], **options: object) -> Any:  # noqa: ANN401
    return field(init=False, metadata={"make": kind, "text": text, "labels": labels, "options": options})


@dataclass(slots=True)
class _Metrics:
    registry: InitVar[CollectorRegistry]
    process: ClassVar[str]

    def __post_init__(self, registry: CollectorRegistry) -> None:
        for each in fields(self):
            make, text, labels, options = (each.metadata[name] for name in ("make", "text", "labels", "options"))
            metric = make(f"logscry_{self.process}_{each.name}", text, labels, registry=registry, **options)
            setattr(self, each.name, metric)


@dataclass(slots=True)
class ConsumerMetrics(_Metrics):
    """What a consumer counts."""

    process: ClassVar[str] = "consumer"

    records: Counter = _counter("Kafka records read from the logs topic.")
    lines: Counter = _counter("Log lines found in them.")
    dead_letters: Counter = _counter("Records sent to the dead letters topic.", "reason")
    late_events: Counter = _counter("Events that came later than the grace allows, raised to the watermark.")
    hurried_events: Counter = _counter("Waiting events that the limit made join before the grace had passed.")
    novel_events: Counter = _counter("Events that no template of the model matches.")
    time_fallbacks: Counter = _counter("Lines without a usable time, given the stream time or their record's.")
    windows_cut: Counter = _counter("Windows cut into the ready streams.")
    sessions_ended: Counter = _counter("Sessions that ended: by gap, silence of the partition, or limit.", "reason")
    refusals: Counter = _counter("Batches that the state refused: owner (partition taken by another) or gap.", "reason")
    deleted_unread: Counter = _counter("Records that Kafka's retention deleted before they were read.")
    overlaps_skipped: Counter = _counter("Events skipped because an earlier call had applied them.")
    ready_windows: Gauge = _gauge("Windows in the ready stream of a partition, not yet acknowledged.", "partition")
    ready_bytes: Gauge = _gauge("Memory of a partition's ready stream.", "partition")
    open_sessions: Gauge = _gauge("Open sessions of a partition.", "partition")
    waiting_events: Gauge = _gauge("Events of a partition that wait for the grace to pass.", "partition")
    paused_partitions: Gauge = _gauge("Partitions paused because their ready stream is full.")
    lag_records: Gauge = _gauge("Records of a partition not yet applied.", "partition")
    failed_turns: Counter = _failed_turns()

    def forget(self, partition: int) -> None:
        """Remove a partition's gauges: another process reports them from now on."""
        gauges = (self.ready_windows, self.ready_bytes, self.open_sessions, self.waiting_events, self.lag_records)
        for each in gauges:
            each.remove_by_labels({"partition": str(partition)})


@dataclass(slots=True)
class WorkerMetrics(_Metrics):
    """What a model worker counts."""

    process: ClassVar[str] = "worker"

    windows_scored: Counter = _counter("Windows scored and acknowledged.")
    cache_hits: Counter = _counter("Windows whose score was known already.")
    cache_misses: Counter = _counter("Windows that the model had to score.")
    alerts: Counter = _counter("Alerts acknowledged by Kafka.", "kind")
    repeated: Counter = _counter("Windows delivered more than once.")
    claimed: Counter = _counter("Windows taken over from a silent worker.")
    dead_letters: Counter = _counter("Windows sent to the dead letters topic.", "reason")
    batch_windows: Histogram = _histogram("Windows scored together.", _BATCH_WINDOWS)
    score_seconds: Histogram = _histogram("Time to score one batch.", _FAST_SECONDS)
    line_to_alert_seconds: Histogram = _histogram(
        "Time from the append of a window's last line in Kafka to the acknowledgement of its alert.", _LATENCY_SECONDS
    )
    failed_turns: Counter = _failed_turns()


@dataclass(slots=True)
class RekeyMetrics(_Metrics):
    """What the rekey stage counts."""

    process: ClassVar[str] = "rekey"

    records: Counter = _counter("Kafka records read from the raw topic.")
    lines: Counter = _counter("Keyed records written to the logs topic.")
    dead_letters: Counter = _counter("Records sent to the dead letters topic.", "reason")
    dropped: Counter = _counter("Records without a key that were dropped, as --without-key drop says.")
    transactions: Counter = _counter("Transactions committed.")
    aborted: Counter = _counter("Transactions aborted and tried again.")
    lag_records: Gauge = _gauge("Records of a raw partition not yet passed on.", "partition")
    failed_turns: Counter = _failed_turns()
