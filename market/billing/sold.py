"""A provider's lines on everybody's bills, draft or issued, and that they add up to what the bills say of the provider."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from market import db
from market.accounts import Organization
from market.billing.models import Bill, BillLine, BillStatus, BillTax, LineKind
from market.catalog import OfferingRevision
from market.kit.period import Period, month_of
from market.providers import Provider
from market.subscriptions import Subscription

#: How many rows are asked for at once.
AT_ONCE = 500


@dataclass(frozen=True)
class Sought:
    """Which lines; what is empty narrows nothing. `issued` is None for both, drafts and issued bills."""

    period: Period | None = None
    text: str = ""
    offering_id: int | None = None
    kind: LineKind | None = None
    issued: bool | None = None

    @property
    def anything(self) -> bool:
        """Whether more than the month narrows the list."""
        return bool(self.text or self.offering_id or self.kind or self.issued is not None)


class Sum(NamedTuple):
    """How many lines, and what they come to."""

    lines: int = 0
    gross_fen: int = 0
    net_fen: int = 0
    tax_fen: int = 0


def lines_sought(provider: Provider, sought: Sought) -> Select[BillLine]:
    """The lines with bill, customer and subscription, the newest bills first."""
    query = _narrowed(select(BillLine), provider, sought)
    query = query.options(contains_eager(BillLine.bill).joinedload(Bill.organization), joinedload(BillLine.provider))
    return query.order_by(Bill.id.desc(), BillLine.position)


def sum_of(provider: Provider, sought: Sought) -> Sum:
    """What these lines come to."""
    query = select(*_counted(BillLine)).select_from(BillLine)
    return _sum(_narrowed(query, provider, sought))


def on_bills(provider: Provider, period: Period, *, issued: bool) -> Sum:
    """The same of a month as the bills' own tax splits say it, which is what fapiao are made of."""
    query = select(*_counted(BillTax)).select_from(BillTax).join(BillTax.bill)
    return _sum(query.where(BillTax.provider_id == provider.id, _in(period), _issued(issued)))


def _counted(table: type[BillLine] | type[BillTax]) -> list[Any]:
    return [func.count(), func.sum(table.gross_fen), func.sum(table.net_fen), func.sum(table.tax_fen)]


def _sum(query: Select[Any]) -> Sum:
    return Sum(*(int(each or 0) for each in db.session.execute(query).one()))


def months_sold(provider: Provider, *, most: int = 36) -> Sequence[Period]:
    """The months in which there are lines, newest first."""
    query = select(Bill.period_start).join(Bill.lines).where(BillLine.provider_id == provider.id)
    starts = db.session.scalars(query.distinct().order_by(Bill.period_start.desc()).limit(most))
    return list(dict.fromkeys(month_of(start) for start in starts))


def all_sought(provider: Provider, sought: Sought) -> Iterator[BillLine]:
    """Every one of them, oldest bill first, a few hundred at once."""
    return _passed_by(lines_sought(provider, sought))


def all_of_bill(bill: Bill) -> Iterator[BillLine]:
    """Every line of a bill in its order, with its provider, a few hundred at once."""
    query = select(BillLine).join(BillLine.bill).where(BillLine.bill_id == bill.id)
    return _passed_by(query.options(contains_eager(BillLine.bill).joinedload(Bill.organization), joinedload(BillLine.provider)))


def all_of_month(period: Period) -> Iterator[BillLine]:
    """Every line of every issued bill of a month, with customers and providers, a few hundred at once."""
    query = select(BillLine).join(BillLine.bill).where(Bill.period_start == period.start, Bill.status != BillStatus.DRAFT)
    return _passed_by(query.options(contains_eager(BillLine.bill).joinedload(Bill.organization), joinedload(BillLine.provider)))


def _passed_by(query: Select[BillLine]) -> Iterator[BillLine]:
    """In the order of bills and their lines; what has passed is let go, so that any number takes the same memory."""
    ordered = query.order_by(None).order_by(BillLine.bill_id, BillLine.position).limit(AT_ONCE)
    some = db.session.scalars(ordered).all()
    while some:
        bill_id, position = some[-1].bill_id, some[-1].position
        yield from some
        for line in some:
            db.session.expunge(line)
        after = or_(BillLine.bill_id > bill_id, and_(BillLine.bill_id == bill_id, BillLine.position > position))
        some = db.session.scalars(ordered.where(after)).all()


def _narrowed(query: Select[Any], provider: Provider, sought: Sought) -> Select[Any]:
    query = query.join(BillLine.bill).where(BillLine.provider_id == provider.id)
    if sought.period:
        query = query.where(_in(sought.period))
    if sought.issued is not None:
        query = query.where(_issued(sought.issued))
    if sought.kind:
        query = query.where(BillLine.kind == sought.kind)
    if sought.offering_id or sought.text:
        query = query.join(BillLine.subscription)
    if sought.offering_id:
        query = query.join(Subscription.revision).where(OfferingRevision.offering_id == sought.offering_id)
    if sought.text:
        firms = select(Organization.id).where(Organization.name.icontains(sought.text, autoescape=True))
        told = Subscription.public_id == sought.text, Bill.number == sought.text, Bill.organization_id.in_(firms)
        query = query.where(or_(*told))
    return query


def _in(period: Period) -> ColumnElement[bool]:
    """Bills whose month begins in this one."""
    return and_(Bill.period_start >= period.start, Bill.period_start < period.end)


def _issued(issued: bool) -> ColumnElement[bool]:
    return (Bill.status != BillStatus.DRAFT) if issued else (Bill.status == BillStatus.DRAFT)
