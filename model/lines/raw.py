"""A line's own bytes, found again in its record: to show them."""

import orjson

from model.lines.records import MAX_LINES

__all__ = ["raw_line"]


def raw_line(value: bytes, number: int) -> bytes:
    """Find a line's own bytes in its record.

    Args:
        value: The record's value.
        number: The number that reading gave the line.

    Returns:
        The line; of an array of JSON objects, its object. The whole value where it is one JSON value over several
        lines, or has no such line.
    """
    bare = value.strip()
    element = _element(bare, number) if bare.startswith(b"[") else None
    if element is not None:
        return element
    parts = bare.split(b"\n", MAX_LINES)
    if bare.startswith(b"{"):  # blank lines between objects have no number
        parts = [part for part in parts if part.strip()]
    if number >= len(parts) or parts[0].strip() == b"{":
        return value
    return parts[number].strip()


def _element(array: bytes, number: int) -> bytes | None:
    try:
        objects = orjson.loads(array)
        return orjson.dumps(objects[number]) if number < len(objects) else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
