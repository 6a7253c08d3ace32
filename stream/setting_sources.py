"""Where settings come from: a YAML file, the command line, and how one lies over the other."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from model.errors import ConfigurationError
from stream.setting_names import masked, nearest
from stream.text import shown_name

__all__ = ["merged", "nested", "read_yaml"]


_NO_YAML = (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What PyYAML raises: where text looks like a number or a date that there is not, or where lists are nested without
end, that is an error of Python's and none of its own."""


class _Loader(yaml.SafeLoader):
    """YAML without what makes a file read otherwise than it looks: aliases, which can also be endless, and doubles."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias; all else is PyYAML's own."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "an alias", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Refuse a name that stands twice; all else is PyYAML's own."""
        seen: set[str] = set()
        for name, _ in node.value:
            if str(name.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, "a name twice", name.start_mark)
            seen.add(str(name.value))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a settings file.

    Raises:
        ConfigurationError: The file cannot be read, is no YAML, or holds something else than names with values.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, for ever
            raise ConfigurationError(f"settings file {path} cannot be read: it is no regular file.")
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- it is a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"settings file {path} cannot be read: {error}.") from error
    except _NO_YAML as error:
        # Not chained: the library's error repeats the lines around, and they may hold a password.
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigurationError(
            f"settings file {path} is no YAML: there is an error{where}. A name that stands there twice is one, too, "
            "and so is an alias such as *name."
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"settings file {path} must hold names with values, such as 'namespace: logscry'.")
    _refuse_other_names(path, values)
    # A group whose lines are all commented out reads as None.
    return {name: value for name, value in values.items() if value is not None}


def _refuse_other_names(path: Path, values: Mapping[Any, Any]) -> None:
    groups = [(f"under {shown_name(masked(name))}", group) for name, group in values.items()]
    for place, group in [("at the top", values), *groups]:
        for name in group if isinstance(group, Mapping) else ():
            if not isinstance(name, str):
                raise ConfigurationError(
                    f"settings file {path}: {shown_name(masked(name))} stands {place} where a setting's name belongs, "
                    "but is no text. docs/operations.md lists all settings."
                )


def nested(dotted: Mapping[str, object], known: Collection[str]) -> dict[str, Any]:
    """Turn dotted names into groups; None values are left out.

    >>> nested({"kafka.logs_topic": "app", "namespace": None}, ["kafka.logs_topic", "namespace"])
    {'kafka': {'logs_topic': 'app'}}

    Raises:
        ConfigurationError: A name is not known.
    """
    values: dict[str, Any] = {}
    for name, value in dotted.items():
        if name not in known:
            raise ConfigurationError(f"{shown_name(name)} names no setting.{nearest(name, known)}")
        group, _, leaf = name.rpartition(".")
        if value is not None:
            (values.setdefault(group, {}) if group else values)[leaf] = value
    return values


def merged(below: Mapping[str, Any], *above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over each other: a later leaf wins, the other leaves of its group stay.

    >>> merged({"a": {"x": 1, "y": 1}}, {"a": {"x": 2}})
    {'a': {'x': 2, 'y': 1}}
    """
    values = dict(below)
    for layer in above:
        for name, value in layer.items():
            under = values.get(name, {})
            if not isinstance(value, Mapping):
                values[name] = value
            elif isinstance(under, Mapping):  # a group given as a bare value stays, and is refused with its name
                values[name] = {**under, **value}
    return values
