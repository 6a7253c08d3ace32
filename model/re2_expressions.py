"""Expressions that users give, compiled for RE2, which takes linear time whatever they are."""

from typing import Any

import re2

from model.errors import ConfigurationError

__all__ = ["compiled"]

#: Memory that one expression's automaton may take; RE2 falls back to a slower, still linear way beyond it.
_EXPRESSION_MEMORY = 8 << 20
_LONGEST_EXPRESSION = 1000


def compiled(pattern: str, what: str, example: str) -> Any:  # noqa: ANN401  (re2 ships no types)
    """Compile an expression.

    Args:
        pattern: RE2 syntax.
        what: What it is to the user, for the error: ``key expression``.
        example: One that is allowed, likewise.

    Returns:
        What searches in bytes, as the standard library's ``re.Pattern`` does.

    Raises:
        ConfigurationError: It is too long, or RE2 does not accept it.
    """
    options = re2.Options()
    options.max_mem = _EXPRESSION_MEMORY
    options.log_errors = False
    try:
        if len(pattern) > _LONGEST_EXPRESSION:
            raise ConfigurationError(f"the {what} has {len(pattern)} characters; allowed are {_LONGEST_EXPRESSION}.")
        return re2.compile(pattern.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
        raise ConfigurationError(
            f"the {what} {pattern!r} is not accepted by RE2 ({why}); allowed is RE2 syntax "
            f"(no look-around, no back-references), such as {example}."
        ) from error
