"""The names of settings, what each allows, and errors that say so.

Everything here is derived from a pydantic model of settings (groups of leaves), so a new setting needs no line of its
own. A *dotted name* is ``group.leaf``; its environment variable is ``LOGSCRY_GROUP__LEAF``.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from model.errors import ConfigurationError
from stream.text import shown_name

__all__ = [
    "PREFIX",
    "allowed_values",
    "is_secret",
    "leaves",
    "masked",
    "nearest",
    "refuse_unknown_variables",
    "translated",
    "variable_name",
]

PREFIX = "LOGSCRY_"

#: Variables with our prefix that are not settings: the file's own name, and what the test suite reads.
_RESERVED = re.compile(r"LOGSCRY_(CONFIG|TEST_\w+)")

#: What Kubernetes puts into every container for a service whose name begins with "logscry".
_KUBERNETES = re.compile(r"\w*_(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d+_(TCP|UDP)\w*)")

#: The longest part of a wrong value that an error repeats.
_SHOWN_CHARACTERS = 80

_HOLDERS = (Mapping, list, tuple, set)


def variable_name(dotted: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_name("kafka.logs_topic")
    'LOGSCRY_KAFKA__LOGS_TOPIC'
    """
    return PREFIX + dotted.replace(".", "__").upper()


def leaves(settings: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Return every setting's dotted name with its JSON Schema, in the order of their definition."""
    schema = settings.model_json_schema()
    return dict(_walk(schema, schema.get("$defs", {}), ""))


def _walk(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], before: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in schema["properties"].items():
        group = definitions.get(part.get("$ref", "").rpartition("/")[2])
        if group is None:
            yield before + name, part
        else:
            yield from _walk(group, definitions, f"{before}{name}.")


def is_secret(leaf: Mapping[str, Any]) -> bool:
    """Return whether a setting's value must never be shown."""
    return any(option.get("writeOnly", False) for option in [leaf, *leaf.get("anyOf", [])])


def allowed_values(leaf: Mapping[str, Any]) -> str:
    """Say in words what a setting allows, from its JSON Schema.

    >>> allowed_values({"type": "integer", "minimum": 1, "maximum": 9})
    'a whole number from 1 to 9'
    """
    if "allowed" in leaf:
        return str(leaf["allowed"])
    if "enum" in leaf:
        return "one of " + ", ".join(map(str, leaf["enum"]))
    if "anyOf" in leaf:
        return " or ".join(allowed_values(option) for option in leaf["anyOf"] if option.get("type") != "null")
    if leaf.get("type") == "boolean":
        return "true or false"
    if leaf.get("type") == "integer":
        return _whole_numbers(leaf.get("minimum"), leaf.get("maximum"))
    return "a path" if leaf.get("format") == "path" else "text"


def _whole_numbers(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"a whole number from {low} to {high}"
    return "a whole number" if low is None else f"a whole number of at least {low}"


def masked(value: object) -> str:
    """Return a value as text that may be printed: whatever stands before an ``@`` is hidden, long text is cut.

    Lists and maps are not looked into: nobody knows what they hold, nor how much.

    >>> masked("redis://user:password@cache:6379/0")
    'redis://***@cache:6379/0'
    """
    text = _text(value)
    before, at, after = text.rpartition("@")
    if at:
        scheme, separator, _ = before.partition("://")
        text = (scheme + separator if separator else "") + "***@" + after
    text = re.sub(r"(?s)\?.*", "?***", text)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _shown(value: object) -> str:
    return masked(value) if isinstance(value, _HOLDERS) else repr(masked(value))


def _text(value: object) -> str:
    if isinstance(value, _HOLDERS):
        return "a map" if isinstance(value, Mapping) else "a list"
    try:
        return str(value)
    except ValueError:  # Python writes out no number of more than 4,300 digits
        return "a number of thousands of digits"


def refuse_unknown_variables(environment: Iterable[str], settings: type[BaseModel]) -> None:
    """Refuse variables with our prefix that name no setting.

    pydantic-settings sees a misspelt name inside a group, but never one at the top level.

    Raises:
        ConfigurationError: With the variable and the nearest name that exists.
    """
    known = [variable_name(dotted) for dotted in leaves(settings)]
    for given in sorted(environment):
        name = given.upper()
        if name.startswith(PREFIX) and name not in known and not _RESERVED.fullmatch(name):
            raise ConfigurationError(f"environment variable {shown_name(given)} names no setting.{_hint(name, known)}")


def _hint(name: str, known: list[str]) -> str:
    if _KUBERNETES.fullmatch(name):
        return (
            " It looks like one that Kubernetes adds for a service: set enableServiceLinks: false in the pod, "
            "or name the service so that it does not begin with logscry."
        )
    return nearest(name, known)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the known name nearest to a wrong one."""
    by_ending = {each.removeprefix(PREFIX): each for each in known}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), by_ending, n=1, cutoff=0.6)
    return f" Did you mean {by_ending[near[0]]}?" if near else " docs/operations.md lists all settings."


def translated(error: ValidationError, settings: type[BaseModel]) -> ConfigurationError:
    """Turn pydantic's error into ours: setting, given value (never a secret), what is allowed; one sentence each."""
    known = leaves(settings)
    return ConfigurationError("\n".join(_sentence(dict(each), known) for each in error.errors(include_url=False)))


def _sentence(error: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str:
    dotted = ".".join(str(part) for part in error["loc"])
    reason = str(error.get("ctx", {}).get("error", ""))
    leaf = known.get(dotted)
    if leaf is not None:
        value = "a value that is not shown" if is_secret(leaf) else _shown(error["input"])
        because = f" ({reason})" if reason else ""
        return f"{dotted} ({variable_name(dotted)}) is {value}{because}; allowed: {allowed_values(leaf)}."
    if error["type"] == "extra_forbidden":
        return f"{shown_name(dotted)} names no setting.{nearest(dotted, known)}"
    if reason:
        return reason
    inside = ", ".join(name for name in known if name.startswith(dotted + "."))
    if not inside:
        return f"{shown_name(dotted)}: {error['msg']}."
    return f"{dotted} is a group of settings, not a value; it holds {inside}."
