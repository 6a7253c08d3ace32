"""Expressions that users give, to find a key: run in linear time, whatever they are.

RE2 runs them. The simplest ones, which are most of those in use, are run by Python's engine, several times faster:
where every part but the last has a bounded length, an attempt fails after a bounded number of steps or succeeds, so
that a search is linear there, too. That engine tries each optional part both ways, so each may double the steps of an
attempt: an expression with more than a few of them, or a long one, is left to RE2.
"""

import re
from collections.abc import Callable
from typing import Any

from model.re2_expressions import compiled

__all__ = ["Expression"]

# One character: itself, escaped, a digit or word character, or one of a plain class. Both engines agree on these.
_ONE = r"(?:[A-Za-z0-9_ =:;,@#%&<>~!\"'/-]|\\[dw./$|*+?()\[\]{}-]|\[(?:[A-Za-z0-9_.:/]|[A-Za-z0-9]-[A-Za-z0-9])+\])"
_BOUNDED = _ONE + r"(?:\?|\{[0-9]{1,2}\})?"
_SIMPLE = re.compile(rf"(?:{_BOUNDED}|\((?:{_BOUNDED})+\))*(?:{_ONE}[+*]?|\((?:{_BOUNDED})*{_ONE}[+*]\))?")
_PART = re.compile(rf"{_ONE}(?:(?P<optional>\?)|\{{(?P<count>[0-9]{{1,2}})\}})?")
#: Together they bound the steps of an attempt: 2 ** 3 ways to go, 100 characters each.
_MOST_OPTIONAL = 3
_MOST_CHARACTERS = 100


class Expression:
    """A search in lines.

    Args:
        pattern: RE2 syntax. Without groups, the whole match counts as one.

    Raises:
        ConfigurationError: RE2 does not accept the expression.
    """

    def __init__(self, pattern: str) -> None:
        engine = compiled(pattern, "key expression", "(blk_-?[0-9]+)")
        if _is_quick(pattern):
            engine = re.compile(pattern.encode())
        self._search: Callable[[bytes], Any] = engine.search
        self._groups: int = engine.groups
        self._nothing: tuple[bytes, ...] = (b"",) * max(1, self._groups)

    def groups_in(self, line: bytes) -> tuple[bytes, ...]:
        """Give the texts of the groups at the first place that matches; empty ones where nothing does."""
        match = self._search(line)
        if match is None:
            return self._nothing
        groups: tuple[bytes | None, ...] = match.groups() if self._groups else (match.group(),)
        return tuple(group or b"" for group in groups)

    def searcher(self) -> Callable[[bytes], bytes | None]:
        """Give a function that gives the same, joined with ``|``; None where all are empty."""
        search, several = self._search, self._groups > 1
        only = min(self._groups, 1)

        def find(line: bytes) -> bytes | None:
            match = search(line)
            if match is None:
                return None
            if not several:
                return match.group(only) or None
            groups = [group or b"" for group in match.groups()]
            return b"|".join(groups) if any(groups) else None

        return find


def _is_quick(pattern: str) -> bool:
    """Whether Python's engine takes a small number of steps for each byte of a line, whatever the line is."""
    if not _SIMPLE.fullmatch(pattern):
        return False
    parts = list(_PART.finditer(pattern))  # brackets of groups are passed over: groups are not repeated
    optional = sum(part["optional"] is not None for part in parts)
    return optional <= _MOST_OPTIONAL and sum(int(part["count"] or 1) for part in parts) <= _MOST_CHARACTERS
