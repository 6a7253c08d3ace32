"""The command line: thin, each command calls one function of a package.

Exit status: 0 done; 1 a server is away or did not answer in time; 2 something has to be changed by a person first.
"""

import getpass
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from logscry_options import (
    Budget,
    Config,
    Format,
    KeyFields,
    KeyHeaders,
    KeyPattern,
    KeyRecord,
    Logs,
    Masks,
    MaxFiles,
    MessageField,
    Model,
    Overrides,
    Pretrained,
    SampleRatio,
    Threshold,
    TimeField,
    TimeZone,
    TrainedModel,
    Why,
    WithoutKey,
    key_options,
    pairs,
    repeated,
)
from model.errors import ConfigurationError, LogscryError, TransientError
from stream.durations import duration_ms
from stream.text import printable

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

RUN, OPERATE, LEARN = "Run", "Operate", "Learn from files"
#: Where commands that write or read a model look for it.
_MODEL = Path("runs/model")


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
    rule = said_key(_key_rule(key_pattern, key_field, without_key, headers=key_header, record_key=key_record), settings)
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
    rule = _key_rule(key_pattern, key_field, without_key, headers=key_header, record_key=key_record)
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
    current = live.set(pairs(changes), who or _user(), why)
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


@app.command(rich_help_panel=LEARN)
def inspect(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    line_format: Format = None,
    message_field: MessageField = None,
    time_field: TimeField = None,
    time_zone: TimeZone = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the settings file here.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002 -- a flag
) -> None:
    """Look at logs before anything else: format, parts, templates, candidates for the key, settings to begin with.

    All lines of small logs are looked at, a bounded sample of large ones. Nothing is written but what --output names.
    """
    import orjson  # noqa: PLC0415

    from model.lines.choice import FormatChoice  # noqa: PLC0415
    from training.inspection.config_file import config_file, write_config  # noqa: PLC0415
    from training.inspection.inspection import inspect_logs  # noqa: PLC0415
    from training.inspection.report import print_inspection, print_next  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415

    with RichProgress(Console(stderr=True)) as progress:
        found = inspect_logs(logs, FormatChoice(line_format, message_field, time_field, time_zone), progress)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2) + b"\n")
    else:
        print_inspection(Console(), found)
        print_next(Console(), found, logs, _MODEL)
    if output is not None:
        write_config(output, config_file(found.proposal, logs, _MODEL))


@app.command(rich_help_panel=LEARN)
def learn(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Artefact folder to write.")] = _MODEL,
    line_format: Format = None,
    message_field: MessageField = None,
    time_field: TimeField = None,
    time_zone: TimeZone = None,
    pretrained: Pretrained = None,
    max_time: Annotated[str | None, typer.Option(help="Bound on the learning: 90s, 10m.", show_default=False)] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the windows.", show_default=False)] = None,
    budget: Budget = None,
    seed: Annotated[int, typer.Option(help="Of the split, the weights and the masks.")] = 0,
) -> None:
    """Inspect, train and calibrate in one step; afterwards [b]logscry up[/b] needs no more options.

    It trains with what [b]logscry inspect[/b] proposes, and writes the model and, beside it, a settings file. Who knows
    better what belongs together says so to [b]logscry train[/b].
    """
    from model.lines.choice import FormatChoice  # noqa: PLC0415
    from training.inspection.inspection import inspect_logs  # noqa: PLC0415
    from training.inspection.report import print_inspection, print_learnt  # noqa: PLC0415
    from training.learn import LearnRequest  # noqa: PLC0415
    from training.learn import learn as learn_model  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415

    choice = FormatChoice(line_format, message_field, time_field, time_zone)
    seconds = duration_ms(max_time) / 1000 if max_time else float("inf")
    request = LearnRequest(logs, output, choice, pretrained, seconds, seed, budget, epochs)
    with RichProgress(Console(stderr=True)) as progress:
        found = inspect_logs(logs, choice, progress)
    print_inspection(Console(), found)
    with RichProgress(Console(stderr=True)) as progress:
        artefact = learn_model(request, found, progress)
    print_learnt(Console(), artefact, output)


@app.command(rich_help_panel=LEARN)
def preprocess(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the files.")] = Path("runs/preprocessed"),
    key_pattern: KeyPattern = None,
    key_field: KeyFields = None,
    without_key: WithoutKey = "dead-letter",
    line_format: Format = None,
    message_field: MessageField = None,
    time_field: TimeField = None,
    time_zone: TimeZone = None,
    mask: Masks = None,
    session_gap: Annotated[
        str | None, typer.Option(help="Silence that ends a session.", show_default="the model's, or 30m")
    ] = None,
    model: Model = None,
    max_files: MaxFiles = None,
    sample_ratio: SampleRatio = 1.0,
) -> None:
    r"""Write the sequences of event IDs in log files, a JSON file for each day, for [b]train[/b] and [b]score[/b].

    With --model, templates, key, format and session gap are the model's: for logs that it is to score.

    Example: [b]logscry preprocess logs/ --output days/ --key-pattern 'trace=(\w+)'[/b]
    """
    from model.events.own_masks import OwnMasks  # noqa: PLC0415
    from model.lines.choice import FormatChoice  # noqa: PLC0415
    from training.preprocess import PreprocessRequest  # noqa: PLC0415
    from training.preprocess import preprocess as preprocess_logs  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415
    from training.selection import KeySample, Selection  # noqa: PLC0415

    rule = _key_rule(key_pattern, key_field, without_key)
    request = PreprocessRequest(
        inputs=Selection(tuple(logs), max_files, KeySample(sample_ratio)),
        output=output,
        key=rule if rule.names_a_key else None,
        lines=FormatChoice(line_format, message_field, time_field, time_zone),
        session_gap_ms=duration_ms(session_gap) if session_gap else None,
        model=model,
        masks=OwnMasks.of(mask or ()),
    )
    with RichProgress() as progress:
        written = preprocess_logs(request, progress)
    what = f"{written.sequences:,} sequences with {written.events:,} events of {len(written.files)} days"
    Console(highlight=False).print(f"{what} are in {_shown(output)}.")


@app.command(rich_help_panel=LEARN)
def train(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Artefact folder to write.")] = Path("runs/model"),
    key_pattern: KeyPattern = None,
    key_field: KeyFields = None,
    without_key: WithoutKey = "dead-letter",
    line_format: Format = None,
    message_field: MessageField = None,
    time_field: TimeField = None,
    time_zone: TimeZone = None,
    mask: Masks = None,
    preset: Annotated[
        str,
        typer.Option(
            help="[b]transfer[/b]: from a pretrained encoder. [b]test[/b]: tiny, from scratch, minutes on a laptop. "
            "[b]full[/b]: large, for a GPU. [b]dgx[/b]: of BERT's own size, for several GPUs."
        ),
    ] = "transfer",
    pretrained: Pretrained = None,
    device: Annotated[
        str | None,
        typer.Option(help="Where it learns: cuda, mps or cpu.", show_default="the first of them that is there"),
    ] = None,
    layers: Annotated[int | None, typer.Option(min=1, help="Keep its first N layers.", show_default=False)] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the windows.", show_default=False)] = None,
    max_time: Annotated[str | None, typer.Option(help="Bound on the learning: 90s, 10m.", show_default=False)] = None,
    window_size: Annotated[int, typer.Option(help="The most events of a window.")] = 64,
    window_hop: Annotated[int, typer.Option(help="A window is cut after every this many events.")] = 8,
    session_gap: Annotated[str, typer.Option(help="Silence that ends a session.")] = "30m",
    threshold: Threshold = None,
    budget: Budget = None,
    max_files: MaxFiles = None,
    sample_ratio: SampleRatio = 1.0,
    seed: Annotated[int, typer.Option(help="Of the split, the weights and the masks.")] = 0,
    resume: Annotated[  # noqa: FBT002 -- a flag
        bool, typer.Option("--resume", help="Go on where an interrupted training with this output stopped.")
    ] = False,
) -> None:
    r"""Learn what normal looks like from log files, or from what [b]preprocess[/b] made of them, without labels.

    Example: [b]logscry train logs/ --key-pattern 'trace=(\w+)' --preset test[/b]

    On several GPUs: [b]accelerate launch -m logscry train logs/ --preset dgx[/b], or torchrun in its place.
    """
    from model.events.own_masks import OwnMasks  # noqa: PLC0415
    from model.lines.choice import FormatChoice  # noqa: PLC0415
    from stream.windowing.windows import WindowRule  # noqa: PLC0415
    from training.machine import is_main_process  # noqa: PLC0415
    from training.progress import RichProgress, SilentProgress  # noqa: PLC0415
    from training.train import TrainingRequest  # noqa: PLC0415
    from training.train import train as train_model  # noqa: PLC0415

    request = TrainingRequest(
        inputs=tuple(logs),
        output=output,
        key=_key_rule(key_pattern, key_field, without_key),
        lines=FormatChoice(line_format, message_field, time_field, time_zone),
        masks=OwnMasks.of(mask or ()),
        preset=preset,
        pretrained=pretrained,
        layers=layers,
        rule=WindowRule(window_size, window_hop, duration_ms(session_gap)),
        seed=seed,
        epochs=epochs,
        max_seconds=duration_ms(max_time) / 1000 if max_time else float("inf"),
        alerts_per_10000_windows=budget,
        threshold=threshold,
        max_files=max_files,
        sample_ratio=sample_ratio,
        resume=resume,
        device=device,
    )
    if not is_main_process():  # it helps the one that speaks
        train_model(request, SilentProgress())
        return
    with RichProgress() as progress:
        artefact = train_model(request, progress)
    what = f"{len(artefact.templates)} templates, alerts above {artefact.threshold:.3f} nats"
    card = _shown(output / "README.md")
    Console().print(f"Model [b]{artefact.version}[/b] is in {_shown(output)}: {what}. Its card: {card}")


@app.command(rich_help_panel=LEARN)
def score(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Annotated[
        list[str] | None, typer.Argument(metavar="[LOGS...]", help="Logs or preprocessed logs: files, folders, globs.")
    ] = None,
    more_logs: Annotated[list[str] | None, typer.Option("--input", "-i", help="The same as LOGS.")] = None,
    model: TrainedModel = Path("runs/model"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON file; standard output where not given.")
    ] = None,
    threshold: Threshold = None,
    budget: Budget = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the distribution of the scores: a .png or .svg file.", show_default=False)
    ] = None,
) -> None:
    """Score log files: files in, JSON out, no Kafka. One item a window, each with its [b]anomaly_score[/b].

    What the scores are like is said on standard error.
    """
    from training.progress import RichProgress  # noqa: PLC0415
    from training.score import ScoringRequest, score_files  # noqa: PLC0415

    inputs = (*(logs or ()), *(more_logs or ()))
    request = ScoringRequest(model, inputs, output, threshold=threshold, alerts_per_10000_windows=budget, plot=plot)
    with RichProgress() as progress:
        summary = score_files(request, progress)
    Console(stderr=True, highlight=False).print(_shown(summary.words()), soft_wrap=True)


@app.command(rich_help_panel=LEARN)
def evaluate(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    labels: Annotated[Path, typer.Option(help="CSV: the key, and a column [b]label[/b] (0 normal, 1 abnormal).")],
    model: TrainedModel = Path("runs/model"),
    training_logs: Annotated[
        list[str] | None, typer.Option(help="The logs of training: adds the baselines. May be repeated.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file for the figures.")] = None,
    threshold: Threshold = None,
    budget: Budget = None,
) -> None:
    """Judge a model against labels, beside simple lookups: precision, recall, F1, AUC, false alarms."""
    from training.evaluate import EvaluationRequest  # noqa: PLC0415
    from training.evaluate import evaluate as evaluate_model  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415
    from training.report import evaluation_table  # noqa: PLC0415
    from training.score import ScoringRequest  # noqa: PLC0415

    scoring = ScoringRequest(model, tuple(logs), threshold=threshold, alerts_per_10000_windows=budget)
    request = EvaluationRequest(scoring, labels, tuple(training_logs or ()), output)
    with RichProgress() as progress:
        evaluation = evaluate_model(request, progress)
    Console().print(evaluation_table(evaluation))


def main() -> None:
    """Run the command line; errors that a user can act on are one sentence, never a traceback."""
    # Before torch loads: its threads must not spin while they wait for each other on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except LogscryError as exc:
        Console(stderr=True, highlight=False).print(f"[red]{type(exc).__name__}[/red]: {_shown(exc)}")
        sys.exit(1 if isinstance(exc, TransientError) else 2)
    except KeyboardInterrupt:
        sys.exit(130)


def _shown(text: object) -> str:
    """Text that may hold anything, such as a file's name, with neither markup nor terminal commands in it."""
    return escape(printable(str(text)))


def _settings(config: Path | None, overrides: list[str] | None, model: Path | None = None) -> Any:  # noqa: ANN401
    from stream.settings import load_settings  # noqa: PLC0415

    given: Mapping[str, object] = {**pairs(overrides or []), **({"model.path": model} if model else {})}
    return load_settings(config, given)


def _key_rule(
    pattern: str | None,
    fields: list[str] | None,
    without: str,
    *,
    headers: list[str] | None = None,
    record_key: bool = False,
) -> Any:  # noqa: ANN401
    from model.lines.key_rule import KeyRule  # noqa: PLC0415

    return KeyRule(record_key, tuple(headers or ()), tuple(fields or ()), pattern, cast("Any", without))


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
