"""Keys: whose sequence a line belongs to, found by an expression or a field.

Expressions come from users, so RE2 runs them: no expression takes more than linear time. The simplest ones, which are
most of those in use, are run by Python's engine, several times faster: where every part but the last has a bounded
length, an attempt fails after a bounded number of steps or succeeds, so that a search is linear there, too.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import re2

from model.errors import ConfigurationError
from model.lines.fields import bytes_of, field_path, value_at

__all__ = ["KeyExtractor"]

#: Memory that one expression's automaton may take; RE2 falls back to a slower, still linear way beyond it.
_EXPRESSION_MEMORY = 8 << 20
_LONGEST_EXPRESSION = 1000

# One character: itself, escaped, a digit or word character, or one of a plain class. Both engines agree on these.
_ONE = r"(?:[A-Za-z0-9_ =:;,@#%&<>~!\"'/-]|\\[dw./$|*+?()\[\]{}-]|\[(?:[A-Za-z0-9_.:/]|[A-Za-z0-9]-[A-Za-z0-9])+\])"
_BOUNDED = _ONE + r"(?:\?|\{[0-9]{1,2}\})?"
_SIMPLE = re.compile(rf"(?:{_BOUNDED}|\((?:{_BOUNDED})+\))*(?:{_ONE}[+*]?|\((?:{_BOUNDED})*{_ONE}[+*]\))?")


class KeyExtractor:
    """Finds the key of each record value.

    Made by ``from_pattern`` or ``from_field``. What it finds is never empty: an empty key is no key.
    """

    def __init__(self, find: Callable[[bytes], bytes | None]) -> None:
        self._find = find

    @classmethod
    def from_pattern(cls, pattern: str) -> "KeyExtractor":
        """Take the key from the first place in a line where an expression matches.

        Args:
            pattern: RE2 syntax, so that no expression can take more than linear time. Its groups, joined with ``|``,
                are the key; without groups it is the whole match.

        Raises:
            ConfigurationError: RE2 does not accept the expression.
        """
        compiled = _compiled(pattern)
        if _SIMPLE.fullmatch(pattern):
            compiled = re.compile(pattern.encode())
        return cls(_joined_groups(compiled) if compiled.groups else _whole_match(compiled))

    @classmethod
    def from_field(cls, field: str) -> "KeyExtractor":
        """Take the key from a field of JSON records.

        Args:
            field: A name such as ``trace_id``, or a JSON pointer such as ``/kubernetes/pod_name``.

        Raises:
            ConfigurationError: The field cannot be read as either.
        """
        path = field_path(field)

        def find(value: bytes) -> bytes | None:
            try:
                return bytes_of(value_at(orjson.loads(value), path)) or None
            except orjson.JSONDecodeError:
                return None

        return cls(find)

    def extract(self, values: Sequence[bytes | None]) -> list[bytes | None]:
        """Find the keys.

        Args:
            values: Record values or log lines.

        Returns:
            A key for each value, None where there is none.
        """
        find = self._find
        return [None if value is None else find(value) for value in values]


def _compiled(pattern: str) -> Any:  # noqa: ANN401  (re2 ships no types)
    options = re2.Options()
    options.max_mem = _EXPRESSION_MEMORY
    options.log_errors = False
    try:
        if len(pattern) > _LONGEST_EXPRESSION:
            raise ConfigurationError(
                f"the key expression has {len(pattern)} characters; allowed are {_LONGEST_EXPRESSION}."
            )
        return re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
        raise ConfigurationError(
            f"the key expression {pattern!r} is not accepted by RE2 ({why}); allowed is RE2 syntax "
            "(no look-around, no back-references), such as (blk_-?[0-9]+)."
        ) from error


def _joined_groups(compiled: Any) -> Callable[[bytes], bytes | None]:  # noqa: ANN401
    search, separators = compiled.search, b"|" * (compiled.groups - 1)

    def find(value: bytes) -> bytes | None:
        match = search(value)
        if match is None:
            return None
        key: bytes = b"|".join(group or b"" for group in match.groups())
        return None if key == separators else key

    return find


def _whole_match(compiled: Any) -> Callable[[bytes], bytes | None]:  # noqa: ANN401
    search = compiled.search

    def find(value: bytes) -> bytes | None:
        match = search(value)
        return match.group() or None if match else None

    return find
