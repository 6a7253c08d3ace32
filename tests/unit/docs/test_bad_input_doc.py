"""docs/bad-input.md has a row for each record that the end-to-end test sends, and says what becomes of it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.bad_records import JSON, KEYS, PLAIN, TEXT, Bad

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs/bad-input.md").read_text(encoding="utf-8")
ROWS = [
    line.strip("| ").split(" | ")
    for line in DOCUMENT.splitlines()
    if line.startswith("| ") and not line.startswith("| what ")
]


def test_each_row_says_what_happens_and_names_a_test():
    """Three cells, the last with a test."""
    assert len(ROWS) >= 25
    assert [row for row in ROWS if len(row) != 3 or not re.search(r"`test_\w+`", row[2])] == []


def test_each_test_is_where_the_document_says():
    """In the file that was named last before it."""
    file, missing = "", []
    for name in re.findall(r"`(tests/[\w/]+/test_\w+\.py|test_\w+)`", DOCUMENT):
        if name.endswith(".py"):
            file = name
        elif name not in _tests_in(ROOT / file):
            missing.append((file, name))

    assert missing == []


@cache
def _tests_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("bad", [*TEXT, *KEYS, *JSON, *PLAIN], ids=lambda bad: bad.name)
def test_each_record_has_its_row(bad: Bad):
    """It says dead letter with the reason, or that the record is applied; and whether it is counted late."""
    [happens] = [row[1] for row in ROWS if bad.name in row[0].split("; ")]

    if isinstance(bad.becomes, str):
        assert f"dead letter `{bad.becomes}`" in happens
    else:
        assert "dead letter" not in happens
        assert "applied" in happens
        assert ("late_events" in happens) == (bad.time == "late")
