"""Copies of logscry with one check taken out of the script that applies batches: the chaos test must notice each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

__all__ = ["MUTANTS", "Mutant", "environment_of", "mutated_copy"]

ROOT = Path(__file__).parents[2]
SCRIPT = Path("stream", "windowing", "lua", "apply.lua")
_CODE = ("stream", "model", "training", "deploy")


class Mutant(NamedTuple):
    """What is replaced in the script.

    Attributes:
        without: What the copy lacks.
        changes: Old text, each of which is there exactly once, and new text.
    """

    without: str
    changes: tuple[tuple[str, str], ...]


MUTANTS = {
    "gap": Mutant("the check that no offset is jumped over", (("if from > position then", "if false then"),)),
    "owner": Mutant("the check of the owner", (("if held[1] ~= ARGV[1] then", "if false then"),)),
    "overlap": Mutant(
        "the check that no offset is applied twice",
        (("if from < position and", "if false and"),),
    ),
}


def mutated_copy(mutant: Mutant, folder: Path) -> Path:
    """Copy logscry's code into a folder and take a check out.

    Raises:
        ValueError: The script does not hold the check in these words any more; the mutant must follow it.
    """
    for name in _CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ROOT.glob("logscry*.py"):
        shutil.copy(module, folder)
    script = (folder / SCRIPT).read_text(encoding="utf-8")
    for old, new in mutant.changes:
        if script.count(old) != 1:
            raise ValueError(f"{SCRIPT} holds {old!r} {script.count(old)} times; it must be there once to be replaced.")
        script = script.replace(old, new)
    (folder / SCRIPT).write_text(script, encoding="utf-8")
    return folder


def environment_of(folder: Path) -> dict[str, str]:
    """The variables with which a process runs the copy.

    Raises:
        ValueError: It would run something else.
    """
    environment = {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}  # safe: the present folder's code goes unseen
    command = [sys.executable, "-c", "import stream.windowing; print(stream.windowing.__file__)"]
    found = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True).stdout
    if not Path(found.strip()).is_relative_to(folder):
        raise ValueError(f"the processes would run {found.strip()} instead of the copy in {folder}.")
    return environment
