"""Frozen templates: what training mined and serving only matches.

A template is masked text in which whole tokens may be ``<*>`` too, where mining found that they vary. A message
belongs to the template whose text its own masked text equals, or else to the one whose tokens it equals one by one, a
``<*>`` token standing for any. Where several do, the one that is literal further to the left wins, so the answer does
not depend on the order in which templates were mined.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from model.errors import ConfigurationError, ModelError
from model.events.identity import event_id
from model.events.masking import WILDCARD, mask
from model.events.own_masks import NO_OWN_MASKS, OwnMasks

__all__ = ["Template", "Templates", "tokens_of"]

#: A word with a variable in it, a word, or one mark. Finer than words, so that ``user=alice`` parts in three.
TOKEN = re.compile(rb"[^\s=:,;()\[\]{}\"'|]*<\*>[^\s=:,;()\[\]{}\"'|]*|[^\s=:,;()\[\]{}\"'|]+|[=:,;()\[\]{}\"'|]")


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of log message.

    Attributes:
        event_id: Eight bytes, the hash of ``text``.
        text: The message with ``<*>`` for what varies.
        count: How many messages had it when it was mined.
        sample: One shape that has it.
        forms: Other masked texts that have it too, such as the same message with a longer list.
    """

    event_id: bytes
    text: str
    count: int
    sample: str
    forms: tuple[str, ...] = ()


def tokens_of(masked: bytes) -> list[bytes]:
    """Part masked text into tokens.

    Args:
        masked: Masked text (``model.events.masking``).

    Returns:
        Words and punctuation marks in their order, without the spaces.
    """
    return TOKEN.findall(masked)


@dataclass(slots=True)
class _Node:
    """A node of the tree over token sequences: one child for each literal token, one for ``<*>``."""

    literal: dict[bytes, "_Node"] = field(default_factory=dict)
    wildcard: "_Node | None" = None
    template: Template | None = None

    def grow(self, token: bytes) -> "_Node":
        """The child for a token, made anew where there is none."""
        if token != WILDCARD:
            return self.literal.setdefault(token, _Node())
        if self.wildcard is None:
            self.wildcard = _Node()
        return self.wildcard


class Templates:
    """A frozen set of templates, in the fixed order of their texts.

    Args:
        templates: The templates; of two with the same text the last one stays.
        masks: Masks of the operator's own that they were mined with.

    Attributes:
        masks: Likewise; messages are masked with them before they are matched.
    """

    def __init__(self, templates: Iterable[Template] = (), masks: OwnMasks = NO_OWN_MASKS) -> None:
        self.masks = masks
        by_text = {template.text: template for template in templates}
        self._by_id = {by_text[text].event_id: by_text[text] for text in sorted(by_text)}
        self._by_text: dict[bytes, Template] = {}
        self._trees: dict[int, _Node] = {}
        for template in self:
            for text in (template.text, *template.forms):
                self._plant(text.encode("utf-8", "replace"), template)

    def _plant(self, text: bytes, template: Template) -> None:
        self._by_text.setdefault(text, template)
        tokens = tokens_of(text)
        node = self._trees.setdefault(len(tokens), _Node())
        for token in tokens:
            node = node.grow(token)
        node.template = node.template or template

    def __iter__(self) -> Iterator[Template]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._by_id

    def get(self, event_id: bytes) -> Template | None:
        """Give the template with this event ID, None where there is none."""
        return self._by_id.get(event_id)

    def masked(self, shape: bytes) -> bytes:
        """Mask a message as those were that the templates were mined from.

        Args:
            shape: The message's shape (``model.events.shapes``).
        """
        return mask(self.masks.applied_to(shape))

    def match(self, shape: bytes) -> Template | None:
        """Find the template of a message.

        Args:
            shape: The message's shape (``model.events.shapes``).

        Returns:
            Its template, None where the message is novel.
        """
        return self.match_masked(self.masked(shape))

    def match_masked(self, masked: bytes) -> Template | None:
        """Find the template of a message that is masked already; as ``match``."""
        found = self._by_text.get(masked)
        if found is not None:
            return found
        tokens = tokens_of(masked)
        tree = self._trees.get(len(tokens))
        return None if tree is None else _search(tree, tokens)

    def to_json(self) -> list[dict[str, Any]] | dict[str, Any]:
        """Give plain values for JSON; the event ID is left out, as it follows from the text.

        Returns:
            A list of templates; with masks of the operator's own an object of both, which a version that does not know
            of such masks refuses to read.
        """
        templates = [
            {"text": each.text, "count": each.count, "sample": each.sample, "forms": list(each.forms)} for each in self
        ]
        return {"masks": self.masks.to_json(), "templates": templates} if self.masks.masks else templates

    @classmethod
    def from_json(cls, value: object) -> "Templates":
        """Read what ``to_json`` gave.

        Raises:
            ModelError: The value is not a list of templates, or a mask cannot be used.
        """
        try:
            given: Any = value if isinstance(value, dict) else {"templates": value, "masks": ()}
            return cls([_template_of(each) for each in given["templates"]], OwnMasks.from_json(given["masks"]))
        except (ConfigurationError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the templates of the model cannot be read ({error!r}); "
                "each must be an object with text, count, sample and forms. Train the model again."
            ) from error


def _template_of(value: dict[str, Any]) -> Template:
    text, count, sample, forms = value["text"], value["count"], value["sample"], tuple(value["forms"])
    if not isinstance(count, int) or not all(isinstance(each, str) for each in (text, sample, *forms)):
        raise TypeError(f"text, count, sample and forms are {text!r}, {count!r}, {sample!r} and {forms!r}")
    return Template(event_id(text), text, count, sample, forms)


def _search(root: _Node, tokens: list[bytes]) -> Template | None:
    """Walk the tree depth first, literal before ``<*>``; each of its nodes is met at most once."""
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth == len(tokens):
            return node.template
        if node.wildcard is not None:
            waiting.append((node.wildcard, depth + 1))
        literal = node.literal.get(tokens[depth])
        if literal is not None:
            waiting.append((literal, depth + 1))
    return None
