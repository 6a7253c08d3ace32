"""The part of an artefact that turns log lines into event IDs: what consumers need, without torch and the network."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from model.artefact_folder import read_folder
from model.errors import ModelError
from model.events.templates import Templates
from model.lines.choice import FormatChoice
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from model.lines.parser import LineParser

__all__ = ["ReadingPart"]


@dataclass(frozen=True)
class ReadingPart:
    """How to read lines as training did, and the values that a new installation starts with.

    Attributes:
        version: The artefact's.
        line_format: How log lines are written.
        templates: What their messages match.
        rule: Window size and hop in events, session gap in ms.
        threshold: Where to alert, nats.
        rekey: How lines without a record key get theirs, where ``logscry learn`` chose it; None otherwise.
    """

    version: str
    line_format: LineFormat
    templates: Templates
    rule: tuple[int, int, int]
    threshold: float
    rekey: KeyRule | None = None

    @classmethod
    def load(cls, folder: Path) -> "ReadingPart":
        """Read and check an artefact's folder.

        Raises:
            ModelError: A file is missing, altered, or not what its name says.
        """
        files, about = read_folder(folder, required=("settings.json", "templates.json", "scoring.json"))
        try:
            settings, scoring = orjson.loads(files["settings.json"]), orjson.loads(files["scoring.json"])
            rule, training = settings["rule"], settings["training"]
            return cls(
                version=str(about["version"]),
                line_format=LineFormat.from_json(settings["line_format"]),
                templates=Templates.from_json(orjson.loads(files["templates.json"])),
                rule=(int(rule["size"]), int(rule["hop"]), int(rule["session_gap_ms"])),
                threshold=float(scoring["threshold"]),
                rekey=KeyRule.from_json(training["key"]) if training.get("rekey") else None,
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
            raise ModelError(f"the artefact {folder} lacks or mistypes {exc}; train the model again.") from exc

    def parser(self, choice: FormatChoice = FormatChoice()) -> LineParser:  # noqa: B008  (frozen)
        """A parser with an empty cache.

        Args:
            choice: What is said about the lines to parse, where they are not written as those of training.

        Raises:
            ConfigurationError: What is said is not allowed.
        """
        return LineParser(choice.applied_to(lambda: self.line_format), self.templates)
