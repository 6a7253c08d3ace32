"""What the documents name exists: commands and their options, make targets, modules, tests, files, packages."""

import json
import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis

from logscry import app
from stream.alerts import decode_alert
from stream.windowing.store import PartitionId, PartitionStore

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TESTS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _code(document: Path) -> list[str]:
    """Inline code and the commands of shell blocks, continued lines joined."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [*lines, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]


def _wrong(command: str) -> str | None:
    """What a ``logscry`` command names that does not exist."""
    node: Any = typer.main.get_command(app)  # typer ships a click of its own, without a public name for its types
    words = shlex.split(command, comments=True)[1:]
    while hasattr(node, "commands") and words and not words[0].startswith("-"):
        if words[0] not in node.commands:
            return f"no command {words[0]!r}"
        node, words = node.commands[words[0]], words[1:]
    allowed = {option for parameter in node.params for option in parameter.opts} | {"--help", "-h"}
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in allowed]
    return f"no option {unknown}" if unknown else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_their_options_exist(document):
    """Each ``logscry`` command, wherever it stands, is one of the command line's."""
    commands = [code for code in _code(document) if code.startswith("logscry ")]
    mistakes = {command: wrong for command in commands if (wrong := _wrong(command))}

    assert mistakes == {}


@pytest.mark.parametrize(
    ("command", "mistake"),
    [
        ("logscry flush --timeout 2m", None),
        ("logscry settings set threshold=4 --why 'too many'", None),
        ("logscry fly", "no command 'fly'"),
        ("logscry settings put", "no command 'put'"),
        ("logscry flush --fast", "no option ['--fast']"),
    ],
)
def test_a_wrong_command_would_be_noticed(command, mistake):
    """The check tells commands that exist from those that do not."""
    assert _wrong(command) == mistake


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(document):
    """Each ``make`` target is one of the Makefile's."""
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    named = [code.split()[1] for code in _code(document) if re.match(r"make [a-z-]+", code)]

    assert [target for target in named if target not in targets] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_exist(document):
    """Each ``python -m`` names a module that can be run."""
    named = [found[1] for code in _code(document) if (found := re.match(r"python -m (\S+)", code))]

    assert [module for module in named if find_spec(module) is None] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_exist(document):
    """A promise names a test that is there."""
    named = [code for code in _code(document) if re.fullmatch(r"test_\w+", code)]

    assert [name for name in named if f"def {name}(" not in TESTS] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_links_exist(document):
    """Paths in code font are the repository's, links lead to files beside the document."""
    text = document.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    paths = [
        code for code in _code(document) if re.fullmatch(r"(?:stream|model|training|tests|deploy|docs)/[\w./-]*", code)
    ]

    assert [link for link in links if link and not (document.parent / link).exists()] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_dependency_is_explained():
    """Each package of pyproject.toml has its line, and no other has."""
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| ([\w-]+) \| [A-Z]", text, re.MULTILINE)
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
        *PROJECT["dependency-groups"]["dev"],
    ]

    assert sorted(described) == sorted(re.findall(r"^[\w-]+", each)[0] for each in wanted)


def test_every_decision_is_listed():
    """The list of decision records is whole."""
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))

    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_the_alert_of_the_readme_is_valid():
    """It follows the published schema, and our own reader takes it."""
    [block] = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    schema = json.loads((ROOT / "docs/alert.schema.json").read_text(encoding="utf-8"))

    Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(block))
    assert decode_alert(block.encode()).score > decode_alert(block.encode()).threshold


def test_the_keys_of_a_partition_are_described():
    """Each key of the state has its row, in the order of the code."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.partition("\n## What Redis holds\n")[2].partition("| key of a namespace")[0]
    store = PartitionStore(Redis(), "any", PartitionId("logs", 3))  # connects only when it is used

    assert re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) == [key.rpartition(":")[2] for key in store.keys]
