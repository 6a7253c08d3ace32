"""Fields of JSON records: by name, by dotted name, or by JSON pointer (RFC 6901)."""

from typing import Any

import orjson

from model.errors import ConfigurationError

__all__ = ["FieldPath", "bytes_of", "field_path", "value_at"]

FieldPath = tuple[str, ...]

_LONGEST_PATH = 16


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


def bytes_of(value: object) -> bytes:
    """Give a field's value as text.

    Args:
        value: A JSON value; text stays as it is, anything else is written as compact JSON.

    Returns:
        UTF-8; empty for None, and for what is nested too deeply to be written.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    try:
        return b"" if value is None else orjson.dumps(value)
    except orjson.JSONEncodeError:
        return b""


def _step(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and name.isascii() and len(name) <= len(str(len(value))):
        index = int(name)
        return value[index] if index < len(value) else None
    return None
