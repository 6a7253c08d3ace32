"""How right event IDs and templates are: the measures of the literature.

Grouping accuracy asks which lines are together and looks at no text. Parsing accuracy asks for each line's text.
Template accuracy asks for each template's text, so that a rare one counts as much as a frequent one.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

__all__ = ["TemplateAccuracy", "corrected", "grouping_accuracy", "parsing_accuracy", "template_accuracy"]

WILDCARD = "<*>"

_AROUND_PATHS = re.compile(r"([\s,!;:=|\"'\[\](){}])")
_AROUND_TOKENS = re.compile(r"([\s,!;:=|\"'\[\](){}.\-+@#$%&])")
_PATH = re.compile(r"(?:/[^/]+)+")
_NUMBER = re.compile(r"\d+")
_WORD_WITH_VARIABLE = re.compile(r"[^\s/]*<\*>[^\s/]*")
_VALUES = frozenset({"true", "false", "null", "root", "admin"})
_DOTTED = re.compile(r"<\*>(?:\.<\*>)+")
_ADJACENT = re.compile(r"(?:<\*>){2,}")


class TemplateAccuracy(NamedTuple):
    """Precision (of the templates found), recall (of the true ones) and their harmonic mean, each 0 to 1."""

    precision: float
    recall: float
    f1: float


def grouping_accuracy(found: Sequence[Hashable], truth: Sequence[str]) -> float:
    """Give the share of lines whose group is exactly a true group (GA, 0 to 1).

    A group is the lines that were given the same event. Source: Zhu et al., "Tools and Benchmarks for Automated Log
    Parsing", ICSE-SEIP 2019, section 3.2.

    Args:
        found: The event of each line.
        truth: The true event of each line.
    """
    sizes = Counter(truth)
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for event, true_event in zip(found, truth, strict=True):
        groups[event].append(true_event)
    right = (group for group in groups.values() if len(set(group)) == 1 and sizes[group[0]] == len(group))
    return sum(map(len, right)) / len(truth)


def parsing_accuracy(found: Sequence[str], truth: Sequence[str]) -> float:
    """Give the share of lines whose template has the true template's text (PA, 0 to 1).

    Source: Dai et al., "Logram: Efficient Log Parsing Using n-Gram Dictionaries", IEEE TSE 48(3), 2022; as PA in Khan
    et al., "Guidelines for Assessing the Accuracy of Log Message Template Identification Techniques", ICSE 2022.

    Args:
        found: The text of each line's template, corrected.
        truth: The text of each line's true template, corrected.
    """
    return sum(text == true_text for text, true_text in zip(found, truth, strict=True)) / len(truth)


def template_accuracy(found: Sequence[str], truth: Sequence[str]) -> TemplateAccuracy:
    """Give how many of the templates are right (PTA, RTA and their F1, which is FTA).

    A template that was found is right if every line that has it has one and the same true template, and that is it,
    letter for letter. Lines of the true template that were given another one make that other one wrong, not this.
    Precision is the right ones among those found, recall the right ones among the true ones. Source: Khan et al., ICSE
    2022 (template accuracy: PTA, RTA); Jiang et al., "A Large-Scale Evaluation for Log Parsing Techniques: How Far Are
    We?", ISSTA 2024 (LogPub; FTA).

    Args:
        found: The text of each line's template, corrected.
        truth: The text of each line's true template, corrected.
    """
    origins: dict[str, set[str]] = defaultdict(set)
    for text, true_text in zip(found, truth, strict=True):
        origins[text].add(true_text)
    right = sum(true_texts == {text} for text, true_texts in origins.items())
    precision, recall = right / len(origins), right / len(set(truth))
    return TemplateAccuracy(precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0)


def corrected(template: str) -> str:
    """Bring a template into the form in which texts are compared, so that only real differences count.

    Source: the eight rules of oracle template correction of Khan et al., ICSE 2022, for found and true templates alike:
    single spaces (DS); paths (PS), truth values (BL), values that users choose (US) and numbers (DG) are variables; so
    is a word that holds one (WV); variables parted by a dot (DV) or by nothing (CV) are one.

    Args:
        template: The text, variables as ``<*>``.
    """
    parts = _AROUND_PATHS.split(" ".join(template.split()))
    text = "".join(WILDCARD if _PATH.fullmatch(part) else part for part in parts)
    text = "".join(WILDCARD if _is_variable(token) else token for token in _AROUND_TOKENS.split(text))
    return _ADJACENT.sub(WILDCARD, _DOTTED.sub(WILDCARD, text))


def _is_variable(token: str) -> bool:
    known = token.lower() in _VALUES or _NUMBER.fullmatch(token)
    return bool(known or _WORD_WITH_VARIABLE.fullmatch(token))
