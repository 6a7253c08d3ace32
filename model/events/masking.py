"""Masks: what is a variable by its form alone becomes ``<*>``.

Works on shapes, so a number is ``0`` by now. Most words of a message were seen before, now that their digits have gone,
so each word is masked once and kept; only what spans several words is looked for in the whole message.

Every expression here takes time that grows linearly with the text: alternatives begin at a word's boundary and no
repetition is nested in another that could match the same bytes.
"""

import re
from functools import lru_cache

__all__ = ["WILDCARD", "forget_words", "mask"]

WILDCARD = b"<*>"

_REMEMBERED_WORDS = 100_000
_LONGEST_REMEMBERED_WORD = 64
# Top-level domains of host names; Java and Python package names end otherwise.
_DOMAINS = rb"com|net|org|edu|gov|mil|info|io|cloud|local|internal|lan|localdomain|arpa|(?:[a-z0-9-]+\.)[a-z]{2}"
_SOURCE_FILES = rb"(?:c|cc|cpp|h|hpp|go|rs|py|rb|js|ts|kt|cs|php|java|scala|swift):"
_UNIT = rb"(?:[kKMGTP]i?[bB]|B|bytes?|ns|us|ms|msecs?|s|secs?|seconds?|minutes?|hours?|days?)(?!\w)"  # sizes, durations
_ATTACHED_UNIT = rb"(?:ns|us|ms|s|secs?|m|min|h|d|[kKMGT]?i?[bB]|[kKMGT]|%)?"
_DAY = rb"Mon|Tue|Wed|Thu|Fri|Sat|Sun|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTH = rb"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"

#: Tried in this order, the most telling forms first.
_WORD_MASKS = tuple(
    re.compile(expression)
    for expression in (
        # URL
        rb"(?<![A-Za-z0+.-])[A-Za-z][A-Za-z0+.-]*://[^\s\"'<>|,;)\]}]*",
        # e-mail
        rb"(?<![\w.+-])[\w.+-]+@[A-Za-z0-]+(?:\.[A-Za-z0-]+)+",
        # Windows path, UNC path
        rb"(?<![A-Za-z0])(?:[A-Za-z]:\\|\\\\[A-Za-z0?.])[^\s\"'<>|,;)\]}]*",
        # Unix path of two or more names, with its query where it is part of a URL
        rb"(?<![\w.:/>-])[~.]{0,2}(?:/[\w.$@%+~#*-]*){2,}(?:\?[^\s\"'<>]*)?",
        # UUID: its groups of hexadecimal digits
        rb"(?<![\w-])(?=[a-fA-F-]*0)[0a-fA-F]+(?:-[0a-fA-F]+){4}(?![\w-])",
        # IPv4: its port stays apart
        rb"(?<![\w.])0\.0\.0\.0(?![\w]|\.0)",
        # MAC address, IPv6
        rb"(?<![\w:])(?=[a-fA-F:]*0)(?:[0a-fA-F]*:){3,}[0a-fA-F]+(?![\w:])",
        # host name; any dotted name before a port
        rb"(?<![\w.-])(?:[A-Za-z0_-]+\.)+(?:" + _DOMAINS + rb")(?![\w.-])",
        rb"(?<![\w.-])(?:[a-z0_-]+\.)+(?!" + _SOURCE_FILES + rb")[a-z]+(?=:0)",
        # number with its sign and unit; numbers that stand together: 1.2.3, 10:20:30, 640x480
        rb"(?:(?<![A-Za-z0>)\]}-])[-+])?(?<![A-Za-z0])0(?:[.:/,x@_+-]+0)*" + _ATTACHED_UNIT + rb"(?![A-Za-z0])",
        # hexadecimal number, with or without 0x
        rb"(?<![A-Za-z0])0[xX][0a-fA-F]+(?![A-Za-z0])",
        rb"(?<![A-Za-z0])(?=[a-f]*0)[0a-f]+(?![A-Za-z0])",
        rb"(?<![A-Za-z0])(?=[A-F]*0)[0A-F]+(?![A-Za-z0])",
        rb"(?<![A-Za-z0])(?:[a-f]{8}|[A-F]{8})(?![A-Za-z0])",
        # letters and numbers by turns: base64, keys, machine-made names
        rb"(?<![A-Za-z0])[A-Za-z]*0[A-Za-z]+0[A-Za-z0]*",
        # what is left of numbers
        rb"0",
    )
)
# Variables that stand together are one, but an address and its port.
_JOINED = re.compile(rb"<\*>(?:[.,x/_+-]+<\*>)+")
# From its first number on, an identifier is variable: attempt_<*>_m_<*>, pod-<*>-xk<*>lp.
_TAIL = re.compile(rb"<\*>[-_~](?:[\w~-]|<\*>)*")
# Dates whose month or day is a word; a number and its unit in the next word; the same amount again in brackets;
# brackets that happen to hold nothing.
_PHRASES = tuple(
    (re.compile(expression), replacement)
    for expression, replacement in (
        (rb"\b(?:(?:" + _DAY + rb"),? )?(?:" + _MONTH + rb")\.?(?: <\*>(?!\S))+", WILDCARD),
        (rb"<\*> (?:" + _MONTH + rb")\b(?: <\*>)?", WILDCARD),
        (rb"[<>~]?<\*> " + _UNIT + rb"(?: \(<\*>(?: " + _UNIT + rb")?\))?", WILDCARD),
        (rb" \(\)", b" (<*>)"),
    )
)


def mask(shape: bytes) -> bytes:
    """Mask a shape.

    Args:
        shape: The shape of a message (``model.events.shapes``).

    Returns:
        The words of the shape, one space between two, variables as ``<*>``.
    """
    words: list[bytes] = []
    for word in shape.split():
        masked = _remembered_word(word) if len(word) <= _LONGEST_REMEMBERED_WORD else _masked_word(word)
        # The length of a list is no part of an event's name.
        if not (words and masked == words[-1] and WILDCARD in masked):
            words.append(masked)
    text = b" ".join(words)
    for phrase, replacement in _PHRASES:
        text = phrase.sub(replacement, text)
    return text


def forget_words() -> None:
    """Forget the words that were masked, so that a benchmark begins as a new process does."""
    _remembered_word.cache_clear()


def _masked_word(word: bytes) -> bytes:
    if word.isalpha():
        return word
    for expression in _WORD_MASKS:
        word = expression.sub(WILDCARD, word)
    return _TAIL.sub(WILDCARD, _JOINED.sub(WILDCARD, word))


_remembered_word = lru_cache(maxsize=_REMEMBERED_WORDS)(_masked_word)
