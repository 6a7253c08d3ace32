"""``logscry up``: processes are started again when they end, and stopped together."""

import io
import os
import signal
import threading

import pytest
from rich.console import Console

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
