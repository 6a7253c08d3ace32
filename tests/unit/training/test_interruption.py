"""Commands that need files alone, and signals that end them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.interruption import interruptible

ROOT = Path(__file__).parents[3]
#: A preprocessing that comes as far as its temporary folder.
COMMAND = """
import signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # whatever the tests themselves run under
import logscry, training.preprocess

def write(self):
    print("started", flush=True)
    time.sleep(SECONDS)
    raise SystemExit(0)

training.preprocess._Run.write = write
sys.argv = ["logscry", "preprocess", "app.log", "-o", "days"]
logscry.main()
"""


def _run(folder: Path, code: str, number: signal.Signals) -> tuple[int, str]:
    (folder / "app.log").write_text("2026-03-01T00:00:00Z INFO a line\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert list((folder / "days").glob(".preprocess.*"))
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    """And has the status that shells give such an end."""
    status, said = _run(tmp_path, COMMAND.replace("SECONDS", "60"), number)

    assert status == 128 + number
    assert "Traceback" not in said
    assert list((tmp_path / "days").iterdir()) == []


def test_a_command_under_nohup_goes_on(tmp_path: Path) -> None:
    """The signal of a terminal that is gone stays ignored."""
    ignoring = COMMAND.replace("SECONDS", "0.2").replace(
        "import logscry", "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nimport logscry"
    )
    status, _ = _run(tmp_path, ignoring, signal.SIGHUP)

    assert status == 0


@pytest.fixture
def _undisturbed() -> Iterator[None]:
    """Both signals as a process begins with, whatever other tests of this process have left."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_undisturbed")
def test_a_burst_of_signals_is_one_end() -> None:
    """Those behind the first do not cut short what tidies up; afterwards all is as it was."""
    tidied = []

    def end_while_tidying_up() -> None:
        try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            for number in (signal.SIGHUP, signal.SIGTERM):
                signal.raise_signal(number)
                tidied.append(number)

    with pytest.raises(SystemExit) as ended, interruptible():
        end_while_tidying_up()

    assert ended.value.code == 128 + signal.SIGHUP
    assert tidied == [signal.SIGHUP, signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
