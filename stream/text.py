r"""Text from outside, made safe to store and print.

Log lines, keys and names come from anywhere: they may hold terminal commands, direction marks that swap what a reader
sees, half characters, or megabytes.
"""

import re

__all__ = ["key_text", "printable", "safe_text", "shown_name"]

_NO_NAME = re.compile(r"[^A-Za-z0-9_.]")

_NAME_CHARACTERS = 60
"""The most of a name that nobody knows which an error repeats."""


def safe_text(text: str, limit: int) -> str:
    r"""Return text of at most ``limit`` characters in which whatever does not print is escaped.

    >>> safe_text("bell \x07 and tab\t", 100)
    'bell \\x07 and tab\\t'
    >>> safe_text("abcdef", 4)
    'abc…'
    """
    # An escape is never shorter than its character: what is beyond the limit now is beyond it after.
    shown = text[: limit + 1]
    if not shown.isprintable():
        shown = "".join(each if each.isprintable() else _escaped(each) for each in shown)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def printable(text: str) -> str:
    r"""Return text of several lines in which whatever else does not print is escaped.

    >>> printable("no file\n\x1b]0;name\x07")
    'no file\n\\x1b]0;name\\x07'
    """
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)


def shown_name(name: str) -> str:
    """Return as much of a name that nobody knows as may be shown: what was meant as its value may stand in it.

    >>> shown_name("kafka.logs_topik")
    'kafka.logs_topik'
    >>> shown_name("redis.url:redis://user:password@cache")
    'redis.url…'
    """
    shown = _NO_NAME.split(name[:_NAME_CHARACTERS], maxsplit=1)[0]
    return shown if shown == name else shown + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def key_text(key: bytes, limit: int) -> str:
    r"""Return a key as text; bytes that are no UTF-8 are written as ``\xNN``.

    >>> key_text(b"blk_\xff", 100)
    'blk_\\xff'
    """
    return safe_text(key[: 4 * (limit + 1)].decode("utf-8", "backslashreplace"), limit)
