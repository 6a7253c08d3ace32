"""``logscry up``: processes are started again when they end, and stopped together."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from rich.console import Console

from model.errors import ConfigurationError
from stream.supervisor import CONFIGURATION_EXIT, ProcessPlan, Supervisor, plans
from tests.service import wait


def test_a_process_that_is_set_up_wrongly_stops_all_with_its_status(monkeypatch: pytest.MonkeyPatch):
    """Starting it again would not help; its own sentence is shown, marked with its name."""
    monkeypatch.setenv("LOGSCRY_MODEL__PATH", "no-such-model")
    output = io.StringIO()

    status = Supervisor([ProcessPlan("consume-1", ["consume"])], Console(file=output, width=200)).run()

    assert status == CONFIGURATION_EXIT
    assert "consume-1 | " in output.getvalue()
    assert "no-such-model" in output.getvalue()
    assert "Traceback" not in output.getvalue()


def test_a_process_that_ends_is_started_again_until_all_are_stopped():
    """SIGTERM to the supervisor ends it, and no process stays behind."""
    output = io.StringIO()

    def stop_after_the_second_start() -> None:
        wait(lambda: output.getvalue().count("started, process") >= 2)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_after_the_second_start).start()

    status = Supervisor([ProcessPlan("help-1", ["--help"])], Console(file=output, width=200)).run()

    assert status == 0
    assert "ended with status 0" in output.getvalue()


OWNER = """
import sys
from rich.console import Console
from stream.supervisor import ProcessPlan, Supervisor
Supervisor([ProcessPlan("get-1", ["settings", "get", "--set", "redis.url=" + sys.argv[1]])], Console(width=200)).run()
"""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_outlives_the_supervisor(end: signal.Signals):
    """However it ends. The process here waits for a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, "-c", OWNER, f"redis://127.0.0.1:{silent.getsockname()[1]}/0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
            assert owner.stdout is not None
            started = re.search(rb"started, process (\d+)", owner.stdout.readline())
            assert started is not None
            connection, _ = silent.accept()
            owner.send_signal(end)
            assert owner.wait(timeout=20) == (-signal.SIGKILL if end == signal.SIGKILL else 0)

    wait(lambda: not _is_running(int(started[1])), seconds=5)
    connection.close()


def test_a_supervisor_that_ignores_hangups_goes_on():
    """That is what nohup is for: SIGHUP changes nothing, SIGTERM ends it."""
    output = io.StringIO()

    def hang_up_then_stop() -> None:
        wait(lambda: "started, process" in output.getvalue())
        os.kill(os.getpid(), signal.SIGHUP)
        wait(lambda: output.getvalue().count("started, process") >= 2)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        threading.Thread(target=hang_up_then_stop).start()
        Supervisor([ProcessPlan("help-1", ["--help"])], Console(file=output, width=200)).run()
    finally:
        signal.signal(signal.SIGHUP, before)

    assert output.getvalue().count("started, process") >= 2


def test_a_closed_terminal_stops_no_process():
    """What cannot be shown is lost; the processes' output is read on, and the exit status is the same."""

    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(5, "Input/output error")

    plan = ProcessPlan("rekey-1", ["rekey"])

    assert Supervisor([plan], Console(file=Closed(), width=200)).run() == CONFIGURATION_EXIT


def test_nothing_to_run_is_refused():
    """No consumers, no workers and no rekey stage: the sentence says which options there are."""
    with pytest.raises(ConfigurationError, match=r"--consumers 1.*--key-field"):
        plans({"consume": 0, "detect": 0}, [], [], 0)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_process_gets_its_own_metrics_port():
    """The first serves on the given port, each further one on the next; without a port none serves."""
    planned = plans({"consume": 2, "detect": 1}, ["--config", "c.yaml"], ["--key-field", "id"], 9100)

    assert [(plan.name, plan.command[-1]) for plan in planned] == [
        ("consume-1", "metrics.port=9100"),
        ("consume-2", "metrics.port=9101"),
        ("detect-1", "metrics.port=9102"),
        ("rekey-1", "metrics.port=9103"),
    ]
    assert plans({"consume": 1}, [], [], 0)[0].command == ["consume"]
