"""Fields of JSON records: by name, by dotted name, or by JSON pointer (RFC 6901)."""

from typing import Any, TypeGuard

import orjson

from model.errors import ConfigurationError

__all__ = ["FieldPath", "bytes_of", "field_path", "leaves_of", "text_of", "value_at"]

FieldPath = tuple[str, ...]

_LONGEST_PATH = 16
_BYTE = 255


def field_path(field: str) -> FieldPath:
    """Read a field as users write it.

    Args:
        field: A name (``trace_id``) or a JSON pointer (``/kubernetes/labels/app``).

    Returns:
        The names from the outermost object inwards.

    Raises:
        ConfigurationError: The field is empty, or a pointer that cannot be read.
    """
    if not field.startswith("/"):
        names: FieldPath = (field,)
    else:
        names = tuple(name.replace("~1", "/").replace("~0", "~") for name in field[1:].split("/"))
    if not all(names) or len(names) > _LONGEST_PATH:
        raise ConfigurationError(
            f"the field {field!r} cannot be read; allowed is a name such as trace_id, "
            f"or a JSON pointer of at most {_LONGEST_PATH} names such as /kubernetes/pod_name."
        )
    return names


def value_at(record: object, path: FieldPath) -> Any:  # noqa: ANN401  (any JSON value)
    """Look a field up.

    Args:
        record: A decoded JSON value.
        path: From ``field_path``. A single name with dots that is no field itself is looked for step by step.

    Returns:
        The value, None where there is none.
    """
    if isinstance(record, dict) and len(path) == 1:
        value = record.get(path[0])
        if value is not None or "." not in path[0]:
            return value
        path = tuple(path[0].split("."))
    for name in path:
        record = _step(record, name)
    return record


def leaves_of(record: dict[str, Any]) -> dict[str, object]:
    """Give what an object holds, objects in it taken apart.

    Args:
        record: A decoded JSON object.

    Returns:
        Values that are no objects, each by a field that ``field_path`` reads: its name, or the JSON pointer of what is
        nested. What lies deeper than a pointer may say, or has an empty name, is left out.
    """
    found: dict[str, object] = {}
    waiting: list[tuple[FieldPath, Any]] = [((), record)]
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict):
            found[_field_at(path)] = value
        elif len(path) < _LONGEST_PATH:
            waiting += [((*path, name), inner) for name, inner in reversed(value.items()) if name]
    return found


def _field_at(path: FieldPath) -> str:
    if len(path) == 1 and not path[0].startswith("/"):
        return path[0]
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)


def text_of(value: object) -> str:
    """Give a field's value as text.

    Args:
        value: A JSON value. Text stays as it is; a list of bytes, as journald writes what is no clean text, becomes
            text; anything else is written as compact JSON.

    Returns:
        Empty for None, and for what is nested too deeply to be written.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if _is_bytes(value):
        return bytes(value).decode("utf-8", "replace")
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return ""


def bytes_of(value: object) -> bytes:
    """Give a field's value as text in UTF-8; as ``text_of``."""
    return text_of(value).encode("utf-8", "replace")


def _is_bytes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and bool(value) and all(type(each) is int and 0 <= each <= _BYTE for each in value)


def _step(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and name.isascii() and len(name) <= len(str(len(value))):
        index = int(name)
        return value[index] if index < len(value) else None
    return None
