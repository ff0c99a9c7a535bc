"""What the bill must say, worked out from the files themselves.

Nothing here comes from the marketplace but the price list: sizes and times are those of our own
files, and the arithmetic is written down a second time, on purpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

_BYTES_IN_GB = 1_000_000_000
_SECONDS_IN_HOUR = 3600
_MILLIONTH = Decimal("0.000001")
_FEN = Decimal("0.01")


@dataclass
class Copy:
    """One stored file: its bytes, from when, until when."""

    size: int
    stored: datetime
    deleted: datetime | None = None


@dataclass
class Ledger:
    """Our own record of everything we did with the storage."""

    copies: dict[str, Copy] = field(default_factory=dict)
    past: list[Copy] = field(default_factory=list)
    requests: int = 0
    egress: int = 0

    def put(self, name: str, size: int, at: datetime) -> None:
        """A file was stored; one of the same name is replaced."""
        self._end(name, at)
        self.copies[name] = Copy(size, at)
        self.requests += 1

    def get(self, name: str) -> None:
        """A file was fetched."""
        self.requests += 1
        self.egress += self.copies[name].size

    def delete(self, name: str, at: datetime) -> None:
        """A file was deleted."""
        self._end(name, at)
        self.requests += 1

    def list(self) -> None:
        """The list of files was asked for."""
        self.requests += 1

    def _end(self, name: str, at: datetime) -> None:
        if name in self.copies:
            copy = self.copies.pop(name)
            copy.deleted = at
            self.past.append(copy)

    def quantities(self, until: datetime) -> dict[str, Decimal]:
        """What was used up to the end of the month, by meter."""
        byte_seconds = sum(
            copy.size * int(((copy.deleted or until) - copy.stored).total_seconds())
            for copy in (*self.past, *self.copies.values())
        )
        return {
            "storage": _millionths(Fraction(byte_seconds, _BYTES_IN_GB * _SECONDS_IN_HOUR)),
            "requests": Decimal(self.requests),
            "egress": _millionths(Fraction(self.egress, _BYTES_IN_GB)),
        }


def price(terms: dict[str, str], quantity: Decimal) -> tuple[int, str]:
    """Fen and the working, for the two charge models of this plan."""
    if terms["model"] == "per_unit":
        exact = quantity * Decimal(terms["unit_price"])
        return _fen(exact), f"{quantity} × ¥{terms['unit_price']} = ¥{exact}"
    if terms["model"] == "package":
        packages = math.ceil(quantity / Decimal(terms["package_size"]))
        exact = packages * Decimal(terms["package_price"])
        return _fen(
            exact
        ), f"⌈{quantity} ÷ {terms['package_size']}⌉ = {packages} × ¥{terms['package_price']} = ¥{exact}"
    raise ValueError(f"the tour does not know the charge model {terms['model']}")


def _millionths(exact: Fraction) -> Decimal:
    """Half up to six decimals, as the bill prints quantities."""
    whole = math.floor(exact * 1_000_000 + Fraction(1, 2))
    return (Decimal(whole) * _MILLIONTH).normalize() + 0


def _fen(exact: Decimal) -> int:
    return int(exact.quantize(_FEN, ROUND_HALF_UP) * 100)
