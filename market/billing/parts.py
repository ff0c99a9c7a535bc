"""A bill in parts: a page's worth of its lines, so that one of ten thousand is shown as quickly as one of ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from market import db
from market.billing.models import Bill, BillLine

#: A provider and a tax rate.
GroupKey = tuple[int, Decimal]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a bill's lines, grouped as on paper, from place `start` on (0: the first); `sizes` are of the whole bill's groups."""

    lines: Sequence[BillLine]
    start: int
    sizes: Mapping[GroupKey, int]

    @property
    def total(self) -> int:
        """How many lines the whole bill has."""
        return sum(self.sizes.values())

    @property
    def whole(self) -> bool:
        """Whether no line is missing."""
        return len(self.lines) == self.total

    def ended(self, key: GroupKey) -> bool:
        """Whether the last line of a group is among these or before them."""
        end = 0
        for each, size in self.sizes.items():
            end += size
            if each == key:
                break
        return end <= self.start + len(self.lines)


def key_of(line: BillLine) -> GroupKey:
    """The group a line stands in."""
    return line.provider_id, Decimal(line.tax_rate)


def sizes_of(bill: Bill) -> Mapping[GroupKey, int]:
    """How many lines each of a bill's groups has, in the order of the paper."""
    query = select(BillLine.provider_id, BillLine.tax_rate, func.count()).where(BillLine.bill_id == bill.id)
    found: dict[GroupKey, int] = {}
    for provider_id, rate, number in db.session.execute(query.group_by(BillLine.provider_id, BillLine.tax_rate)):
        found[provider_id, Decimal(rate)] = found.get((provider_id, Decimal(rate)), 0) + number
    return dict(sorted(found.items()))


def part_of(bill: Bill, *, start: int, size: int, sizes: Mapping[GroupKey, int] | None = None) -> Part:
    """So many of a bill's lines; the bill is loaded without them."""
    query = select(BillLine).where(BillLine.bill_id == bill.id)
    ordered = query.order_by(BillLine.provider_id, BillLine.tax_rate, BillLine.position)
    lines = db.session.scalars(ordered.offset(start).limit(size)).all() if size else []
    return Part(lines, start, sizes_of(bill) if sizes is None else sizes)


def all_of(bill: Bill) -> Part:
    """All lines of a bill that is loaded with them."""
    lines = sorted(bill.lines, key=lambda line: (*key_of(line), line.position))
    sizes: dict[GroupKey, int] = {}
    for line in lines:
        sizes[key_of(line)] = sizes.get(key_of(line), 0) + 1
    return Part(lines, 0, sizes)
