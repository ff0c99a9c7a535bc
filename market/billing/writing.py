"""Writing drafts: the lines and the tax split of many firms' bills in a few statements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from market import audit, db, rating, statements
from market.accounts import Organization
from market.billing import drafts
from market.billing.lines import LineDraft
from market.billing.models import Bill, BillLine, BillStatus, BillTax
from market.errors import Refused
from market.kit import money
from market.kit.period import Period

_DRAWN = drafts.FIELDS
_LINE = ("bill_id", "position", "net_fen", "tax_fen", *_DRAWN)
_TAX = ("bill_id", "provider_id", "tax_rate", "gross_fen", "net_fen", "tax_fen")

Split = rating.TaxSplit[int]


class AmountTooLarge(Refused):
    """No bill comes to so much; a price or a report of usage is wrong."""

    code = "amount_too_large"
    message = "金额太大：须小于 10 万亿元"


class Drafted(NamedTuple):
    """Drafts, and by organization the money back for which nothing on them has room."""

    bills: list[Bill]
    rests: dict[int, list[LineDraft]]


def draft(organizations: Sequence[Organization], period: Period, *, cutoff: datetime, at: datetime) -> Drafted:
    """Draw up the bills of firms that are held, or draw them up anew; in the order given, without those of nothing.

    Issued ones stay as they are and are not among the answers. Raises AmountTooLarge.
    """
    known = _known(organizations, period)
    waiting = [each for each in organizations if each.id not in known or known[each.id].status is BillStatus.DRAFT]
    found = drafts.draw_up_all(waiting, period, cutoff=cutoff)
    drawn = {id: each.lines for id, each in found.items()}
    splits = {id: _split(lines) for id, lines in drawn.items() if lines}
    _drop([known[id].id for id in drawn if id in known and id not in splits])
    _forget_lines([known[id].id for id in splits if id in known])
    bills = [known.get(each.id) or _begun(each, period) for each in waiting if each.id in splits]
    fresh = [bill for bill in bills if bill.organization_id not in known]
    for bill in bills:
        split = splits[bill.organization_id]
        bill.gross_fen, bill.net_fen, bill.tax_fen, bill.cutoff = split.gross, split.net, split.tax, cutoff
    db.session.add_all(fresh)
    audit.record_all((_drafted(bill, period) for bill in fresh), at=at)
    statements.add(BillLine.__table__, _LINE, _lines(bills, drawn, splits))  # type: ignore[arg-type]  # a mapped class has a table
    statements.add(BillTax.__table__, _TAX, _taxes(bills, splits))  # type: ignore[arg-type]  # a mapped class has a table
    return Drafted(bills, {id: each.rests for id, each in found.items() if each.rests})


def _known(organizations: Sequence[Organization], period: Period) -> dict[int, Bill]:
    ids = [organization.id for organization in organizations]
    query = select(Bill).where(Bill.organization_id.in_(ids), Bill.period_start == period.start)
    found = db.session.scalars(query.execution_options(populate_existing=True))
    return {bill.organization_id: bill for bill in found}


def _begun(organization: Organization, period: Period) -> Bill:
    return Bill(
        organization_id=organization.id, period_start=period.start, period_end=period.end, status=BillStatus.DRAFT, paid_fen=0
    )


def _drafted(bill: Bill, period: Period) -> audit.Change:
    by = audit.system("billing", organization_id=bill.organization_id)
    return audit.Change("bill.drafted", bill, by, after={"period": period.label})


def _split(lines: Sequence[LineDraft]) -> Split:
    if sum(max(abs(line.gross_fen), abs(line.booked_fen)) for line in lines) >= money.LARGEST_FEN:
        raise AmountTooLarge
    return rating.split_tax([(line.provider_id, line.gross_fen, Decimal(line.tax_rate)) for line in lines])


def _drop(bill_ids: Collection[int]) -> None:
    """A draft that has lost its last line goes; it never had a number."""
    _forget_lines(bill_ids)
    if bill_ids:
        db.session.execute(delete(Bill).where(Bill.id.in_(bill_ids)))


def _forget_lines(bill_ids: Collection[int]) -> None:
    for part in (BillLine, BillTax) if bill_ids else ():
        db.session.execute(delete(part).where(part.bill_id.in_(bill_ids)))


def _lines(
    bills: Sequence[Bill], drawn: Mapping[int, Sequence[LineDraft]], splits: Mapping[int, Split]
) -> Iterator[tuple[Any, ...]]:
    for bill in bills:
        taxed = splits[bill.organization_id].lines
        for position, (line, split) in enumerate(zip(drawn[bill.organization_id], taxed, strict=True), start=1):
            yield bill.id, position, split.net, split.tax, *drafts.values(line)


def _taxes(bills: Sequence[Bill], splits: Mapping[int, Split]) -> Iterator[tuple[Any, ...]]:
    for bill in bills:
        for group in splits[bill.organization_id].groups:
            yield bill.id, group.key, str(group.rate), group.gross, group.net, group.tax
