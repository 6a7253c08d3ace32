"""What preprocessed logs were made of, as each of their files says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.events.templates import Templates
from model.lines.formats import LineFormat
from model.lines.key_rule import KeyRule
from training.rows import LineCounts
from training.selection import KeySample

__all__ = ["Source", "number_in", "text_in"]


@dataclass(frozen=True, slots=True)
class Source:
    """What sequences were made of: the same in all files of one preprocessing.

    Attributes:
        line_format: How the log lines were written.
        templates: What their messages matched.
        novel: The events that matched none, as templates.
        model: Version of the model whose templates they are; None where they were mined.
        key: Whose sequence a line belongs to.
        session_gap_ms: Silence that ended a session.
        sample: Which keys were kept.
        files: Names of the log files, in reading order.
        counts: What became of their lines; without its novel events.
        days: How many sequences each day has.
    """

    line_format: LineFormat
    templates: Templates
    novel: Templates
    model: str | None
    key: KeyRule
    session_gap_ms: int
    sample: KeySample
    files: tuple[str, ...]
    counts: LineCounts
    days: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads."""
        return {
            "line_format": self.line_format.to_json(),
            "key": self.key.to_json(),
            "session_gap_ms": self.session_gap_ms,
            "sample_ratio": self.sample.ratio,
            "model": self.model,
            "files": list(self.files),
            **self.counts.to_json(),
            "days": dict(self.days),
            "templates": self.templates.to_json(),
            "novel": self.novel.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Source":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError, LogscryError: It is not such an object.
        """
        unreadable = {str(reason): number_in(count) for reason, count in value["unreadable_lines"].items()}
        counts = LineCounts(number_in(value["lines"]), number_in(value["lines_without_key"]), unreadable)
        counts.ahead = number_in(value.get("lines_ahead", 0))
        return cls(
            line_format=LineFormat.from_json(value["line_format"]),
            templates=Templates.from_json(value["templates"]),
            novel=Templates.from_json(value["novel"]),
            model=None if value["model"] is None else text_in(value["model"]),
            key=KeyRule.from_json(value["key"]),
            session_gap_ms=number_in(value["session_gap_ms"]),
            sample=KeySample(float(value["sample_ratio"])),
            files=tuple(map(text_in, value["files"])),
            counts=counts,
            days={str(day): number_in(count) for day, count in value["days"].items()},
        )


def text_in(value: object) -> str:
    """A text that JSON gave.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.50} is no text")
    return value


def number_in(value: object) -> int:
    """A count or duration that JSON gave, of as many bits as it is written with.

    Raises:
        ValueError: It is none.
    """
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError(f"{value!r:.50} is no whole number from 0")
    return value
