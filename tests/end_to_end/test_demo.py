"""The demo as a user meets it: its words, its exit status, and what it leaves behind, which is nothing."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.embedded.ports import wait_until
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.stack


@contextmanager
def _demo(folder: Path, **options: str) -> Iterator[subprocess.Popen[str]]:
    """A running demo whose temporary files all go into ``folder``."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DEMO_", "LOGSCRY_"))}
    environment = own | {"TMPDIR": str(folder), "COLUMNS": "120", "PYTHONUNBUFFERED": "1"} | options
    command = [sys.executable, "-m", "deploy.demo"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def _read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Read the demo's output up to the first line in which the pattern is found."""
    assert process.stdout is not None
    read: list[str] = []
    for line in process.stdout:
        read.append(line)
        if re.search(pattern, line):
            return "".join(read)
    raise AssertionError(f"the demo ended before it said {pattern!r}:\n{''.join(read)}")


def _traces_in(folder: Path) -> list[str]:
    """Files in the folder, and processes that were told to use it."""
    mark = f"TMPDIR={folder}".encode()
    processes = [entry.parent.name for entry in Path("/proc").glob("[0-9]*/environ") if mark in _bytes_of(entry)]
    # The libraries' own caches may stay; what is named after the project may not.
    return [*processes, *(path.name for path in folder.glob("logscry-*"))]


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # It ended since it was listed, or is another user's.
        return b""


def test_the_demo_finds_its_faults_takes_own_lines_and_leaves_nothing(tmp_path):
    """Four of five faults are found, an own line is alerted while it is kept running, and Ctrl-C ends it cleanly."""
    with _demo(tmp_path, DEMO_SECONDS="15", DEMO_KEEP="1") as demo:
        shown = _read_until(demo, r'echo "')
        command = shown.splitlines()[-1]
        done = subprocess.run(command, shell=True, cwd=REPOSITORY, check=True, capture_output=True, text=True)  # noqa: S602
        alerted = _read_until(demo, "00000000c0ffee00")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0

    assert re.search(r"faults found +[45]", shown)
    assert re.search(r"false alarms +[01]", shown)
    windows = re.search(r"windows +([\d,]+) scored of ([\d,]+);", shown)
    assert windows is not None
    assert windows[1] == windows[2]
    assert done.stdout == "1 sent\n"
    assert "the vault is open" in alerted
    assert wait_until(lambda: _traces_in(tmp_path) == [], 10)


def test_ctrl_c_ends_a_demo_that_streams(tmp_path):
    """In the middle of everything, Ctrl-C ends it with the usual status, and nothing stays behind."""
    with _demo(tmp_path) as demo:
        _read_until(demo, "3. Stream")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130

    assert wait_until(lambda: _traces_in(tmp_path) == [], 10)
