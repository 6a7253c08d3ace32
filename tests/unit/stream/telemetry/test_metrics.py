"""The metrics: names, labels, and what a scrape holds."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from stream.telemetry import ConsumerMetrics, RekeyMetrics, WorkerMetrics, new_registry

KINDS = (ConsumerMetrics, WorkerMetrics, RekeyMetrics)


def test_a_field_is_its_metrics_name():
    """What code counts is found under the same word on the dashboard."""
    registry = CollectorRegistry()
    metrics = ConsumerMetrics(registry)

    metrics.records.inc(3)
    metrics.dead_letters.labels("not-utf8").inc()

    assert registry.get_sample_value("logscry_consumer_records_total") == 3
    assert registry.get_sample_value("logscry_consumer_dead_letters_total", {"reason": "not-utf8"}) == 1


def test_all_kinds_fit_one_registry():
    """A process may be a consumer and a worker at once; each registry is its own."""
    registry = new_registry()
    for kind in KINDS:
        kind(registry)

    assert b"logscry_rekey_transactions_total 0.0" in generate_latest(registry)
    assert ConsumerMetrics(CollectorRegistry())


@pytest.mark.parametrize("kind", KINDS)
def test_every_metric_has_a_sentence_and_a_proper_name(kind):
    """Prometheus naming: lower case, base units, help text."""
    registry = CollectorRegistry()
    kind(registry)

    for family in registry.collect():
        assert re.fullmatch(rf"logscry_{kind.process}_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_ms", "_milliseconds", "_total"))


def test_gauges_of_a_lost_partition_go_away():
    """Two processes never report the same partition; what was not reported yet may be forgotten too."""
    registry = CollectorRegistry()
    metrics = ConsumerMetrics(registry)
    for partition in (1, 2):
        metrics.lag_records.labels(str(partition)).set(5)

    metrics.forget(1)

    assert registry.get_sample_value("logscry_consumer_lag_records", {"partition": "1"}) is None
    assert registry.get_sample_value("logscry_consumer_lag_records", {"partition": "2"}) == 5


def test_latencies_resolve_the_promise_of_a_second():
    """A histogram with a bound at one second can say whether p99 keeps it."""
    registry = CollectorRegistry()
    WorkerMetrics(registry).line_to_alert_seconds.observe(0.9)

    assert registry.get_sample_value("logscry_worker_line_to_alert_seconds_bucket", {"le": "1.0"}) == 1
    assert registry.get_sample_value("logscry_worker_line_to_alert_seconds_bucket", {"le": "0.5"}) == 0
