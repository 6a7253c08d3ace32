"""The raw HDFS lines, keyed by block."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from tests.service import Line

__all__ = ["BLOCK", "hdfs_lines"]

BLOCK = "(blk_-?[0-9]+)"
"""Where a line's key stands in it."""


def hdfs_lines(path: Path) -> Iterator[Line]:
    """The lines of a file of HDFS logs, in its order.

    Raises:
        ValueError: A line names no block.
    """
    block = re.compile(BLOCK.encode())
    with gzip.open(path) as file:
        for raw in file:
            value = raw.rstrip(b"\r\n")
            match = block.search(value)
            if match is None:
                raise ValueError(f"{path} has a line without a block: {value[:200]!r}")
            yield Line(match[1], value)
