"""The repair pass of mining: masked texts that differ only in variables become one.

Three rules, each about the texts' form alone:

1. *Identifiers*: texts that are equal but for words with a number in them (``rdd_<*>``, ``broadcast_<*>``) are one.
2. *One place*: texts of equal length that differ in one place, where enough values occur, are one. The fewer words
   they share, the more values it takes; a named value (``user=root``) is often one of a list and takes more, too.
3. *Named values together*: texts that differ in several named values at once, each with several values, are one.

Texts of different length (a list that was longer, a host with or without a port) are never one pattern; where only
their identifiers differ they become forms of the same template.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from model.events.masking import WILDCARD
from model.events.templates import TOKEN, tokens_of

__all__ = ["Pattern", "families_of_forms", "merged"]

#: Longer texts are dumps of data; looking for their variables place by place would take memory for nothing.
_MOST_TOKENS = 200
#: Marks that make a word with a number an identifier: ``eth<*>`` is one of few, ``task_<*>`` one of any number.
_IDENTIFIER_MARKS = frozenset(b"_-/\\@~#$%*")
#: Values needed where the texts share no, one, two, three, four words; for more words the last holds.
_VALUES_NEEDED = (1_000_000, 8, 6, 5, 5, 3)
_NAMED_VALUES_NEEDED = 5
_NAMED_TOGETHER_NEEDED = 3
#: The word after one of these names one of many.
_NAMING_WORDS = frozenset((b"user", b"host", b"file"))
_NAMED_BY_WORD_NEEDED = 3
_WORDS_OF_AN_OUTLINE = 2
_NAME = re.compile(rb"[^<=:,|]*[=:,|](?:[^<=:,|]*[=:,|])*")
#: A place that holds a number in some texts holds a variable, if they share this many words.
_WORDS_BESIDE_NUMBER = 2


@dataclass(slots=True)
class Pattern:
    """A masked text on its way to become a template.

    Attributes:
        tokens: Its words and marks.
        text: The same as one text, spaces included.
        sample: A shape that has it.
        count: How many messages had it.
    """

    tokens: tuple[bytes, ...]
    text: bytes
    sample: bytes
    count: int = 0

    @classmethod
    def of(cls, text: bytes, sample: bytes) -> "Pattern":
        """Make the pattern of a masked text that no message was counted for yet."""
        return cls(tuple(tokens_of(text)), text, sample)


def merged(patterns: Iterable[Pattern]) -> list[Pattern]:
    """Merge patterns until none differ in a variable only.

    Args:
        patterns: Distinct patterns in a fixed order, which the result follows.

    Returns:
        New patterns; together they count what the given ones counted.
    """
    by_length: dict[int, list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        by_length[len(pattern.tokens)].append(pattern)
    return [pattern for group in by_length.values() for pattern in _merged_group(group)]


def families_of_forms(patterns: Iterable[Pattern]) -> list[list[Pattern]]:
    """Put together what is one template in several lengths.

    Args:
        patterns: Merged patterns.

    Returns:
        Families of patterns, in the order of their eldest.
    """
    families: dict[tuple[bytes, ...], list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        families[_outline(pattern.text)].append(pattern)
    return list(families.values())


def _merged_group(group: list[Pattern]) -> list[Pattern]:
    group = _joined(group, _by_skeleton(group))
    if len(group[0].tokens) > _MOST_TOKENS:
        return group
    size = len(group) + 1
    while len(group) < size:
        size = len(group)
        group = _joined(group, _differing_once(group))
        group = _joined(group, _named_together(group))
    return group


def _joined(group: list[Pattern], families: Iterable[Sequence[int]]) -> list[Pattern]:
    """Replace each family by one pattern, where its eldest stood."""
    taken: set[int] = set()
    result: dict[int, Pattern] = dict(enumerate(group))
    for family in families:
        if len(family) > 1 and taken.isdisjoint(family):
            taken.update(family)
            parent = _parent([result.pop(index) for index in family])
            result[family[0]] = parent
    return [result[index] for index in sorted(result)]


def _parent(family: Sequence[Pattern]) -> Pattern:
    columns = zip(*(pattern.tokens for pattern in family), strict=True)
    tokens = tuple(column[0] if len(set(column)) == 1 else WILDCARD for column in columns)
    eldest = family[0]
    remaining = iter(tokens)
    text = TOKEN.sub(lambda _: next(remaining), eldest.text)
    return Pattern(tokens, text, eldest.sample, sum(pattern.count for pattern in family))


def _is_identifier(token: bytes) -> bool:
    return WILDCARD in token and (token == WILDCARD or not _IDENTIFIER_MARKS.isdisjoint(token.replace(WILDCARD, b"")))


def _by_skeleton(group: list[Pattern]) -> Iterable[Sequence[int]]:
    families: dict[tuple[bytes, ...], list[int]] = defaultdict(list)
    for index, pattern in enumerate(group):
        skeleton = tuple(WILDCARD if _is_identifier(token) else token for token in pattern.tokens)
        says_something = any(token.isalpha() for token in skeleton)
        families[skeleton if says_something else pattern.tokens].append(index)
    return families.values()


def _differing_once(group: list[Pattern]) -> Iterator[Sequence[int]]:
    """Find families that differ in one place and take enough values there, the largest first."""
    families = [item for item in _but_one_token(group).items() if len(item[1]) > 1]
    for (place, _, _), family in sorted(families, key=lambda item: (-len(item[1]), item[0])):
        values = {group[index].tokens[place] for index in family}
        if _is_variable(values, place, group[family[0]].tokens):
            yield family


def _is_variable(values: set[bytes], place: int, context: Sequence[bytes]) -> bool:
    words = sum(1 for index, token in enumerate(context) if index != place and token.isalpha())
    if WILDCARD in values and words >= _WORDS_BESIDE_NUMBER:
        return True
    needed = _VALUES_NEEDED[min(words, len(_VALUES_NEEDED) - 1)]
    before = context[place - 1] if place else b""
    if before == b"=":
        needed = max(needed, _NAMED_VALUES_NEEDED)
    if before in _NAMING_WORDS:
        needed = min(needed, _NAMED_BY_WORD_NEEDED)
    return len(values) >= needed


def _but_one_token(group: list[Pattern]) -> dict[tuple[int, int, int], list[int]]:
    """Group patterns by all their tokens but one.

    What stands before a place and what stands after it is each given a number, so that this takes time linear in the
    number of tokens.
    """
    families: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    numbers: dict[tuple[int, bytes], int] = {}
    for index, pattern in enumerate(group):
        before = _numbered(pattern.tokens, numbers)
        after = _numbered(pattern.tokens[::-1], numbers)[::-1]
        for place in range(len(pattern.tokens)):
            families[place, before[place], after[place]].append(index)
    return families


def _numbered(tokens: Sequence[bytes], numbers: dict[tuple[int, bytes], int]) -> list[int]:
    """Number every proper beginning of the tokens, the empty one too; equal beginnings get equal numbers."""
    number, result = 0, []
    for token in tokens:
        result.append(number)
        number = numbers.setdefault((number, token), len(numbers) + 1)
    return result


def _named_together(group: list[Pattern]) -> Iterator[Sequence[int]]:
    """Find families that differ in two named values or more, each with several values."""
    families: dict[tuple[bytes, ...], list[int]] = defaultdict(list)
    for index, pattern in enumerate(group):
        families[_without(pattern.tokens, _named_places(pattern.tokens))].append(index)
    for family in families.values():
        varying = _varying(group, family)
        if len(varying) > 1:
            yield from _alike_outside(group, family, varying)


def _named_places(tokens: Sequence[bytes]) -> set[int]:
    after_name = (place for place in range(1, len(tokens)) if tokens[place - 1] == b"=")
    return set(chain.from_iterable((p, p + 1) if tokens[p] in b"\"'" else (p,) for p in after_name))


def _without(tokens: Sequence[bytes], places: set[int]) -> tuple[bytes, ...]:
    return tuple(WILDCARD if place in places else token for place, token in enumerate(tokens))


def _varying(group: list[Pattern], family: Sequence[int]) -> set[int]:
    columns = zip(*(group[index].tokens for index in family), strict=True)
    return {place for place, column in enumerate(columns) if len(set(column)) >= _NAMED_TOGETHER_NEEDED}


def _alike_outside(group: list[Pattern], family: Sequence[int], places: set[int]) -> Iterable[Sequence[int]]:
    """Part a family by what stands outside the places that vary."""
    parts: dict[tuple[bytes, ...], list[int]] = defaultdict(list)
    for index in family:
        parts[_without(group[index].tokens, places)].append(index)
    return parts.values()


def _outline(text: bytes) -> tuple[bytes, ...]:
    """Give a text's words, each identifier reduced to ``<*>`` with its name, and a list of identifiers to one.

    Where hardly any word would be left, the text itself is its outline.
    """
    outline: list[bytes] = []
    for word in text.split(b" "):
        reduced = _reduced(word)
        if not (outline and outline[-1] == WILDCARD and reduced.endswith(WILDCARD)):
            outline.append(reduced)
    words = sum(1 for word in outline if word.rstrip(b",.;:!?").isalpha())
    return tuple(outline) if words >= _WORDS_OF_AN_OUTLINE else (text,)


def _reduced(word: bytes) -> bytes:
    """Reduce ``task_<*>.log`` to ``<*>`` and ``file:task_<*>.log,`` to ``file:<*>``; leave ``eth<*>`` as it is."""
    name = _NAME.match(word)
    value = word[name.end() :] if name else word
    if any(_is_identifier(token) for token in tokens_of(value)):
        return word[: len(word) - len(value)] + WILDCARD
    return word
