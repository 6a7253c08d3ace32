"""What is the same for all names of one file."""

import os
from pathlib import Path

__all__ = ["identity_of"]


def identity_of(path: Path) -> object:
    """Give what all names of a file have in common, links of both kinds included; for one not there yet, its place."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino
