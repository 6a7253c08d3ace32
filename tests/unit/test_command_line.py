"""The command line: help that teaches, and errors that are one sentence."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import logscry

RUN, OPERATE = ["consume", "detect", "rekey", "up"], ["flush", "reset"]
COMMANDS = [*RUN, *OPERATE, "inspect", "learn", "preprocess", "train", "score", "evaluate"]


@pytest.mark.parametrize("command", [[], *([each] for each in COMMANDS), ["settings"], ["settings", "set"]])
def test_help_is_there_for_every_command(command: list[str]):
    """It says how the command is used."""
    result = CliRunner().invoke(logscry.app, [*command, "--help"])

    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["consume", "--set", "kafka.log_topic=x"], "logs_topic"),
        (["consume", "--set", "nonsense"], "NAME=VALUE"),
        (["consume", "--model", "no-such-folder"], "logscry train"),
        (["rekey"], "--key-field"),
        (["up", "--consumers", "0", "--workers", "0"], "nothing to run"),
        (["up", "--set", "metrics.port=65535"], "allowed is at most 65534"),
        (["rekey", "--key-pattern", "(unclosed"], "RE2"),
        (["flush", "--timeout", "soon"], "30m"),
        (["preprocess", "no-such-file.log"], "no-such-file.log"),
        (["preprocess", "logscry.py", "--sample-ratio", "0"], "at most 1"),
        (["train", "logscry.py", "--preset", "test", "--sample-ratio", "2"], "at most 1"),
        (["inspect", "no-such-file.log"], "name a file, a folder with files, or a glob"),
        (["inspect", "logscry.py", "--format", "no-such"], "such as cri+log4j"),
        (["learn", "no-such-file.log"], "no-such-file.log"),
        (["learn", "logscry.py", "--max-time", "soon"], "30m"),
        (["rekey", "--set", "key.pattern=(unclosed"], "under key, the key expression"),
        (["train", "no-such-file.log", "--preset", "test"], "no-such-file.log"),
        (["train", "logscry.py", "--preset", "grand"], "test"),
        (["train", "logscry.py", "--preset", "test", "--format", "no-such"], "such as cri+log4j"),
        (["train", "logscry.py", "--preset", "test", "--format", "<Content> <Content>"], "<Content> for the message"),
        (["train", "logscry.py", "--preset", "test", "--time-zone", "Moon/Base"], "Europe/Berlin"),
        (["train", "logscry.py", "--preset", "test", "--message-field", "//"], "JSON pointer"),
        (["train", "logscry.py", "--preset", "test", "--mask", "who=(unclosed"], "the expression of the mask who"),
        (["preprocess", "logscry.py", "--mask", "[a-z]+"], "NAME=EXPRESSION"),
        (["score"], "no logs are named"),
        (["score", "logscry.py", "--model", "no-such-folder"], "no-such-folder"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """It names what is allowed or what to do, without a traceback."""
    monkeypatch.setattr(sys, "argv", ["logscry", *arguments])

    with pytest.raises(SystemExit) as stopped:
        logscry.main()

    said = " ".join(capfd.readouterr().err.split())
    assert stopped.value.code == 2
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("override", "shown"),
    [
        ("redis.url:redis://u:hunter2@h/0", "'redis.url…' has no '='"),
        ("redis.url:redis://u:hunter2@h/0?a=1", "redis.url… names no setting"),
        ("kafka.sasl_plain_password:hunter2", "'kafka.sasl_plain_password…' has no '='"),
    ],
)
def test_a_colon_in_place_of_an_equals_sign_shows_no_password(
    override: str, shown: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """Only what can be a setting's name is repeated."""
    monkeypatch.setattr(sys, "argv", ["logscry", "consume", "--set", override])

    with pytest.raises(SystemExit):
        logscry.main()

    said = " ".join(capfd.readouterr().err.split())
    assert shown in said
    assert "hunter2" not in said


@pytest.mark.parametrize("command", [["inspect"], ["preprocess"], ["score", "logscry.py", "--model"]])
def test_a_file_name_gives_the_terminal_no_commands(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """What does not print in an error is escaped, and so is the markup of the library that prints it."""
    hostile = tmp_path / "a\x1b]0;pwned\x07[red].gz"
    hostile.write_bytes(b"no gzip")
    monkeypatch.setattr(sys, "argv", ["logscry", *command, str(hostile)])

    with pytest.raises(SystemExit) as stopped:
        logscry.main()

    said = "".join(capfd.readouterr().err.splitlines())
    assert stopped.value.code == 2
    assert r"a\x1b]0;pwned\x07[red].gz" in said
    assert "\x1b" not in said
    assert "\x07" not in said
