"""Sending a zombie, and reading what it met."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stream.windowing.store import PartitionId
from tests.chaos.mutants import ROOT
from tests.chaos.rules import Rule

__all__ = ["haunt"]

_PROGRAM = Path(__file__).with_name("zombie.py")
_END_SECONDS = 180.0


def haunt(redis_url: str, namespace: str, partition: PartitionId, rule: Rule, environment: Mapping[str, str]) -> str:
    """Let a zombie take a partition, lose it, and go on; gives ``done``, or why the state refused it.

    Raises:
        TimeoutError: It did not come that far; the text holds what it wrote.
    """
    numbers = (partition.partition, rule.size, rule.hop, rule.gap_ms, rule.grace_ms)
    zombie = subprocess.run(
        [sys.executable, str(_PROGRAM), namespace, partition.topic, *map(str, numbers)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment, "ZOMBIE_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=_END_SECONDS,
        check=False,
    )
    if zombie.returncode:
        raise TimeoutError(f"the zombie in {partition} ended with status {zombie.returncode}: {zombie.stderr}")
    return zombie.stdout.strip()
