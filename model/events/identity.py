"""The event ID: eight bytes that are the same in every process, machine and model version."""

from hashlib import blake2b

__all__ = ["EVENT_ID_BYTES", "event_id"]

EVENT_ID_BYTES = 8


def event_id(template: str) -> bytes:
    """Hash a template's text.

    With 64 bits, a million templates meet one collision with a probability of about 3 in 100 million.

    Args:
        template: The text of a template, or the masked text of a message that no template matches.

    Returns:
        Eight bytes: BLAKE2b of the text's UTF-8 form.
    """
    return blake2b(template.encode("utf-8", "replace"), digest_size=EVENT_ID_BYTES).digest()
