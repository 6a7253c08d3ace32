"""Files that are written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from model.errors import ConfigurationError

__all__ = ["write_json", "written_whole"]


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file under a temporary name; it gets its own when the block ends well, else it is removed.

    Raises:
        ConfigurationError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as exc:
        raise ConfigurationError(f"cannot write {path}: {exc}. Name a file in a folder that can be written.") from exc
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write a JSON file.

    Raises:
        ConfigurationError: It cannot be written.
    """
    with written_whole(path) as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))
