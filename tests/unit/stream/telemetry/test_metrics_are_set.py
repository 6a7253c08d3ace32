"""No metric is only a name: an operator's alert on one that nothing sets would never fire."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from stream.telemetry import ConsumerMetrics, RekeyMetrics, WorkerMetrics

ROOT = Path(__file__).parents[4] / "stream"
PROCESSES = {
    ConsumerMetrics: ["consumers/consumer.py", "consumers/applying.py", "loop.py"],
    WorkerMetrics: ["worker/worker.py", "worker/judging.py", "worker/intake.py", "loop.py"],
    RekeyMetrics: ["consumers/rekey.py", "loop.py"],
}


@pytest.mark.parametrize("metrics", PROCESSES)
def test_every_metric_is_set_by_its_process(metrics: type):
    """The process's own modules count, set, observe or time each one."""
    code = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in PROCESSES[metrics])
    used = set(re.findall(r"metrics\.(\w+)\.(?:labels\([^\n]*\)\.)?(?:inc|set|observe|time)\(", code))

    assert {each.name for each in fields(metrics)} - used == set()
