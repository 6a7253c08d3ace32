"""Where benchmarks find their data; the product itself never needs it."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["REPOSITORY", "data_folder", "environment"]

REPOSITORY = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """LOGSCRY_DATA, or ``shared/data`` beside the repository."""
    named = os.environ.get("LOGSCRY_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def environment() -> Mapping[str, str]:
    """The environment: which broker to use may be named there."""
    return os.environ
