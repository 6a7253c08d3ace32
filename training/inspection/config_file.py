"""A proposal as a settings file to start from, and as the options of commands."""

import json
import re
import shlex
import shutil
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from model.errors import ConfigurationError
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from training.inspection.durations import duration_text
from training.inspection.proposal import Proposal
from training.writing import written_whole

__all__ = [
    "GROUPS",
    "check_config",
    "config_file",
    "config_path",
    "format_name",
    "key_text",
    "train_command",
    "write_config",
]

#: What a settings file may have at its top: the fields of ``stream.settings.Settings``, which training knows not.
GROUPS = (
    "namespace",
    "kafka",
    "redis",
    "model",
    "lines",
    "key",
    "consumer",
    "worker",
    "metrics",
    "logging",
    "alerts",
)
#: One of them at the beginning of a line: no other file is written over.
_GROUP = re.compile(rf"^({'|'.join(GROUPS)})\s*:".encode(), re.MULTILINE)
#: No settings file is longer.
_MOST_BYTES = 1 << 20

_FILE = """\
# Settings of logscry, proposed from a look at {logs}.
# It is a file to start from: change what you know better. docs/operations.md lists all settings; variables such as
# LOGSCRY_KAFKA__BOOTSTRAP_SERVERS win over it. Train and run with it:
#
#   {train}
#   logscry up --config THIS_FILE

# One name for each independent service: its consumer group, and the first part of its Redis keys.
namespace: logscry

kafka:
  bootstrap_servers: 127.0.0.1:9092
  raw_topic: logs-raw  # lines without keys: from here they get them
  logs_topic: logs  # lines with keys
  alerts_topic: alerts
  dead_letters_topic: dead-letters

redis:
  url: redis://127.0.0.1:6379/0  # a password belongs in LOGSCRY_REDIS__URL

# The model holds its window size ({size}), hop ({hop}), session gap ({gap}) and threshold.
# `logscry settings set` changes them while it runs.
model:
  path: {model}

# How lines are written.
lines:
  format: {format}
  time_zone: {zone}  # of times that state none

# Whose sequence a line belongs to.
key:
{key}"""


def config_file(proposal: Proposal, logs: Sequence[str], model: Path) -> str:
    """Write the settings file.

    Args:
        proposal: What is proposed.
        logs: What was looked at, for the comments.
        model: The artefact's folder.

    Returns:
        YAML that ``logscry up --config`` takes.
    """
    shown = " ".join(map(_comment, logs[:3])) + (" ..." if len(logs) > 3 else "")  # noqa: PLR2004 -- a few are enough
    return _FILE.format(
        logs=shown,
        train=_comment(train_command(proposal, logs, model)),
        size=f"{proposal.rule.size} events",
        hop=proposal.rule.hop,
        gap=duration_text(proposal.rule.session_gap_ms),
        model=_yaml(str(model)),
        format=_yaml(format_name(proposal.line_format)),
        zone=_yaml(proposal.line_format.zone),
        key="".join(f"  {line}\n" for line in _key_lines(proposal.key)),
    )


def config_path(model: Path) -> Path:
    """Where ``logscry learn`` puts the settings file of a model: beside its folder."""
    return model.with_name(f"{model.name}.yaml")


def check_config(path: Path) -> None:
    """Refuse, before the work, what ``write_config`` would refuse to write over.

    Raises:
        ConfigurationError: What is there is no settings file, or cannot be read.
    """
    try:
        if path.exists():
            _settings_in(path)
    except OSError as error:
        raise _refused(path, error) from error


def write_config(path: Path, text: str) -> None:
    """Write a settings file; another one that is there already is kept, its name with ``.before`` behind it.

    Raises:
        ConfigurationError: It cannot be written, or what is there is no settings file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        old = _settings_in(path) if path.exists() else b""
        if old and old != text.encode():
            _keep(path, old)
    except OSError as error:
        raise _refused(path, error) from error
    with written_whole(path) as file:
        file.write(text.encode())


def _refused(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"cannot write {path}: {error}. Name a file in a folder that can be written.")


def _settings_in(path: Path) -> bytes:
    """The settings file that is there; an empty one is as good as none."""
    if path.is_file():
        with path.open("rb") as file:
            found = file.read(_MOST_BYTES)
        if not found or (len(found) < _MOST_BYTES and _GROUP.search(found)):
            return found
    raise ConfigurationError(
        f"{path} is there and is no settings file of logscry, so it is left as it is; name another file."
    )


def _keep(path: Path, content: bytes) -> None:
    """Put a settings file aside, under a name that no other one has: what was kept before stays."""
    for number in count(1):
        kept = path.with_name(f"{path.name}.before" + (f"-{number}" if number > 1 else ""))
        with suppress(FileExistsError), kept.open("xb") as file:
            shutil.copymode(path, kept)
            file.write(content)
            return


def train_command(proposal: Proposal, logs: Sequence[str], model: Path) -> str:
    """Write the command that trains with a proposal; its words quoted for a shell."""
    words = ["logscry", "train", *logs, "--output", str(model), *_key_options(proposal.key)]
    words += ["--preset", proposal.preset, "--window-size", str(proposal.rule.size)]
    words += ["--window-hop", str(proposal.rule.hop), "--session-gap", duration_text(proposal.rule.session_gap_ms)]
    words += [word for mask in proposal.masks.masks for word in ("--mask", f"{mask.name}={mask.expression}")]
    if proposal.line_format.zone != "UTC":
        words += ["--time-zone", proposal.line_format.zone]
    return shlex.join(words)


def key_text(rule: KeyRule) -> str:
    """Write a rule as a person gives it: the options that name its parts."""
    return shlex.join(_key_options(rule)) if rule.names_a_key else "one sequence for all lines"


def format_name(line_format: LineFormat) -> str:
    """Name a format as ``--format`` takes it."""
    if line_format.kind != "text":
        return line_format.kind
    return "text" if line_format.header == "plain" else line_format.header


def _key_options(rule: KeyRule) -> list[str]:
    options = [word for field in rule.fields for word in ("--key-field", field)]
    options += ["--key-pattern", rule.pattern] if rule.pattern is not None else []
    return [*options, "--without-key", rule.without] if rule.without != "dead-letter" else options


def _key_lines(rule: KeyRule) -> list[str]:
    lines = [f"fields: {_yaml(','.join(rule.fields))}"] if rule.fields else []
    lines += [f"pattern: {_yaml(rule.pattern)}"] if rule.pattern is not None else []
    what = {
        "dead-letter": "lines without it become dead letters: nothing is lost",
        "drop": "lines without it are left out and counted",
        "shared": "lines without it are one sequence",
    }
    return [*lines, f"without: {rule.without}  # {what[rule.without]}"]


def _yaml(text: str) -> str:
    """A text in double quotes as YAML reads it: JSON is YAML."""
    return json.dumps(text)


def _comment(text: str) -> str:
    """A text that stays in its comment, whatever is in it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
