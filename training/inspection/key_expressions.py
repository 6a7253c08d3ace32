r"""Expressions that may find the key in text, from the forms that identifiers usually have.

``blk_-123``, UUIDs, hexadecimal numbers of 8 digits and more, addresses, ``name=value``, ``"name": "value"``,
``name[value]``, ``[value]``, and the value after a word such as ``session``. Every expression that is given is RE2.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from training.inspection.key_names import is_no_key, names_an_identifier

__all__ = ["key_expressions"]

_MOST = 24
#: An expression must fit this share of the lines that are looked at.
_LEAST_SHARE = 0.02
_LONGEST_LINE = 4_000
_LONGEST_NUMBER = 64
_BEFORE, _AFTER = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"

_UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_ADDRESS = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_VALUE = r'[^\s,;"\x27()\[\]{}]+'  # \x27 is the apostrophe: a shell would have to be told of it
_ANY_IN_BRACKETS = r"\[([^\s\[\]]*[0-9][^\s\[\]]*)\]"
_ALWAYS = (
    (re.compile(rf"{_BEFORE}{_UUID}{_AFTER}"), f"({_UUID})"),
    (re.compile(rf"(?<![0-9.]){_ADDRESS}(?![0-9.])"), rf"\b({_ADDRESS})\b"),
    (re.compile(rf"{_BEFORE}0x[0-9a-f]{{6,}}{_AFTER}"), r"\b(0x[0-9a-f]+)\b"),
    (re.compile(r"\[[^\s\[\]]*[0-9][^\s\[\]]*\]"), _ANY_IN_BRACKETS),
)
_HEXADECIMAL = re.compile(
    rf"(\[)?{_BEFORE}(?=[a-f]*[0-9])(?=[0-9]*[a-f])([0-9a-f]{{8,{_LONGEST_NUMBER}}}){_AFTER}(?(1)\])"
)
_PREFIXED = re.compile(rf"{_BEFORE}([A-Za-z]{{2,24}}[_-])(-?[0-9][0-9A-Za-z_]{{2,}})")
_NAMED = re.compile(rf'(?<![\w.-])([A-Za-z][\w.-]{{0,40}})="?({_VALUE})')
_QUOTED = re.compile(rf'"([A-Za-z][\w.-]{{0,40}})" ?: ?"?({_VALUE})')
_COUNTED = re.compile(r"(?<![\w.-])([A-Za-z][\w.-]{0,40})\[([^\s\[\]]+)\]")
_SPOKEN = re.compile(rf"(?<![\w.-])([A-Za-z][\w-]{{1,40}})(?:: | )({_VALUE})")


def key_expressions(lines: Sequence[bytes]) -> list[str]:
    """Find expressions that fit some of the lines.

    Args:
        lines: Some lines of a log.

    Returns:
        The expressions, that which fits most lines first; at most 24.
    """
    counts: Counter[str] = Counter()
    prefixed: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        text = line[:_LONGEST_LINE].decode("utf-8", "replace")
        forms = {match[1]: match[2] for match in _PREFIXED.finditer(text)}
        for prefix, number in forms.items():
            prefixed[prefix].add(number)
        counts.update({*_general(text), *_with_names(text), *forms})
    least = max(2, _LEAST_SHARE * len(lines))
    common = [each for each, count in counts.most_common() if count >= least]
    common.sort(key=lambda each: each == _ANY_IN_BRACKETS)  # of those that cut alike, the particular one comes first
    return [_prefix_expression(each, prefixed[each]) if each in prefixed else each for each in common][:_MOST]


def _general(text: str) -> Iterator[str]:
    for form, expression in _ALWAYS:
        if form.search(text):
            yield expression
    for match in _HEXADECIMAL.finditer(text):
        digits = f"([0-9a-f]{{{len(match[2])}}})"
        yield rf"\[{digits}\]" if match[1] else rf"\b{digits}\b"


def _with_names(text: str) -> Iterator[str]:
    for name in _names(_NAMED, text):
        yield rf'\b{_escaped(name)}="?({_VALUE})'
    for name in _names(_QUOTED, text):
        yield rf'"{_escaped(name)}" ?: ?"?({_VALUE})'
    for name in _names(_COUNTED, text):
        yield rf"\b{_escaped(name)}\[([^\s\[\]]+)\]"
    for name in filter(names_an_identifier, _names(_SPOKEN, text)):
        yield rf"\b{_escaped(name)}(?:: | )({_VALUE})"


def _names(form: re.Pattern[str], text: str) -> Iterable[str]:
    return {match[1] for match in form.finditer(text) if not is_no_key(match[1])}


def _prefix_expression(prefix: str, numbers: set[str]) -> str:
    digits = all(number.removeprefix("-").isdigit() for number in numbers)
    sign = "-?" if any(number.startswith("-") for number in numbers) else ""
    return f"({_escaped(prefix)}{sign}{'[0-9]+' if digits else '[0-9A-Za-z_]+'})"


def _escaped(name: str) -> str:
    return name.replace(".", r"\.")
