"""What a training runs on: one process or several, one device or another."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.artefact import Artefact
from model.errors import ConfigurationError
from model.network import MaskedEventBert, NetworkConfig
from tests.toy_model import toy_request
from training.machine import DEVICES, Machine, machine_of
from training.presets import PRESETS
from training.progress import SilentProgress
from training.train import train

ROOT = Path(__file__).parents[3]
#: One of the processes: trains in the folder that it is told, and says a hash of what it has learnt and the threshold.
PROCESS = """
import sys
from hashlib import sha256
from pathlib import Path
import torch
from tests.toy_model import toy_request
from training.progress import SilentProgress
from training.train import train

torch.set_num_threads(1)
folder = Path(sys.argv[1])
progress = SilentProgress()
request = toy_request(folder, int(sys.argv[2]), output=folder.parent / "out" / "model", epochs=100, max_seconds=100)
artefact = train(request, progress)
numbers = b"".join(value.numpy().tobytes() for _, value in sorted(artefact.weights.items()))
print(sha256(numbers).hexdigest() + str(artefact.threshold), any("steps took" in note for note in progress.notes))
"""


def _start(folder: Path, sessions: int, rank: int, port: int) -> subprocess.Popen[str]:
    folder.mkdir()
    launcher = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environment = {**os.environ, **{name: str(value) for name, value in launcher.items()}, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROCESS, str(folder), str(sessions)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("sessions", [300, pytest.param(40, id="so few that they are cross-fitted")])
def test_two_processes_learn_one_model(tmp_path: Path, sessions: int) -> None:
    """Both end with the same weights, other ones than a process alone; the main one alone speaks and writes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    processes = [_start(tmp_path / f"logs{rank}", sessions, rank, port) for rank in (0, 1)]
    try:
        answers = [process.communicate(timeout=200)[0].split() for process in processes]
    finally:
        for process in processes:
            process.kill()
    (tmp_path / "alone").mkdir()
    alone = train(toy_request(tmp_path / "alone", sessions, epochs=100, device="cpu"))
    written = Artefact.load(tmp_path / "out" / "model")

    assert answers[0][0] == answers[1][0]
    assert [answer[1] for answer in answers] == ["True", "False"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model"]
    assert not torch.equal(written.weights["table.weight"], alone.weights["table.weight"])


def test_the_presets_for_gpus_train_on_a_cpu_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here with a small network in place of the large one."""
    small = replace(PRESETS["full"], encoder=PRESETS["test"].encoder)
    monkeypatch.setitem(PRESETS, "full", small)
    progress = SilentProgress()
    artefact = train(toy_request(tmp_path, preset="full", epochs=20, device="cpu"), progress)

    assert "made for GPUs" in progress.notes[0]
    assert artefact.settings["preset"] == "full"


@pytest.mark.parametrize(("preset", "millions"), [("full", 21), ("dgx", 71)])
def test_how_large_the_presets_for_gpus_are(preset: str, millions: int) -> None:
    """As docs/training.md says; nothing is allocated for it."""
    encoder = PRESETS[preset].encoder
    assert encoder is not None
    with torch.device("meta"):
        network = MaskedEventBert(NetworkConfig(100, encoder))

    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.05)


def test_a_device_is_found_or_named() -> None:
    """The best one where none is named; float32 wherever the device is no GPU that computes in bfloat16."""
    with machine_of(None, half_precision=True) as machine:
        assert machine.device.type in DEVICES
        assert (machine.rank, machine.processes, machine.main) == (0, 1, True)
    with machine_of("cpu", half_precision=True) as machine:
        assert machine == Machine(torch.device("cpu"), None)


@pytest.mark.parametrize("device", ["tpu", "" if torch.cuda.is_available() else "cuda"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    """The error says which ones are."""
    with (
        pytest.raises(ConfigurationError, match=r"torch can use here: .*cpu"),
        machine_of(device, half_precision=False),
    ):
        pytest.fail("it was taken")


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("RANK", "x", "RANK='x'; a launcher sets it to a whole number"),
        ("RANK", "-1", "RANK='-1'"),
        ("RANK", "1", "RANK=1 and WORLD_SIZE=1"),
        ("WORLD_SIZE", "", "WORLD_SIZE=''"),
        ("WORLD_SIZE", "0", "RANK=0 and WORLD_SIZE=0"),
    ],
)
def test_what_no_launcher_says_is_refused(name: str, value: str, match: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which variable is to be unset."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{match}.* Unset"), machine_of("cpu", half_precision=False):
        pytest.fail("it was taken")


def test_half_precision_is_used_within() -> None:
    """A CPU can compute in bfloat16, too: the products within are of that type, those outside are not."""
    machine = Machine(half=torch.bfloat16)
    ones = torch.ones(2, 2)
    with machine.autocast():
        assert (ones @ ones).dtype == torch.bfloat16
    with Machine().autocast():
        assert (ones @ ones).dtype == torch.float32
