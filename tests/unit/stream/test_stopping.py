"""Ending a process after a signal: in order if it can, in time in any case."""

import signal
import subprocess
import sys

import pytest

from stream.stopping import FORCED_EXIT, STOP_SECONDS

START = """
import atexit, signal, sys, threading
from stream import stopping
from stream.stopping import StoppedWhileWaiting
stopping.STOP_SECONDS = 0.1
atexit.register(print, "taken apart")
with stopping.stopping() as stop:
    print("started", flush=True)
"""


def run(block: str, number: signal.Signals | None) -> tuple[int, str]:
    """Run a block that is to be stopped, send it a signal, and give its status and output."""
    code = START + "".join(f"    {line}\n" for line in block.splitlines()) + "print('after the block')\n"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        if number is not None:
            process.send_signal(number)
        output = process.stdout.read()
    return process.returncode, output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_comes_to_its_end_ends_with_it(number: signal.Signals):
    """The interpreter is not taken apart: that would take longer than anything else."""
    assert run("stop.wait()", number) == (0, "")


def test_a_process_that_still_waits_for_its_servers_ends_without_a_word():
    """That it is stopped is no failure."""
    assert run("stop.wait(); raise StoppedWhileWaiting(0)", signal.SIGTERM) == (0, "")


def test_a_process_that_does_not_come_to_its_end_is_ended_in_time():
    """Here its main thread hears of no signal, as in a library's call that does not return."""
    block = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\nthreading.Event().wait()"
    status, output = run(block, signal.SIGTERM)
    assert status == FORCED_EXIT
    assert "stop_forced" in output


def test_the_time_to_take_leave_is_less_than_what_is_promised():
    """Every process ends within 5 seconds of SIGTERM; one is left for the end itself."""
    assert STOP_SECONDS <= 4


def test_what_ends_without_a_signal_is_left_alone():
    """Such as a process that is set up wrongly, which has something to say."""
    assert run("pass", None) == (0, "after the block\ntaken apart\n")
