"""Recognition: from the shape of a line to its event ID, remembered."""

from collections.abc import Callable, Sequence

from model.events.identity import event_id
from model.events.templates import Templates

__all__ = ["Recogniser"]

_CACHE_BYTES = 64 << 20
_REMEMBERED_TEXTS = 20_000


class Recogniser:
    """Gives event IDs; a message that no template matches is novel, its event ID the hash of its masked text.

    Shapes that were met are kept in two generations: when the young one is full it becomes the old one, and what is
    met again moves back. So what is frequent stays, and memory is bounded whatever comes in.

    Args:
        templates: The templates of the model.
        message: Cuts the header off the shape of a whole line.
        cache_size: Shapes kept in one generation, at least 1.
    """

    def __init__(self, templates: Templates, message: Callable[[bytes], bytes], cache_size: int) -> None:
        self._templates = templates
        self._message = message
        self._cache_size = max(1, cache_size)
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._young_bytes = 0
        self._texts: dict[bytes, str] = {}

    def event_ids(self, shapes: Sequence[bytes]) -> list[bytes]:
        """Give the event ID of each line.

        Args:
            shapes: The shapes of whole lines.

        Returns:
            Event IDs of eight bytes, one a line.
        """
        found = list(map(self._young.get, shapes))
        if None not in found:
            return found  # type: ignore[return-value]
        return [known or self._recognise(shape) for known, shape in zip(found, shapes, strict=True)]

    def novel_among(self, event_ids: Sequence[bytes]) -> set[bytes]:
        """Give those event IDs that are of no template."""
        return {each for each in set(event_ids) if each not in self._templates}

    def text_of(self, event_id: bytes) -> str | None:
        """Give the text of an event.

        Args:
            event_id: Of a template, or of a novel event met lately.

        Returns:
            The template's text or the masked text, None where it is not known (any more).
        """
        template = self._templates.get(event_id)
        return template.text if template else self._texts.get(event_id)

    def _recognise(self, shape: bytes) -> bytes:
        found = self._young.get(shape) or self._old.get(shape) or self._match(self._message(shape))
        if shape not in self._young:
            self._keep(shape, found)
        return found

    def _match(self, message: bytes) -> bytes:
        masked = self._templates.masked(message)
        template = self._templates.match_masked(masked)
        if template is not None:
            return template.event_id
        text = masked.decode("utf-8", "replace")  # the shape's end may have cut a character in two
        novel = event_id(text)
        if len(self._texts) >= _REMEMBERED_TEXTS:
            self._texts.clear()
        self._texts[novel] = text
        return novel

    def _keep(self, shape: bytes, found: bytes) -> None:
        if len(self._young) >= self._cache_size or self._young_bytes > _CACHE_BYTES:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young[shape] = found
        self._young_bytes += len(shape)
