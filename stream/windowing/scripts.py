"""The scripts of ``lua/``, and the form of their arguments."""

from collections.abc import Sequence
from importlib import resources
from typing import Any

import msgpack

__all__ = ["packed", "script"]


def packed(values: Sequence[Any]) -> bytes:
    """A MessagePack list for a script; Redis's reader knows no ``bin`` type, so bytes go as raw strings."""
    data: bytes = msgpack.packb(values, use_bin_type=False)
    return data


def script(*names: str) -> str:
    """The text of a script, those that it is loaded behind first."""
    folder = resources.files(__package__).joinpath("lua")
    return "".join(folder.joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in names)
