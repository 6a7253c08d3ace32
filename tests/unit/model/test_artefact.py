"""Artefacts: whole or not at all, and nothing altered goes unseen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from model.artefact import Artefact
from model.errors import ModelError
from model.scoring import Scorer
from tests.toy_model import toy_artefact, toy_scorer, toy_window

FILES = (
    "weights.safetensors",
    "familiar.safetensors",
    "network.json",
    "vocabulary.json",
    "templates.json",
    "scoring.json",
    "settings.json",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved artefact."""
    toy_artefact().save(tmp_path / "model", {"README.md": b"a card"})
    return tmp_path / "model"


def test_a_loaded_artefact_scores_as_the_saved_one(folder: Path) -> None:
    """Saving and loading change neither the version nor a score."""
    loaded = Artefact.load(folder)
    window = toy_window("open", "check", "film")

    assert loaded.version == toy_artefact().version
    assert Scorer(loaded).score([window]) == pytest.approx(toy_scorer().score([window]), abs=1e-4)


def test_a_model_that_saw_few_sessions_does_not_look_at_marks(tmp_path: Path) -> None:
    """It scores and explains a window alike wherever in its session it stands, after loading too."""
    windows = [toy_window("open", "check", "film", starts=s, final=f) for s in (True, False) for f in (True, False)]
    replace(toy_artefact(), marks=False).save(tmp_path / "unmarked")
    unmarked = Scorer(Artefact.load(tmp_path / "unmarked"))

    assert len(set(unmarked.score(windows))) == 1
    assert len({unmarked.explain(window).summary for window in windows}) == 1
    assert len(set(toy_scorer().score(windows))) == len(windows)


@pytest.mark.parametrize("name", [*FILES, "README.md"])
def test_an_altered_byte_is_noticed(folder: Path, name: str) -> None:
    """A file of the same length with one byte changed is refused by name."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)

    with pytest.raises(ModelError, match=name):
        Artefact.load(folder)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_truncated_file_is_noticed(folder: Path, name: str) -> None:
    """A file that lost its end is refused by name."""
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-5])

    with pytest.raises(ModelError, match=name):
        Artefact.load(folder)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_noticed(folder: Path, name: str) -> None:
    """A file that is not there is refused by name."""
    (folder / name).unlink()

    with pytest.raises(ModelError, match=name):
        Artefact.load(folder)


def test_a_link_is_never_followed(folder: Path) -> None:
    """A file that is a link is refused, even if what it points to has the right content."""
    elsewhere = folder.parent / "elsewhere"
    (folder / "network.json").rename(elsewhere)
    (folder / "network.json").symlink_to(elsewhere)

    with pytest.raises(ModelError, match=r"network\.json"):
        Artefact.load(folder)


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "a/b.json", "..", ".hidden.json"])
def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    """The manifest can name plain files only."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": 0, "sha256": ""}
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(ModelError, match="no plain file name"):
        Artefact.load(folder)


def test_a_folder_of_other_things_is_not_overwritten(tmp_path: Path) -> None:
    """Saving into a folder that holds no artefact is refused and leaves it as it was."""
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(ModelError, match="no artefact"):
        toy_artefact().save(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_saving_again_replaces_the_artefact_and_leaves_nothing_behind(folder: Path) -> None:
    """An artefact is replaced whole; no temporary folder stays."""
    toy_artefact().save(folder)

    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    assert not (folder / "README.md").exists()


def test_a_missing_folder_says_how_to_get_one(tmp_path: Path) -> None:
    """The error names the command that trains."""
    with pytest.raises(ModelError, match="logscry train"):
        Artefact.load(tmp_path / "nothing")


def test_a_name_that_cannot_be_looked_at_is_one_sentence(tmp_path: Path) -> None:
    """Longer than the system allows."""
    with pytest.raises(ModelError, match="cannot look at the artefact"):
        Artefact.load(tmp_path / ("m" * 5_000))
