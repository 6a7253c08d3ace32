"""Artefacts whose manifest is right and whose contents are not: a sentence, no score, no code, no memory taken."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from model.artefact import Artefact
from model.errors import ModelError
from model.network import NetworkConfig
from model.scoring import Scorer
from tests.toy_model import toy_artefact


def _with_encoder(**changes: object) -> Artefact:
    """The toy model with other settings of its encoder."""
    artefact = toy_artefact()
    config = artefact.network_config
    encoder = {**config.encoder, **changes}
    return replace(artefact, network_config=NetworkConfig(config.tokens, encoder, config.text_size, config.longest))


def _rewrite(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Change a JSON file of an artefact, and its manifest with it."""
    data = json.dumps(change(json.loads((folder / name).read_text()))).encode()
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_weight_that_is_no_number_is_refused(tmp_path: Path, wrong: float) -> None:
    """Such a model would score everything as nothing, and never alert."""
    artefact = toy_artefact()
    weights = {name: tensor.clone() for name, tensor in artefact.weights.items()}
    weights["table.weight"].view(-1)[0] = wrong
    replace(artefact, weights=weights).save(tmp_path / "model")

    with pytest.raises(ModelError, match="no number"):
        Scorer(Artefact.load(tmp_path / "model"))


def test_an_encoder_whose_answers_are_no_numbers_is_refused() -> None:
    """All weights are numbers; the root of a variance less a billion is not."""
    with pytest.raises(ModelError, match="no number"):
        _with_encoder(norm_eps=-1e9).network()


@pytest.mark.parametrize(
    "changes",
    [
        {"_attn_implementation": "somebody/kernels"},
        {"attn_implementation": "somebody/kernels"},
        {"experts_implementation": "somebody/kernels"},
        {"auto_map": {"AutoModel": "code.Model"}},
    ],
)
def test_settings_that_could_load_code_are_refused(changes: dict[str, object]) -> None:
    """Transformers fetches and runs the kernels of a repository that an attention's name leads to."""
    with pytest.raises(ModelError, match="no model of logscry has"):
        _with_encoder(**changes).network()


@pytest.mark.parametrize("build", ["gpt2", "clip", "timm_wrapper", "no-such-build", None, 7])
def test_other_builds_are_refused(build: object) -> None:
    """The error says which are taken."""
    with pytest.raises(ModelError, match="known are bert, distilbert, roberta, modernbert"):
        _with_encoder(model_type=build).network()


@pytest.mark.parametrize(
    "changes",
    [
        {"num_hidden_layers": 3_000_000},
        {"num_hidden_layers": 10**18},
        {"num_hidden_layers": "two"},
        {"hidden_size": 1 << 20},
        {"intermediate_size": 1 << 40},
        {"vocab_size": 1 << 40},
        {"num_attention_heads": 0},
        {"num_attention_heads": 7},
        {"hidden_size": None},
    ],
)
def test_sizes_that_do_not_fit_the_weights_are_refused(changes: dict[str, object]) -> None:
    """Before memory is taken for them: half a terabyte would have to be."""
    with pytest.raises(ModelError, match=r"layers|does not fit|cannot build"):
        _with_encoder(**changes).network()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("scoring.json", lambda value: {**value, "most_in_window": []}),
        ("scoring.json", lambda value: {**value, "threshold": None}),
        ("settings.json", lambda value: {**value, "training": 3}),
        ("settings.json", lambda value: {**value, "fingerprint": [1]}),
        ("settings.json", lambda value: {**value, "rule": {**value["rule"], "size": 1e308}}),
        ("settings.json", lambda _: []),
        ("network.json", lambda value: {**value, "tokens": 1e308}),
        ("network.json", lambda value: {**value, "encoder": 5}),
        ("vocabulary.json", lambda value: [event[:6] for event in value]),
        ("vocabulary.json", lambda _: {"a": 1}),
        ("templates.json", lambda _: 1),
    ],
)
def test_values_of_the_wrong_kind_are_refused(tmp_path: Path, name: str, change: Callable[[Any], Any]) -> None:
    """With a sentence, whatever the kind."""
    toy_artefact().save(tmp_path / "model")
    _rewrite(tmp_path / "model", name, change)

    with pytest.raises(ModelError):
        Artefact.load(tmp_path / "model")


@pytest.mark.parametrize("name", ["weights.safetensors", "manifest.json"])
def test_a_file_far_longer_than_it_was_written_is_not_read(tmp_path: Path, name: str) -> None:
    """Two hundred gigabytes of nothing take no room on disk, and would take all memory."""
    toy_artefact().save(tmp_path / "model")
    os.truncate(tmp_path / "model" / name, 200 << 30)

    with pytest.raises(ModelError, match=f"{name} has 214748364800 bytes"):
        Artefact.load(tmp_path / "model")


def test_a_foreign_manifest_makes_no_artefact(tmp_path: Path) -> None:
    """Web apps and browser extensions have a manifest.json, too: nothing of theirs is deleted."""
    (tmp_path / "manifest.json").write_text('{"name": "my app"}')
    (tmp_path / "work.js").write_text("mine")

    with pytest.raises(ModelError, match="is no artefact's"):
        toy_artefact().save(tmp_path)
    assert (tmp_path / "work.js").read_text() == "mine"


def test_a_file_that_somebody_put_beside_an_artefact_is_not_deleted(tmp_path: Path) -> None:
    """It is named; the artefact stays as it was."""
    toy_artefact().save(tmp_path / "model")
    (tmp_path / "model" / "notes.txt").write_text("mine")

    with pytest.raises(ModelError, match=r"notes\.txt"):
        toy_artefact().save(tmp_path / "model")
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
    assert Artefact.load(tmp_path / "model").version == toy_artefact().version


@pytest.mark.parametrize("name", [".DS_Store", "._README.md", "Thumbs.db", ".nfs000123"])
def test_what_systems_put_into_folders_stops_no_training(tmp_path: Path, name: str) -> None:
    """Looking at the pictures in a file browser is enough to have it there."""
    toy_artefact().save(tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(b"x")
    toy_artefact().save(tmp_path / "model")

    assert Artefact.load(tmp_path / "model").version == toy_artefact().version


def test_an_artefact_of_another_version_is_replaced(tmp_path: Path) -> None:
    """Training again is what its error asks for."""
    toy_artefact().save(tmp_path / "model")
    manifest = tmp_path / "model" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("logscry.artefact/1", "logscry.artefact/0"))
    with pytest.raises(ModelError, match="train the model with this version"):
        Artefact.load(tmp_path / "model")
    toy_artefact().save(tmp_path / "model")

    assert Artefact.load(tmp_path / "model").version == toy_artefact().version


@pytest.mark.parametrize("bytes_named", [10**13, 10**18, -1, "many", None])
def test_a_length_that_no_file_has_is_refused(tmp_path: Path, bytes_named: object) -> None:
    """No memory is taken for what a manifest claims."""
    toy_artefact().save(tmp_path / "model")
    path = tmp_path / "model" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["network.json"]["bytes"] = bytes_named
    path.write_text(json.dumps(manifest))

    with pytest.raises(ModelError, match=r"network\.json"):
        Artefact.load(tmp_path / "model")


def test_an_end_in_the_middle_of_replacing_leaves_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is put back, whatever ended it."""
    toy_artefact().save(tmp_path / "model")
    rename = Path.rename

    def ended(self: Path, target: Path) -> Path:
        if target == tmp_path / "model" and ".old." not in str(self):
            raise SystemExit(143)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", ended)
    with pytest.raises(SystemExit):
        toy_artefact().save(tmp_path / "model")

    assert Artefact.load(tmp_path / "model").version == toy_artefact().version
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_sound_model_is_built() -> None:
    """What the refusals above leave."""
    network = toy_artefact().network()

    assert all(isinstance(weight, torch.Tensor) and weight.device.type == "cpu" for weight in network.parameters())
