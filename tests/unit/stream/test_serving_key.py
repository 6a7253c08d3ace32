"""Where rekey and up take the key from."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import logscry
from logscry_options import key_options
from model.errors import ConfigurationError
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from stream import supervisor
from stream.serving_key import learnt_key, said_key
from stream.setting_names import leaves, variable_name
from stream.settings import Settings, load_settings
from tests.toy_model import KEY, toy_artefact


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for dotted in [*leaves(Settings), "config"]:
        monkeypatch.delenv(variable_name(dotted), raising=False)


@pytest.fixture
def learnt(tmp_path: Path) -> Path:
    """A model that says how lines get their keys, and that its lines are text with a header."""
    artefact = toy_artefact()
    artefact = replace(
        artefact,
        settings={**artefact.settings, "rekey": True},
        line_format=LineFormat("text", "iso-level"),
    )
    artefact.save(tmp_path / "learnt")
    return tmp_path / "learnt"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A model of `logscry train`."""
    toy_artefact().save(tmp_path / "trained")
    return tmp_path / "trained"


def test_settings_say_the_key_as_options_do():
    """Several fields and headers by commas."""
    given = {"key.fields": "host, /a/b", "key.headers": "tenant", "key.record": "true", "key.without": "drop"}
    rule = load_settings(None, {**given, "key.pattern": "(x)"}).key.rule()

    assert rule == KeyRule(record_key=True, headers=("tenant",), fields=("host", "/a/b"), pattern="(x)", without="drop")
    assert not Settings().key.rule().assigns_keys


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("key.pattern", "(", "RE2"), ("key.fields", "//", "JSON pointer"), ("key.without", "keep", "one of dead-letter")],
)
def test_a_key_that_is_not_allowed_is_refused(name, value, sentence):
    """At the start, with what is allowed."""
    with pytest.raises(ConfigurationError, match=sentence):
        load_settings(None, {name: value})


def test_options_go_before_settings():
    """Whole: the two are not mixed."""
    settings = load_settings(None, {"key.fields": "host"})

    assert said_key(KeyRule(pattern="(x)"), settings) == KeyRule(pattern="(x)")
    assert said_key(KeyRule(), settings) == KeyRule(fields=("host",))


def test_a_learnt_model_says_the_key_and_the_format(learnt):
    """The header of text, which the rekey stage cannot know by itself; not where the settings say a format."""
    settings = load_settings(None, {"model.path": learnt})
    told = load_settings(None, {"model.path": learnt, "lines.format": "json"})

    assert learnt_key(settings) == (KEY, "iso-level")
    assert learnt_key(told) == (KEY, None)


def test_a_trained_model_leaves_it_to_the_producers(trained, tmp_path):
    """As before `learn`; nor does a model that is not there say anything."""
    for path in (trained, tmp_path / "absent"):
        assert not learnt_key(load_settings(None, {"model.path": path}))[0].assigns_keys


@pytest.mark.parametrize(
    "rule",
    [KEY, KeyRule(without="shared"), KeyRule(record_key=True, fields=("a", "b"), headers=("c",), without="drop")],
)
def test_the_options_of_a_rule_make_it_again(rule, monkeypatch):
    """What `up` hands to the rekey stage is what it was told."""
    seen = []
    monkeypatch.setattr("stream.service.run_rekey", lambda _, found: seen.append(found))
    result = CliRunner().invoke(logscry.app, ["rekey", *key_options(rule)])

    assert (result.exit_code, seen) == (0, [rule])


def _commands(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, str]:
    """The commands of the processes that up would run."""
    planned: list[Any] = []

    def run(self: supervisor.Supervisor) -> int:
        planned.extend(self._children)
        return 0

    monkeypatch.setattr(supervisor.Supervisor, "run", run)
    result = CliRunner().invoke(logscry.app, ["up", *arguments])
    assert result.exit_code == 0, result.output
    return {child.plan.name: shlex.join(child.plan.command) for child in planned}


def test_up_needs_no_more_than_a_learnt_model(learnt, monkeypatch):
    """It runs the rekey stage with the model's key, told how lines are written."""
    commands = _commands(monkeypatch, "--model", str(learnt))

    assert set(commands) == {"consume-1", "detect-1", "rekey-1"}
    assert str(KEY.pattern) in commands["rekey-1"]
    assert "lines.format=iso-level" in commands["rekey-1"]
    assert "lines.format" not in commands["consume-1"]


def test_up_takes_the_key_from_its_settings_file(trained, tmp_path, monkeypatch):
    """Or from an option, which goes before a learnt model's."""
    config = tmp_path / "settings.yaml"
    config.write_text(f"model: {{path: {trained}}}\nkey: {{without: shared}}\n")

    assert "--without-key shared" in _commands(monkeypatch, "--config", str(config))["rekey-1"]
    assert "rekey-1" not in _commands(monkeypatch, "--model", str(trained))
