"""Write the JSON Schemas of what logscry publishes: ``python -m stream.schemas docs``."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stream import alerts, dead_letters

__all__ = ["schema_files", "write_schemas"]


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    return {
        "alert.schema.json": _text(alerts.json_schema()),
        "dead-letter.schema.json": _text(dead_letters.json_schema()),
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into a folder, and return their paths."""
    paths = []
    for name, text in schema_files().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
