"""Where a JSON object says what: message, time and level, by the format's fields or by their usual names."""

from collections.abc import Sequence
from typing import Any

import orjson

from model.errors import RecordError
from model.lines.fields import FieldPath, field_path, text_of, value_at
from model.lines.names import LEVEL_FIELDS, MESSAGE_FIELDS, TIME_FIELDS

__all__ = ["WHITE_SPACE", "JsonFields", "inner_object", "usual_message"]

#: What ``bytes.strip`` takes off.
WHITE_SPACE = " \t\n\r\x0b\x0c"

_SHOWN_NAMES = 10
_SHOWN_CHARACTERS = 80


class JsonFields:
    """Looks fields up: first where the format says, then under the usual names.

    Args:
        message: The format's field of the message, None where it names none.
        time: Likewise of the time.
        level: Likewise of the level.
    """

    def __init__(self, message: str | None = None, time: str | None = None, level: str | None = None) -> None:
        self._message = _paths(message, MESSAGE_FIELDS)
        self._time = _paths(time, TIME_FIELDS)
        self._level = _paths(level, LEVEL_FIELDS)

    def unwrapped(self, record: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """Find an object's message, and take it apart where it is itself a JSON object with a message.

        So a shipper may wrap what an application wrote: of fields of one name, the application's counts.

        Returns:
            The object, with the fields of the inner one; the first line of its message.

        Raises:
            RecordError: It has no message.
        """
        text = _message(record, self._message)
        if not text:
            names = ", ".join(list(record)[:_SHOWN_NAMES])[:_SHOWN_CHARACTERS]
            raise RecordError("no-message", f"no field holds a message; the object has the fields: {names}")
        inner = inner_object(text)
        if inner_text := usual_message(inner):
            return {**record, **inner}, _first_line(inner_text)
        return record, _first_line(text)

    def time(self, record: dict[str, Any]) -> object:
        """Give the value of an object's time, None where it states none."""
        return _first(record, self._time)

    def level(self, record: dict[str, Any]) -> str:
        """Give an object's level as text, empty where it states none."""
        return text_of(_first(record, self._level))


def inner_object(text: str) -> dict[str, Any]:
    """Decode a text that is a JSON object; empty where it is none."""
    if not (text.startswith("{") and text.endswith("}")):
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def usual_message(record: dict[str, Any]) -> str:
    """Give what an object holds under a usual name of the message, empty where there is nothing."""
    return _message(record, _USUAL_MESSAGE)


def _paths(field: str | None, usual: Sequence[str]) -> tuple[FieldPath, ...]:
    names = usual if field is None else (field, *(name for name in usual if name != field))
    return tuple(map(field_path, names))


_USUAL_MESSAGE = _paths(None, MESSAGE_FIELDS)


def _first(record: dict[str, Any], paths: Sequence[FieldPath]) -> object:
    for path in paths:
        value = value_at(record, path)
        if value is not None:
            return value
    return None


def _message(record: dict[str, Any], paths: Sequence[FieldPath]) -> str:
    """The message of an object, empty where it has none."""
    others = []
    for path in paths:
        value = value_at(record, path)
        if isinstance(value, str):
            if text := value.strip(WHITE_SPACE):
                return text
        elif value is not None:
            others.append(value)
    # Text goes first: where "event" is an object and "msg" a text, the text is the message.
    return next((text for value in others if (text := text_of(value).strip(WHITE_SPACE))), "")


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip(WHITE_SPACE)
