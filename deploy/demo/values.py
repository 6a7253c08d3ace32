"""The changing parts of the shop's log lines, drawn from a seeded source."""

import uuid
from collections.abc import Sequence
from random import Random
from typing import TypeVar

__all__ = ["Values"]

_T = TypeVar("_T")

_NAMES = ("anna.k", "b.osei", "chen.li", "dora-m", "e.virtanen", "farid99", "g.rossi", "hana.sato", "ivo", "j.doe")
_DOMAINS = ("example.com", "example.org", "mail.example.net", "shop.example")
_PRODUCTS = ("oak-table", "desk-lamp", "wool-rug", "tea-pot", "bread-knife", "rain-coat", "bike-bell", "note-book")
_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1)", "curl/8.9.1", "ShopApp/4.2.0")
_SUPPLIERS = ("Nordwind GmbH", "Blue River Ltd", "Casa Verde S.L.", "Fuji Trading")
_CARRIERS = ("swiftpost", "parcelone", "greenvan")


class Values:
    """Numbers, names and addresses as they stand in real log lines."""

    def __init__(self, random: Random) -> None:
        """Draw from ``random``, which other parts of the shop may share."""
        self.random = random

    def pick(self, choices: Sequence[_T]) -> _T:
        """One of several."""
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random.random() < probability

    def number(self, low: int, high: int) -> int:
        """A whole number, ``low`` and ``high`` included."""
        return self.random.randint(low, high)

    def hexadecimal(self, digits: int) -> str:
        """Lower-case hexadecimal digits, without a prefix."""
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """A UUID of version 4."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def address(self) -> str:
        """An IPv4 address."""
        return ".".join(str(self.number(1, 254)) for _ in range(4))

    def email(self) -> str:
        """An e-mail address."""
        return f"{self.pick(_NAMES)}@{self.pick(_DOMAINS)}"

    def product(self) -> str:
        """The name of a product, as in a URL."""
        return f"{self.pick(_PRODUCTS)}-{self.number(10, 99)}"

    def sku(self) -> str:
        """A stock-keeping unit."""
        return f"SKU-{self.number(1000, 9999)}"

    def order(self) -> int:
        """An order number."""
        return self.number(100_000, 999_999)

    def price(self) -> str:
        """An amount of money with two decimals."""
        return f"{self.number(199, 45_000) / 100:.2f}"

    def milliseconds(self) -> str:
        """A duration, such as ``12.4ms``."""
        return f"{self.number(8, 600) / 10:.1f}ms"

    def agent(self) -> str:
        """A browser's name for itself."""
        return self.pick(_AGENTS)

    def supplier(self) -> str:
        """A company's name, with spaces."""
        return self.pick(_SUPPLIERS)

    def carrier(self) -> str:
        """A carrier's name."""
        return self.pick(_CARRIERS)
