"""The command line: help that teaches, and errors that are one sentence."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
        (["learn", "logscry.py", "--output", "tests"], "holds files that are no artefact"),
        (["learn", "no-such-file.log", "--output", "."], "holds files that are no artefact"),
        (["inspect", "logscry.py", "--output", "logscry.py"], "would replace"),
        (["inspect", "logscry.py", "--output", "tests"], "Is a directory"),
        (["train", "logscry.py", "--preset", "test", "--session-gap", "999999999999d"], "at most 365d"),
        (["preprocess", "logscry.py", "--session-gap", "999999999999d"], "at most 365d"),
        (["train", "logscry.py", "--preset", "test", "--seed", "-1"], "seed is -1"),
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "app.log"], ["inspect", "app.log", "--json"]])
def test_a_standard_output_that_fails_is_one_sentence_and_status_2(arguments: list[str], tmp_path: Path):
    """Here of a disk that is full."""
    (tmp_path / "app.log").write_text("2026-03-01T00:00:00Z INFO a line\n")
    with Path("/dev/full").open("wb") as full:
        done = _run(arguments, tmp_path, stdout=full)

    assert done.returncode == 2
    assert "standard output cannot be written: No space left on device." in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("number", [errno.EIO, errno.EBADF])
def test_a_reading_that_fails_is_not_called_a_full_standard_output(number: int, monkeypatch: pytest.MonkeyPatch):
    """A broken disk is no matter of room."""

    def broken() -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(logscry, "app", broken)
    with pytest.raises(OSError, match=os.strerror(number)):
        logscry.main()


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "app.log"]])
def test_what_is_shown_needs_no_standard_output(arguments: list[str], tmp_path: Path):
    """Where it is closed, nobody wants to see it: no error, no traceback."""
    (tmp_path / "app.log").write_text("2026-03-01T00:00:00Z INFO a line\n")
    done = _run(arguments, tmp_path, closed=True)

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "app.log"], ["inspect", "app.log", "--json"]])
def test_a_reader_that_has_gone_ends_a_command_without_a_word(arguments: list[str], tmp_path: Path):
    """As head does when it has seen enough."""
    (tmp_path / "app.log").write_text("2026-03-01T00:00:00Z INFO a line\n")
    read, write = os.pipe()
    os.close(read)
    try:
        done = _run(arguments, tmp_path, stdout=write)
    finally:
        os.close(write)

    assert done.returncode == 1
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_results_for_a_standard_output_that_is_closed_are_refused(tmp_path: Path):
    """In one sentence."""
    (tmp_path / "app.log").write_text("2026-03-01T00:00:00Z INFO a line\n")
    done = _run(["inspect", "app.log", "--json"], tmp_path, closed=True)

    assert done.returncode == 2
    assert "standard output is closed" in done.stderr
    assert "Traceback" not in done.stderr


def _run(
    arguments: list[str], folder: Path, *, stdout: Any = None, closed: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [sys.executable, str(Path(logscry.__file__).absolute()), *arguments]
    if closed:
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    return subprocess.run(command, cwd=folder, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
