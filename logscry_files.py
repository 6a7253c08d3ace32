"""The commands that need files alone: inspect, learn, preprocess, train, score, evaluate."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from logscry_options import (
    Budget,
    Epochs,
    Format,
    KeyFields,
    KeyPattern,
    Logs,
    Masks,
    MaxFiles,
    MaxTime,
    MessageField,
    Model,
    Pretrained,
    SampleRatio,
    Seed,
    Threshold,
    TimeField,
    TimeZone,
    TrainedModel,
    WithoutKey,
    key_rule,
    shown,
    wording,
)
from stream.durations import duration_ms
from training.interruption import interruptible

__all__ = ["app"]

app = typer.Typer()


class _FileCommand(TyperCommand):
    """A command that removes what is half done when it is ended from outside."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- typer has no public name for it
        with interruptible():
            return super().invoke(ctx)


LEARN = "Learn from files"
#: Where commands that write or read a model look for it.
_MODEL = Path("runs/model")


@app.command(rich_help_panel=LEARN, cls=_FileCommand)
def inspect(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    line_format: Format = None,
    message_field: MessageField = None,
    time_field: TimeField = None,
    time_zone: TimeZone = None,
    mask: Masks = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the settings file here.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,  # noqa: FBT002 -- a flag
) -> None:
    """Look at logs before anything else: format, parts, templates, candidates for the key, settings to begin with.

    All lines of small logs are looked at, a bounded sample of large ones. Nothing is written but what --output names.
    """
    import orjson  # noqa: PLC0415

    from training.inspection.config_file import check_config, config_file, write_config  # noqa: PLC0415
    from training.inspection.inspection import inspect_logs  # noqa: PLC0415
    from training.inspection.report import print_inspection, print_next  # noqa: PLC0415
    from training.log_files import LogFiles  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415
    from training.writing import check_outputs, standard_output  # noqa: PLC0415

    check_outputs({"--output": output}, LogFiles(logs).files)
    if output is not None:
        check_config(output)
    said = wording((line_format, message_field, time_field, time_zone), mask)
    with RichProgress(Console(stderr=True)) as progress:
        found = inspect_logs(logs, said, progress)
    if as_json:
        printed = standard_output()
        printed.write(orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2) + b"\n")
        printed.flush()
    else:
        print_inspection(Console(), found)
        print_next(Console(), found, logs, _MODEL)
    if output is not None:
        write_config(output, config_file(found.proposal, logs, _MODEL))


@app.command(rich_help_panel=LEARN, cls=_FileCommand)
def learn(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Artefact folder to write.")] = _MODEL,
    line_format: Format = None,
    message_field: MessageField = None,
    time_field: TimeField = None,
    time_zone: TimeZone = None,
    mask: Masks = None,
    pretrained: Pretrained = None,
    max_time: MaxTime = None,
    epochs: Epochs = None,
    budget: Budget = None,
    seed: Seed = 0,
) -> None:
    """Inspect, train and calibrate in one step; afterwards [b]logscry up[/b] needs no more options.

    It trains with what [b]logscry inspect[/b] proposes, and writes the model and, beside it, a settings file. Who knows
    better what belongs together says so to [b]logscry train[/b].
    """
    from training.inspection.config_file import check_config, config_path  # noqa: PLC0415
    from training.inspection.inspection import inspect_logs  # noqa: PLC0415
    from training.inspection.report import print_inspection, print_learnt  # noqa: PLC0415
    from training.learn import LearnRequest  # noqa: PLC0415
    from training.learn import learn as learn_model  # noqa: PLC0415
    from training.log_files import LogFiles  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415
    from training.writing import check_model_folder, check_outputs  # noqa: PLC0415

    check_model_folder(output)
    check_outputs({"--output": config_path(output)}, LogFiles(logs).files)
    check_config(config_path(output))
    said = wording((line_format, message_field, time_field, time_zone), mask)
    seconds = duration_ms(max_time) / 1000 if max_time else float("inf")
    request = LearnRequest(logs, output, pretrained, seconds, seed, budget, epochs)
    with RichProgress(Console(stderr=True)) as progress:
        found = inspect_logs(logs, said, progress)
    print_inspection(Console(), found)
    with RichProgress(Console(stderr=True)) as progress:
        artefact = learn_model(request, found, progress)
    print_learnt(Console(), artefact, output)


@app.command(rich_help_panel=LEARN, cls=_FileCommand)
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
    from training.preprocess import PreprocessRequest  # noqa: PLC0415
    from training.preprocess import preprocess as preprocess_logs  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415
    from training.selection import KeySample, Selection  # noqa: PLC0415

    rule = key_rule(key_pattern, key_field, without_key)
    said = wording((line_format, message_field, time_field, time_zone), mask)
    request = PreprocessRequest(
        inputs=Selection(tuple(logs), max_files, KeySample(sample_ratio)),
        output=output,
        key=rule if rule.names_a_key else None,
        lines=said.lines,
        session_gap_ms=duration_ms(session_gap) if session_gap else None,
        model=model,
        masks=said.masks,
    )
    with RichProgress() as progress:
        written = preprocess_logs(request, progress)
    what = f"{written.sequences:,} sequences with {written.events:,} events of {len(written.files)} days"
    Console(highlight=False).print(f"{what} are in {shown(output)}.")


@app.command(rich_help_panel=LEARN, cls=_FileCommand)
def train(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="Artefact folder to write.")] = _MODEL,
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
    epochs: Epochs = None,
    max_time: MaxTime = None,
    window_size: Annotated[int, typer.Option(help="The most events of a window.")] = 64,
    window_hop: Annotated[int, typer.Option(help="A window is cut after every this many events.")] = 8,
    session_gap: Annotated[str, typer.Option(help="Silence that ends a session.")] = "30m",
    threshold: Threshold = None,
    budget: Budget = None,
    max_files: MaxFiles = None,
    sample_ratio: SampleRatio = 1.0,
    seed: Seed = 0,
    resume: Annotated[  # noqa: FBT002 -- a flag
        bool, typer.Option("--resume", help="Go on where an interrupted training with this output stopped.")
    ] = False,
) -> None:
    r"""Learn what normal looks like from log files, or from what [b]preprocess[/b] made of them, without labels.

    Example: [b]logscry train logs/ --key-pattern 'trace=(\w+)' --preset test[/b]

    On several GPUs: [b]accelerate launch -m logscry train logs/ --preset dgx[/b], or torchrun in its place.
    """
    from stream.windowing.windows import WindowRule  # noqa: PLC0415
    from training.machine import is_main_process  # noqa: PLC0415
    from training.progress import RichProgress, SilentProgress  # noqa: PLC0415
    from training.request import TrainingRequest  # noqa: PLC0415
    from training.train import train as train_model  # noqa: PLC0415

    said = wording((line_format, message_field, time_field, time_zone), mask)
    request = TrainingRequest(
        inputs=tuple(logs),
        output=output,
        key=key_rule(key_pattern, key_field, without_key),
        lines=said.lines,
        masks=said.masks,
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
    card = shown(output / "README.md")
    Console().print(f"Model [b]{artefact.version}[/b] is in {shown(output)}: {what}. Its card: {card}")


@app.command(rich_help_panel=LEARN, cls=_FileCommand)
def score(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Annotated[
        list[str] | None, typer.Argument(metavar="[LOGS...]", help="Logs or preprocessed logs: files, folders, globs.")
    ] = None,
    more_logs: Annotated[list[str] | None, typer.Option("--input", "-i", help="The same as LOGS.")] = None,
    model: TrainedModel = _MODEL,
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
    Console(stderr=True, highlight=False).print(shown(summary.words()), soft_wrap=True)


@app.command(rich_help_panel=LEARN, cls=_FileCommand)
def evaluate(  # noqa: PLR0913, PLR0917 -- one parameter an option
    logs: Logs,
    labels: Annotated[
        Path,
        typer.Option(
            help="CSV: the key, and a column [b]label[/b] (0 normal, 1 abnormal). Or columns [b]line[/b] and "
            "[b]label[/b], and [b]file[/b] where there are several logs: then windows are judged by their lines."
        ),
    ],
    models: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", "--model", "-m", help="Artefact folder; several give mean and spread."),
    ] = None,
    training_logs: Annotated[
        list[str] | None, typer.Option(help="The logs of training: adds the baselines. May be repeated.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file for the figures.")] = None,
    threshold: Threshold = None,
    budget: Budget = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw precision against recall: a .png or .svg file.", show_default=False)
    ] = None,
) -> None:
    """Judge models against labels, beside simple lookups: precision, recall, F1, AUC, false alarms, how early."""
    from training.evaluate import EvaluationRequest  # noqa: PLC0415
    from training.evaluate import evaluate as evaluate_model  # noqa: PLC0415
    from training.log_files import LogFiles  # noqa: PLC0415
    from training.pictures import check_picture  # noqa: PLC0415
    from training.progress import RichProgress  # noqa: PLC0415
    from training.report import evaluation_picture, evaluation_table  # noqa: PLC0415
    from training.score import ScoringRequest  # noqa: PLC0415
    from training.spread import as_json  # noqa: PLC0415
    from training.writing import check_outputs, write_json, written_whole  # noqa: PLC0415

    check_picture(plot)
    models = models or [_MODEL]
    read = LogFiles([*logs, *(training_logs or ())]).files
    check_outputs({"--output": output, "--plot": plot}, [*read, labels, *models])
    evaluations = []
    with RichProgress() as progress:
        for number, model in enumerate(models):
            scoring = ScoringRequest(model, tuple(logs), threshold=threshold, alerts_per_10000_windows=budget)
            lookups = () if number else tuple(training_logs or ())  # the same for all models
            evaluations.append(evaluate_model(EvaluationRequest(scoring, labels, lookups), progress))
    Console().print(evaluation_table(evaluations))
    if output is not None:
        write_json(output, as_json(evaluations))
    if plot is not None:
        with written_whole(plot) as file:
            file.write(evaluation_picture(evaluations, plot.suffix))
