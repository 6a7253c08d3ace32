"""Sorting more than fits into memory."""

import random
from pathlib import Path

import pytest

from training.spilled_sort import SpilledSort


@pytest.mark.parametrize(("records", "memory_bytes"), [(0, 100), (1, 100), (50, 10_000_000), (3_000, 600), (9_000, 60)])
def test_records_come_back_sorted_whatever_the_memory(tmp_path: Path, records: int, memory_bytes: int) -> None:
    """In memory, in a few runs, and in so many that runs are merged on the way; no file is left."""
    chance = random.Random(records)
    given = [chance.randbytes(chance.randint(0, 12)) for _ in range(records)]
    sort = SpilledSort(tmp_path, "x", memory_bytes)
    for record in given:
        sort.add(record)

    assert list(sort.drain()) == sorted(given)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_on_disk(tmp_path: Path) -> None:
    """Memory holds no more than it may, and few files are open at once."""
    sort = SpilledSort(tmp_path, "x", memory_bytes=1)
    for number in range(200):
        sort.add(bytes([number]))

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 200 * (8 + 1)
    assert len(list(tmp_path.iterdir())) == 3 + 200 % 64
