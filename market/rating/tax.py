"""Tax: gross prices split into net and tax the way a fapiao states them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Generic, TypeVar

from market.kit import money
from market.kit.rounding import largest_remainder

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class TaxGroup(Generic[K]):
    """All lines of one key (a provider) at one rate, in fen: gross = net + tax."""

    key: K
    rate: Decimal
    gross: int
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """One line, in fen: gross = net + tax."""

    gross: int
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class TaxSplit(Generic[K]):
    """Groups in order of first appearance; lines in the order given. Lines re-add to their groups."""

    groups: tuple[TaxGroup[K], ...]
    lines: tuple[TaxedLine, ...]

    @property
    def gross(self) -> int:
        """The bill's total, tax included, in fen."""
        return sum(group.gross for group in self.groups)

    @property
    def net(self) -> int:
        """The bill's total without tax, in fen."""
        return sum(group.net for group in self.groups)

    @property
    def tax(self) -> int:
        """The bill's tax, in fen."""
        return sum(group.tax for group in self.groups)


def split_tax(lines: Sequence[tuple[K, int, Decimal]]) -> TaxSplit[K]:
    """Split lines of (key, gross fen, rate), per key and rate.

    A group's net is rounded once from its gross, its tax is the rest; the net is handed to its lines by
    largest remainder. A line's own net can therefore differ by a fen from splitting that line alone.
    """
    members: dict[tuple[K, Decimal], list[int]] = {}
    for position, (key, _, rate) in enumerate(lines):
        members.setdefault((key, rate), []).append(position)
    groups: list[TaxGroup[K]] = []
    taxed: dict[int, TaxedLine] = {}
    for (key, rate), positions in members.items():
        grosses = [lines[position][1] for position in positions]
        gross = sum(grosses)
        net, tax = money.net_and_tax(gross, rate)
        groups.append(TaxGroup(key, rate, gross, net, tax))
        nets = largest_remainder([Fraction(part) / (1 + Fraction(rate)) for part in grosses], net)
        taxed |= {
            position: TaxedLine(part, part_net, part - part_net)
            for position, part, part_net in zip(positions, grosses, nets, strict=True)
        }
    return TaxSplit(tuple(groups), tuple(taxed[position] for position in range(len(lines))))
