"""Files that are written whole or not at all."""

import os
from pathlib import Path

import pytest

from model.errors import ConfigurationError, ModelError
from training.writing import check_model_folder, check_outputs, write_json, written_whole


def test_two_writers_of_one_file_each_write_it_whole(tmp_path: Path) -> None:
    """The one that ends last wins; nothing else stays."""
    path = tmp_path / "scores.json"
    with written_whole(path) as first:
        first.write(b"first")
        with written_whole(path) as second:
            second.write(b"second")
        inner = path.read_bytes()
        first.write(b" whole")

    assert inner == b"second"
    assert path.read_bytes() == b"first whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_planted_link_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where somebody guesses the temporary name."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr("training.writing.token_hex", lambda _: "guessed")
    for name in (".guessed.part", ".scores.json.part"):
        (tmp_path / name).symlink_to(victim)

    with pytest.raises(ConfigurationError, match="File exists"):
        write_json(tmp_path / "scores.json", [])
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_permissions_of_any_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    """As the user's umask says."""
    before = os.umask(umask)
    try:
        write_json(tmp_path / "scores.json", [])
    finally:
        os.umask(before)

    assert (tmp_path / "scores.json").stat().st_mode & 0o777 == mode


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stops leaves the old file or the new one, and no empty one."""
    path, happened = tmp_path / "scores.json", []
    monkeypatch.setattr(os, "fsync", lambda _: happened.append(("on disk", path.exists())))

    write_json(path, [])
    assert happened == [("on disk", False)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("file/scores.json", "Not a directory"),
        ("file/below/scores.json", "Not a directory"),
        ("n" * 300, "File name too long"),
        (".", "Is a directory"),
        ("/", "Is a directory"),
        ("..", "Is a directory"),
        ("pipe", "a device or a pipe"),
        ("/dev/null", "a device or a pipe"),
    ],
)
def test_where_no_file_can_be_written_one_sentence_says_why(
    tmp_path: Path, name: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reason is the first that was met, not one of tidying up; and nothing is left."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    os.mkfifo("pipe")

    with pytest.raises(ConfigurationError, match=f"(?s)cannot write .*{why}.*Name a file in a folder"):
        write_json(Path(name), [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pipe"]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    """The temporary name is no longer."""
    write_json(tmp_path / ("n" * 255), [])

    assert [len(path.name) for path in tmp_path.iterdir()] == [255]


def test_what_fails_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    """And no temporary one."""
    path = tmp_path / "scores.json"
    write_json(path, 1)
    with pytest.raises(ZeroDivisionError), written_whole(path) as file:
        file.write(b"%d" % (1 // 0))

    assert path.read_bytes() == b"1"
    assert list(tmp_path.iterdir()) == [path]


def _same(tmp_path: Path, how: str) -> Path:
    """Another name of ``app.log`` in the folder."""
    log = tmp_path / "app.log"
    log.touch()
    if how == "the same name":
        return log
    if how == "a way round":
        return tmp_path / "below" / ".." / "app.log"
    other = tmp_path / "other.log"
    other.symlink_to(log) if how == "a link" else other.hardlink_to(log)
    return other


@pytest.mark.parametrize("how", ["the same name", "a way round", "a link", "a second name"])
def test_an_output_that_is_read_is_refused(tmp_path: Path, how: str) -> None:
    """Whatever it is called; so is one in a folder that is read as a whole."""
    (tmp_path / "below").mkdir()
    output = _same(tmp_path, how)

    for read in (tmp_path / "app.log", tmp_path):
        with pytest.raises(ConfigurationError, match=r"--plot .* would replace .*, which is read; name another file"):
            check_outputs({"--output": None, "--plot": output}, [read])


def test_two_outputs_of_one_name_are_refused(tmp_path: Path) -> None:
    """Even before the file is there; two files that are there or not pass."""
    (tmp_path / "b.json").touch()
    check_outputs({"--output": tmp_path / "a.json", "--plot": tmp_path / "b.json"}, [tmp_path / "app.log"])

    with pytest.raises(ConfigurationError, match=r"--output and --plot name one file, .*; name two"):
        check_outputs({"--output": tmp_path / "a.svg", "--plot": tmp_path / "below" / ".." / "a.svg"}, [])


@pytest.mark.parametrize("name", ["file/scores.json", "file/below/scores.json", ".", "/", "n" * 300, "n" * 5_000])
def test_where_no_file_can_be_written_is_said_before_the_work(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the sentence of the writing itself."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()

    with pytest.raises(ConfigurationError, match=r"cannot write .*Name a file in a folder that can be written"):
        check_outputs({"--output": Path(name)}, [])


def test_a_folder_without_permission_is_said_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the system is made to say so, for root may write everywhere."""
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(ConfigurationError, match=f"Permission denied: '{tmp_path}'"):
        check_outputs({"--output": tmp_path / "new" / "scores.json"}, [])


def test_a_mount_point_is_no_place_for_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot step aside; the error says what can be named."""
    monkeypatch.setattr(Path, "is_mount", lambda self: self == tmp_path / "model")
    (tmp_path / "model").mkdir()
    check_model_folder(tmp_path / "other")

    with pytest.raises(ModelError, match="is a mount point"):
        check_model_folder(tmp_path / "model")
