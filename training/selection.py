"""Which files are read, and which keys of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from model.errors import ConfigurationError

__all__ = ["KeySample", "Selection"]

_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class KeySample:
    """A share of all keys, each with all its lines, chosen by the keys' hashes alone: every run chooses the same.

    A smaller share is a part of a larger one. The hash is another than that of the split, so that a sample is split as
    evenly as the whole.

    Attributes:
        ratio: More than 0, at most 1, which is all.

    Raises:
        ConfigurationError: The ratio is outside its range.
    """

    ratio: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise ConfigurationError(f"the sample ratio is {self.ratio}; allowed is more than 0, at most 1 (all keys).")

    def __contains__(self, key: object) -> bool:
        if self.ratio == 1:
            return True
        if not isinstance(key, bytes):
            return False
        place = int.from_bytes(blake2b(key, digest_size=_HASH_BYTES, person=b"sample").digest(), "big")
        return bool(place < self.ratio * 2.0 ** (8 * _HASH_BYTES))

    def of(self, other: "KeySample") -> "KeySample":
        """This share of another sample."""
        return KeySample(self.ratio * other.ratio)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read.

    Attributes:
        paths: Files, folders and globs; ``.gz`` is unpacked.
        max_files: Only the first so many files, in reading order; None reads all.
        sample: Which keys.

    Raises:
        ConfigurationError: ``max_files`` is less than 1.
    """

    paths: tuple[str | Path, ...]
    max_files: int | None = None
    sample: KeySample = KeySample()

    def __post_init__(self) -> None:
        if self.max_files is not None and self.max_files < 1:
            raise ConfigurationError(f"max_files is {self.max_files}; it must be at least 1.")

    @classmethod
    def of(cls, inputs: "Selection | Sequence[str | Path]") -> "Selection":
        """Take a selection as it is, and paths as one of all that they lead to."""
        return inputs if isinstance(inputs, Selection) else cls(tuple(inputs))
