"""Options that several commands of the command line share, and what turns them into values or into options again."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.markup import escape

from model.errors import ConfigurationError
from stream.text import printable, shown_name

__all__ = [
    "Budget",
    "Config",
    "Epochs",
    "Format",
    "KeyFields",
    "KeyHeaders",
    "KeyPattern",
    "KeyRecord",
    "Logs",
    "Masks",
    "MaxFiles",
    "MaxTime",
    "MessageField",
    "Model",
    "Overrides",
    "Pretrained",
    "SampleRatio",
    "Seed",
    "Threshold",
    "TimeField",
    "TimeZone",
    "TrainedModel",
    "Why",
    "WithoutKey",
    "key_options",
    "key_rule",
    "pairs",
    "repeated",
    "shown",
    "wording",
]

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="YAML file of settings; LOGSCRY_… variables win over it.", show_default=False),
]
Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", help="Artefact folder that [b]logscry train[/b] wrote.", show_default=False),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting, such as kafka.logs_topic=app-logs. May be repeated."),
]
Pretrained = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        help="BERT-family encoder to start from: a folder, or a name on the hub: bert-base-uncased, "
        "distilbert-base-uncased, sentence-transformers/all-MiniLM-L6-v2. The last comes with logscry\\[transfer], "
        "for machines that reach no hub.",
        show_default=False,
    ),
]
KeyPattern = Annotated[
    str | None,
    typer.Option(help="Expression (RE2) whose groups are a line's key, such as '(blk_-?[0-9]+)'.", show_default=False),
]
KeyFields = Annotated[
    list[str] | None,
    typer.Option(
        "--key-field",
        help="Field that is a line's key: trace_id, or a pointer such as /a/b. Repeated: all together are the key.",
        show_default=False,
    ),
]
KeyHeaders = Annotated[
    list[str] | None,
    typer.Option("--key-header", help="Record header that is the key, or a part of it.", show_default=False),
]
KeyRecord = Annotated[
    bool, typer.Option("--key-record", help="The record's own key is a part of the new one.", show_default=False)
]
WithoutKey = Annotated[
    str,
    typer.Option(help="Lines without a key become a [b]dead-letter[/b], have one [b]shared[/b] key, or [b]drop[/b]."),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="How lines are written, where it is not found out by itself: json, otlp-json, otlp-proto, text, a known "
        "header such as log4j, or a line such as '<Date> <Time> <Level> <Component>: <Content>'.",
        show_default=False,
    ),
]
MessageField = Annotated[
    str | None, typer.Option(help="JSON field of the message: a name, or a pointer.", show_default=False)
]
TimeField = Annotated[str | None, typer.Option(help="JSON field of the time: likewise.", show_default=False)]
TimeZone = Annotated[
    str | None,
    typer.Option(help="Zone of times that state none: +02:00, Europe/Berlin.", show_default="UTC"),
]
Masks = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        metavar="NAME=EXPRESSION",
        help="What varies in messages and is not found by itself: an expression (RE2) whose groups become <*>, such as "
        r"'customer=of (\w+)'. It sees each number as one 0. May be repeated.",
        show_default=False,
    ),
]
Logs = Annotated[list[str], typer.Argument(metavar="LOGS...", help="Files, folders or globs; .gz is unpacked.")]
MaxFiles = Annotated[int | None, typer.Option(min=1, help="Read only the first so many files.", show_default="all")]
SampleRatio = Annotated[
    float, typer.Option(help="Take this share of the keys, each with all its lines; the same ones in every run.")
]
MaxTime = Annotated[str | None, typer.Option(help="Bound on the learning: 90s, 10m.", show_default=False)]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the windows.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Of the split, the weights and the masks.")]
Threshold = Annotated[
    float | None, typer.Option(help="Alert above this score, in nats. Default: the model's own.", show_default=False)
]
Budget = Annotated[
    float | None,
    typer.Option(help="Instead of a threshold: alerts you allow per 10,000 normal windows.", show_default=False),
]
Why = Annotated[str, typer.Option(help="The reason, for the history.")]
TrainedModel = Annotated[Path, typer.Option("--checkpoint", "--model", "-m", help="Artefact folder.")]


def pairs(texts: list[str], *, once: bool = False) -> dict[str, str]:
    """Read texts such as ``threshold=4.5``; of several for one name the last holds.

    Args:
        texts: What was given.
        once: Whether a name may be there only once.

    Raises:
        ConfigurationError: One has no ``=``, or a name is there twice and must not.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise ConfigurationError(f"{shown_name(text)!r} has no '='; write NAME=VALUE.")
        if once and name in found:
            raise ConfigurationError(f"{shown_name(name)!r} is given twice; give each setting one value.")
        found[name] = value
    return found


def repeated(config: Path | None, overrides: list[str] | None, model: Path | None) -> list[str]:
    """Give the same options again, for the processes that ``up`` starts."""
    options = ["--config", str(config)] if config else []
    options += [text for each in overrides or [] for text in ("--set", each)]
    return [*options, "--set", f"model.path={model}"] if model else options


def key_options(rule: Any) -> list[str]:  # noqa: ANN401
    """Give the options that make a key rule again; none where it assigns no keys."""
    if not rule.assigns_keys:
        return []
    options = ["--without-key", rule.without, *(["--key-record"] if rule.record_key else [])]
    options += [text for name in rule.headers for text in ("--key-header", name)]
    options += [text for name in rule.fields for text in ("--key-field", name)]
    return [*options, "--key-pattern", rule.pattern] if rule.pattern is not None else options


def shown(text: object) -> str:
    """Text that may hold anything, such as a file's name, with neither markup nor terminal commands in it."""
    return escape(printable(str(text)))


def key_rule(
    pattern: str | None,
    fields: list[str] | None,
    without: str,
    *,
    headers: list[str] | None = None,
    record_key: bool = False,
) -> Any:  # noqa: ANN401
    """What the key options say, as a ``KeyRule``."""
    from model.lines.key_rule import KeyRule  # noqa: PLC0415

    return KeyRule(record_key, tuple(headers or ()), tuple(fields or ()), pattern, cast("Any", without))


def wording(line_format: tuple[str | None, str | None, str | None, str | None], masks: list[str] | None) -> Any:  # noqa: ANN401
    """What the options of lines and masks say, as a ``Wording``.

    Args:
        line_format: The values of --format, --message-field, --time-field and --time-zone.
        masks: Those of --mask.
    """
    from model.events.own_masks import OwnMasks  # noqa: PLC0415
    from model.lines.choice import FormatChoice  # noqa: PLC0415
    from training.reading import Wording  # noqa: PLC0415

    return Wording(FormatChoice(*line_format), OwnMasks.of(masks or ()))
