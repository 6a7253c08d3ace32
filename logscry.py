"""The command line: thin, each command calls one function of a package.

Exit status: 0 done; 1 a server is away or did not answer in time; 2 something has to be changed by a person first.
"""

import errno
import getpass
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from logscry_files import app as files_app
from logscry_options import (
    Config,
    KeyFields,
    KeyHeaders,
    KeyPattern,
    KeyRecord,
    Model,
    Overrides,
    Why,
    WithoutKey,
    key_options,
    key_rule,
    pairs,
    repeated,
    shown,
)
from model.errors import ConfigurationError, LogscryError, TransientError
from stream.durations import duration_ms

app = typer.Typer(
    help="Finds anomalies in log streams: lines in through Kafka, explained alerts out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
settings_app = typer.Typer(
    help="Look at and change the live settings: a running service follows within a second.", no_args_is_help=True
)
app.add_typer(settings_app, name="settings", rich_help_panel="Operate")

RUN, OPERATE = "Run", "Operate"
#: How the system says that a file takes nothing more; no reading fails so.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@app.command(rich_help_panel=RUN)
def consume(config: Config = None, model: Model = None, overrides: Overrides = None) -> None:
    """Turn the keyed log lines of Kafka into windows.

    Run as many as you like, up to the topic's partitions: they share the work.
    """
    from stream.service import run_consumer  # noqa: PLC0415 -- each command imports what it needs: --help is quick

    run_consumer(_settings(config, overrides, model))


@app.command(rich_help_panel=RUN)
def detect(config: Config = None, model: Model = None, overrides: Overrides = None) -> None:
    """Score windows with the model and publish explained alerts. Run as many as you like."""
    from stream.service import run_worker  # noqa: PLC0415

    run_worker(_settings(config, overrides, model))


@app.command(rich_help_panel=RUN)
def rekey(  # noqa: PLR0913, PLR0917 -- one parameter an option
    key_pattern: KeyPattern = None,
    key_field: KeyFields = None,
    key_header: KeyHeaders = None,
    key_record: KeyRecord = False,  # noqa: FBT002 -- a flag
    without_key: WithoutKey = "dead-letter",
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Give unkeyed records their keys: from the raw topic to the logs topic, exactly once.

    Several key options together make one key. Example: [b]logscry rekey --key-field host --key-field service[/b]
    """
    from stream.service import run_rekey  # noqa: PLC0415
    from stream.serving_key import said_key  # noqa: PLC0415

    settings = _settings(config, overrides)
    rule = said_key(key_rule(key_pattern, key_field, without_key, headers=key_header, record_key=key_record), settings)
    if not rule.assigns_keys:
        raise ConfigurationError(
            "Say where the key is: with --key-pattern, --key-field or --key-header, or with the settings key.…; "
            "logscry inspect proposes one."
        )
    run_rekey(settings, rule)


@app.command(rich_help_panel=RUN)
def up(  # noqa: PLR0913, PLR0917 -- one parameter an option
    consumers: Annotated[int, typer.Option(min=0, max=64, help="How many consumers.")] = 1,
    workers: Annotated[int, typer.Option(min=0, max=64, help="How many model workers.")] = 1,
    key_pattern: KeyPattern = None,
    key_field: KeyFields = None,
    key_header: KeyHeaders = None,
    key_record: KeyRecord = False,  # noqa: FBT002 -- a flag
    without_key: WithoutKey = "dead-letter",
    config: Config = None,
    model: Model = None,
    overrides: Overrides = None,
) -> None:
    """Run everything in one terminal: consumers, workers and, where a key is said, the rekey stage.

    It is said by the key options, by the settings [b]key.…[/b], or by a model that [b]logscry learn[/b] made.

    With metrics.port set, the first process serves on it and each further one on the next port.
    """
    from stream.serving_key import learnt_key, said_key  # noqa: PLC0415
    from stream.supervisor import Supervisor, plans  # noqa: PLC0415

    settings = _settings(config, overrides, model)
    rule = key_rule(key_pattern, key_field, without_key, headers=key_header, record_key=key_record)
    rule, line_format = said_key(rule, settings), None
    if not rule.assigns_keys:
        rule, line_format = learnt_key(settings)
    rekeying = key_options(rule) + (["--set", f"lines.format={line_format}"] if line_format else [])
    shared = repeated(config, overrides, model)
    wanted = plans({"consume": consumers, "detect": workers}, shared, rekeying, settings.metrics.port)
    raise typer.Exit(Supervisor(wanted, Console(highlight=False)).run())


@app.command(rich_help_panel=OPERATE)
def flush(
    timeout: Annotated[str, typer.Option(help="How long to wait for the consumers, such as 90s or 10m.")] = "10m",
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """End all open sessions once every line that the topic holds now is applied.

    For the end of a replay, and before maintenance. Lines that come later begin new sessions.
    """
    from stream.flush import flush as flush_sessions  # noqa: PLC0415

    settings = _settings(config, overrides)
    with Console(stderr=True).status("waiting for the consumers") as status:

        def show(offsets: int, ended: int) -> None:
            status.update(f"{offsets:,} offsets to go, {ended:,} sessions ended")

        ended = flush_sessions(settings, _redis(settings), duration_ms(timeout) / 1000, show)
    Console().print(f"{ended} sessions ended.")


@app.command(rich_help_panel=OPERATE)
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 -- a flag
    everything: Annotated[bool, typer.Option("--all", help="Delete the live settings and their history, too.")] = False,  # noqa: FBT002 -- likewise
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Delete the namespace's window state and its consumer group: the next consumer starts where kafka.start_at says.

    Stop its consumers and workers first; it is refused while consumers run. Open sessions and windows that wait to be
    scored are lost. The logs topic stays, and so do the live settings without --all.
    """
    from stream.reset import reset_state  # noqa: PLC0415

    settings = _settings(config, overrides)
    what = "all window state and the live settings" if everything else "all window state"
    if not yes:
        question = f"Delete {what} of namespace {settings.namespace}? Its consumers and workers must be stopped."
        typer.confirm(question, abort=True)
    removed = reset_state(settings, _redis(settings), live_settings=everything)
    Console().print(f"State of {removed} partitions removed{', and the live settings' if everything else ''}.")


@settings_app.command("get")
def settings_get(config: Config = None, overrides: Overrides = None) -> None:
    """Show the live settings."""
    live = _live_settings(_settings(config, overrides))
    current = live.get()
    if current is None:
        raise ConfigurationError(
            "There are no live settings yet: the first consumer or worker stores those of its model."
        )
    table = Table("setting", "value", title=f"version {current.version}", title_justify="left")
    for name, value in current.values().items():
        table.add_row(name, str(value))
    Console().print(table)


@settings_app.command("set")
def settings_set(
    changes: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as threshold=4.5 window_hop=4.")],
    why: Why = "",
    who: Annotated[str | None, typer.Option(help="Who changes them.", show_default="the user's name")] = None,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Change live settings, all or none.

    Example: [b]logscry settings set threshold=4.5 --why "too many alerts at night"[/b]
    """
    live = _live_settings(_settings(config, overrides))
    current = live.set(pairs(changes, once=True), who or _user(), why)
    Console().print(f"version {current.version} holds: " + ", ".join(f"{n}={v}" for n, v in current.values().items()))


@settings_app.command("undo")
def settings_undo(
    version: Annotated[int, typer.Argument(help="The version whose changes to take back.")],
    why: Why = "",
    who: Annotated[str | None, typer.Option(help="Who does it.", show_default="the user's name")] = None,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Give the settings that a change touched the values they had before it."""
    live = _live_settings(_settings(config, overrides))
    current = live.undo(version, who or _user(), why)
    Console().print(f"version {current.version} holds: " + ", ".join(f"{n}={v}" for n, v in current.values().items()))


@settings_app.command("history")
def settings_history(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many changes.")] = 20,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """List who changed what, when and why; newest first."""
    from stream.alerts import time_of  # noqa: PLC0415

    table = Table("version", "when (UTC)", "who", "changes", "why")
    for change in _live_settings(_settings(config, overrides)).history(limit):
        changed = ", ".join(f"{name}: {old} → {new}" for name, (old, new) in change.changes.items())
        when = f"{time_of(change.time_ms):%Y-%m-%d %H:%M:%S}"
        table.add_row(str(change.version), when, escape(change.who), changed, escape(change.why))
    Console().print(table)


app.add_typer(files_app)


def main() -> None:
    """Run the command line; errors that a user can act on are one sentence, never a traceback."""
    # Before torch loads: its threads must not spin while they wait for each other on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except LogscryError as exc:
        Console(stderr=True, highlight=False).print(f"[red]{type(exc).__name__}[/red]: {shown(exc)}")
        sys.exit(1 if isinstance(exc, TransientError) else 2)
    except OSError as exc:
        if exc.filename is not None or exc.errno not in _FULL:  # the functions that write files tell their errors
            raise
        _let_output_go()
        what = f"standard output cannot be written: {exc.strerror}. Send it where there is room."
        Console(stderr=True, highlight=False).print(what)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _let_output_go() -> None:
    """Drop what standard output has not taken: at its end the interpreter would try again, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _settings(config: Path | None, overrides: list[str] | None, model: Path | None = None) -> Any:  # noqa: ANN401
    from stream.settings import load_settings  # noqa: PLC0415

    given: Mapping[str, object] = {**pairs(overrides or []), **({"model.path": model} if model else {})}
    return load_settings(config, given)


def _redis(settings: Any) -> Any:  # noqa: ANN401
    from stream.redis_client import connect  # noqa: PLC0415

    return connect(settings.redis.url.get_secret_value())


def _live_settings(settings: Any) -> Any:  # noqa: ANN401
    from stream.live_settings import LiveSettingsStore  # noqa: PLC0415

    return LiveSettingsStore(_redis(settings), settings.namespace)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


if __name__ == "__main__":
    main()
