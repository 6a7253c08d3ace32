"""Mining: from the shapes of many messages to a frozen set of templates.

One pass collects the distinct masked texts with their counts; masks have already taken what is variable by its form,
so these are few. Then a repair pass finds the variables that have no form of their own (user names, files, states of a
program): texts of equal length that differ in one place only, where many values occur, become one template with
``<*>`` in that place (``model.events.merging``).

The same messages in the same order always give the same templates. Memory is bounded: when too many distinct texts
have come together they are merged at once, and if that does not help the rarest are forgotten (they will be novel).
"""

from collections import Counter
from collections.abc import Iterable

from model.events.identity import event_id
from model.events.masking import mask
from model.events.merging import Pattern, families_of_forms, merged
from model.events.own_masks import NO_OWN_MASKS, OwnMasks
from model.events.templates import Template, Templates

__all__ = ["MAX_TEXTS", "Miner"]

#: Distinct masked texts kept at a time. Real logs have hundreds; merging this many long ones takes some 600 MB.
MAX_TEXTS = 20_000
_SAMPLE_CHARACTERS = 300


class Miner:
    """Collects shapes and gives templates.

    Args:
        max_texts: How many distinct masked texts are kept before they are merged, at least 2.
        masks: Masks of the operator's own, beside the built-in ones.
    """

    def __init__(self, max_texts: int = MAX_TEXTS, masks: OwnMasks = NO_OWN_MASKS) -> None:
        self._masks = masks
        self._max_texts = max(2, max_texts)
        self._patterns: dict[bytes, Pattern] = {}

    def add(self, shapes: Iterable[bytes]) -> None:
        """Count messages.

        Args:
            shapes: The shapes of messages (``model.events.shapes``).
        """
        for shape, count in Counter(shapes).items():
            text = mask(self._masks.applied_to(shape))
            pattern = self._patterns.get(text)
            if pattern is None:
                pattern = self._patterns[text] = Pattern.of(text, shape)
            pattern.count += count
            if len(self._patterns) > self._max_texts:
                self._shrink()

    def finish(self) -> Templates:
        """Merge what was collected.

        Returns:
            The templates; the miner may go on collecting afterwards.
        """
        families = families_of_forms(merged(self._patterns.values()))
        return Templates(map(_template, families), self._masks)

    def _shrink(self) -> None:
        patterns = merged(self._patterns.values())
        room = self._max_texts // 2
        if len(patterns) > room:
            patterns = sorted(patterns, key=lambda pattern: (-pattern.count, pattern.text))[:room]
        self._patterns = {pattern.text: pattern for pattern in patterns}


def _template(family: list[Pattern]) -> Template:
    """Name a family of forms after the commonest of them."""
    eldest = max(family, key=lambda pattern: pattern.count)
    texts = [pattern.text.decode("utf-8", "replace") for pattern in family]
    text = eldest.text.decode("utf-8", "replace")
    sample = eldest.sample.decode("utf-8", "replace")[:_SAMPLE_CHARACTERS]
    forms = tuple(each for each in texts if each != text)
    return Template(event_id(text), text, sum(pattern.count for pattern in family), sample, forms)
