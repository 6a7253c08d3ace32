"""The proposed settings file and commands."""

import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import logscry
from model.errors import ConfigurationError
from model.events.own_masks import OwnMasks
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from stream.durations import duration_ms
from stream.setting_names import leaves, variable_name
from stream.settings import Settings, load_settings
from stream.windowing.windows import WindowRule
from training.inspection.config_file import (
    GROUPS,
    check_config,
    config_file,
    config_path,
    train_command,
    write_config,
)
from training.inspection.durations import duration_text
from training.inspection.proposal import Proposal

RULES = [
    KeyRule(pattern=r"""\bid="?([^\s"']+)"""),
    KeyRule(fields=("host", "/a~1b/pid"), without="drop"),
    KeyRule(fields=("trace_id",), pattern=r"\[(\d+)\]"),
    KeyRule(without="shared"),
]
HOSTILE = "it's\n\x1b[31m; rm -rf ~ #.log"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for dotted in [*leaves(Settings), "config"]:
        monkeypatch.delenv(variable_name(dotted), raising=False)


def proposal(key: KeyRule, line_format: LineFormat = LineFormat("text", "hdfs", zone="+02:00")) -> Proposal:  # noqa: B008
    """A proposal with this key."""
    return Proposal(key, WindowRule(64, 1, 3000), line_format, "test", ())


@pytest.mark.parametrize("key", RULES)
def test_the_file_is_one_that_logscry_loads(key, tmp_path):
    """Key, format, zone and model come back as they were proposed; nothing in it is refused."""
    path = tmp_path / "settings.yaml"
    write_config(path, config_file(proposal(key), ["logs/", HOSTILE], Path("runs/it's #1")))
    settings = load_settings(path)

    assert settings.key.rule() == key
    assert settings.model.path == Path("runs/it's #1")
    assert (settings.lines.format, settings.lines.time_zone) == ("hdfs", "+02:00")


@pytest.mark.parametrize(
    ("line_format", "name"),
    [
        (LineFormat(), "text"),
        (LineFormat("json", message="msg"), "json"),
        (LineFormat("otlp-proto"), "otlp-proto"),
        (LineFormat("text", "cri+log4j"), "cri+log4j"),
    ],
)
def test_the_format_is_named_as_the_settings_take_it(line_format, name, tmp_path):
    """Consumers read with it what training read."""
    path = tmp_path / "settings.yaml"
    path.write_text(config_file(proposal(RULES[0], line_format), ["x"], Path("m")))

    assert load_settings(path).lines.format == name


@pytest.mark.parametrize("key", RULES)
def test_the_command_is_one_that_the_command_line_takes(key):
    """A shell gives its words back as they are; it fails for the missing file alone."""
    words = shlex.split(train_command(proposal(key), ["no such.log", HOSTILE], Path("runs/model")))
    result = CliRunner().invoke(logscry.app, words[1:])

    assert words[:4] == ["logscry", "train", "no such.log", HOSTILE]
    assert isinstance(result.exception, ConfigurationError)
    assert "no such.log leads to no log file" in str(result.exception)


def test_a_settings_file_that_was_edited_is_kept(tmp_path):
    """Learning anew puts it aside instead of over it, and what was put aside before stays."""
    path = config_path(tmp_path / "runs" / "model")
    for text in ("namespace: first", "namespace: second", "namespace: third", "namespace: third"):
        write_config(path, text)

    assert path == tmp_path / "runs" / "model.yaml"
    assert {each.name: each.read_text() for each in path.parent.iterdir()} == {
        "model.yaml": "namespace: third",
        "model.yaml.before": "namespace: first",
        "model.yaml.before-2": "namespace: second",
    }


@pytest.mark.parametrize("content", ["2026-03-01 INFO up\n", "model: m\n" + "#" * (1 << 20), '{"key": "x"}'])
def test_a_file_that_holds_no_settings_is_not_written_over(tmp_path, content):
    """A log that was named by mistake stays where it is, and as it is."""
    path = tmp_path / "il.log"
    path.write_text(content)

    for refusing in (check_config, lambda path: write_config(path, "namespace: new")):
        with pytest.raises(ConfigurationError, match=r"is no settings file of logscry.*name another file"):
            refusing(path)
    assert [each.name for each in tmp_path.iterdir()] == ["il.log"]
    assert path.read_text() == content


def test_the_groups_are_those_of_the_settings():
    """Training may not look at them itself."""
    assert set(GROUPS) == set(Settings.model_fields)


@pytest.mark.parametrize("group", Settings.model_fields)
def test_a_settings_file_may_have_any_one_group(tmp_path, group):
    """Also one of consumers or metrics alone, as people write them; it is put aside."""
    path = tmp_path / "model.yaml"
    path.write_text(f"# mine\n{group}: x\n")
    check_config(path)
    write_config(path, "namespace: new")

    assert path.with_name("model.yaml.before").read_text() == f"# mine\n{group}: x\n"


@pytest.mark.parametrize("command", [["learn", "--output", "runs/model"], ["inspect", "--output", "runs/model.yaml"]])
def test_a_file_that_holds_no_settings_is_refused_before_the_look(tmp_path, monkeypatch, command):
    """Not after hours of training."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("training.inspection.inspection.inspect_logs", _looked)
    (tmp_path / "app.log").write_text("2026-03-01T00:00:00Z INFO up\n")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "model.yaml").write_text("layers: 4\n")
    result = CliRunner().invoke(logscry.app, [*command, "app.log"])

    assert isinstance(result.exception, ConfigurationError)
    assert "model.yaml is there and is no settings file of logscry" in str(result.exception)
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["model.yaml"]


def _looked(*_: object) -> None:
    raise AssertionError


def test_what_is_no_file_is_not_written_over(tmp_path):
    """Such as a folder, or a pipe, which would never end."""
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ConfigurationError, match="name another file"):
            check_config(path)
        with pytest.raises(ConfigurationError, match="name another file"):
            write_config(path, "namespace: new")


def test_a_settings_file_is_written_whole(tmp_path, monkeypatch):
    """Where the writing fails, the old one is there still."""
    path = tmp_path / "model.yaml"
    write_config(path, "namespace: old")
    monkeypatch.setattr(Path, "replace", _no_room)

    with pytest.raises(ConfigurationError, match=r"cannot write .*No room"):
        write_config(path, "namespace: new")
    assert path.read_text() == "namespace: old"


def _no_room(*_: object) -> None:
    raise OSError("No room")


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    """In one sentence."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match=r"cannot write .*folder that can be written"):
        write_config(tmp_path / "file" / "x.yaml", "")


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(86_400_000, "1d"), (5_400_000, "90m"), (3000, "3s"), (1500, "1500ms")]
)
def test_durations_are_written_as_options_take_them(milliseconds, text):
    """The largest unit that divides it."""
    assert duration_text(milliseconds) == text
    assert duration_ms(text) == milliseconds


@pytest.mark.parametrize("key", RULES[:3])
def test_the_command_in_the_file_can_be_copied_as_it_stands(key):
    """Backslashes of expressions are not doubled."""
    masked = replace(proposal(key), masks=OwnMasks.of([r"customer=of (\w+)"]))
    text = config_file(masked, ["logs/"], Path("runs/model"))
    [line] = [line for line in text.splitlines() if "logscry train" in line]

    assert shlex.split(line.lstrip("# ")) == shlex.split(train_command(masked, ["logs/"], Path("runs/model")))
    assert r"customer=of (\w+)" in shlex.split(line.lstrip("# "))
