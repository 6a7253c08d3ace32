"""Masks of the operator's own: what varies in these logs and has no form that would tell it everywhere.

They come before the built-in ones and work on shapes as those do, so that the event ID stays a function of the shape:
an expression sees each run of digits as one ``0``. RE2 runs them. They are part of the templates, in the artefact too,
so that mining, matching and the names of novel events all mask alike.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.errors import ConfigurationError
from model.events.masking import WILDCARD
from model.re2_expressions import compiled

__all__ = ["NO_OWN_MASKS", "OwnMask", "OwnMasks"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
#: Each is searched in every shape that is met for the first time.
_MOST_MASKS = 50


@dataclass(frozen=True)
class OwnMask:
    """One mask.

    Attributes:
        name: What people call it.
        expression: RE2 syntax. Its groups become ``<*>``; without groups the whole match does.

    Raises:
        ConfigurationError: The name or the expression cannot be used.
    """

    name: str
    expression: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not self.expression:
            raise ConfigurationError(
                f"a mask of the name {self.name!r} and the expression {self.expression!r} is not allowed; write "
                "NAME=EXPRESSION, the name of a letter and up to 63 letters, digits, _ and -."
            )
        if self._compiled.search(b"") is not None:
            raise ConfigurationError(
                f"the expression of the mask {self.name}, {self.expression!r}, matches even where there is no text; "
                "let it take at least one character, such as with + in place of *."
            )

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401  (re2 ships no types)
        return compiled(self.expression, f"expression of the mask {self.name}", "user=([a-z]+)")

    def applied_to(self, shape: bytes) -> bytes:
        """Put ``<*>`` in place of what the expression finds.

        Args:
            shape: Of a message, at most 4,096 bytes: a bound on the time that many matches take.
        """
        kept: list[bytes] = []
        end = 0
        for start, stop in self._found_in(shape):
            if end <= start < stop:  # neither empty nor inside a group that is masked already
                kept += (shape[end:start], WILDCARD)
                end = stop
        return b"".join((*kept, shape[end:])) if kept else shape

    def _found_in(self, shape: bytes) -> Iterator[tuple[int, int]]:
        """Where variables stand, in the order of the matches and their groups; (-1, -1) for a group that has none."""
        groups = range(1, self._compiled.groups + 1) or (0,)
        for match in self._compiled.finditer(shape):
            yield from map(match.span, groups)


@dataclass(frozen=True)
class OwnMasks:
    """Masks in the order in which they are tried.

    Attributes:
        masks: At most 50, each with a name of its own.

    Raises:
        ConfigurationError: They are too many, or two have one name.
    """

    masks: tuple[OwnMask, ...] = ()

    def __post_init__(self) -> None:
        if len(self.masks) > _MOST_MASKS:
            raise ConfigurationError(f"there are {len(self.masks)} masks; allowed are {_MOST_MASKS}.")
        names = [mask.name for mask in self.masks]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"there are two masks of the name {twice}; give each a name of its own.")

    @classmethod
    def of(cls, texts: Iterable[str]) -> "OwnMasks":
        """Read masks as the command line has them: ``NAME=EXPRESSION``.

        Raises:
            ConfigurationError: One cannot be used.
        """
        return cls(tuple(OwnMask(name, expression) for name, _, expression in (text.partition("=") for text in texts)))

    def applied_to(self, shape: bytes) -> bytes:
        """Put ``<*>`` in place of what they find in the shape of a message."""
        for mask in self.masks:
            shape = mask.applied_to(shape)
        return shape

    def to_json(self) -> list[dict[str, str]]:
        """Give plain values for JSON."""
        return [{"name": mask.name, "expression": mask.expression} for mask in self.masks]

    @classmethod
    def from_json(cls, value: Iterable[dict[str, str]]) -> "OwnMasks":
        """Read what ``to_json`` gave.

        Raises:
            ConfigurationError: A mask cannot be used.
            KeyError: One lacks its name or expression.
            TypeError: The value is no list of masks.
        """
        return cls(tuple(OwnMask(str(each["name"]), str(each["expression"])) for each in value))


NO_OWN_MASKS = OwnMasks()
