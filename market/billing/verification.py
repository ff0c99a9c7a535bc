"""Checking an issued bill: every amount again from its terms, every quantity again from the raw events.

Events pass by once and bills one after the other, so that any number of either takes the same memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Select, func, select

from market import db, metering, rating
from market.accounts import Organization
from market.billing import drafts, usage
from market.billing.lines import exact_of, fen_of
from market.billing.models import Bill, BillLine, BillStatus
from market.billing.periods import period_of
from market.billing.queries import bill_by_id
from market.catalog import Charge
from market.kit.period import Period
from market.subscriptions import Subscription


class BillDifference(NamedTuple):
    """Something on a bill that does not follow from what is stored."""

    line: BillLine | None
    field: str
    billed: object
    expected: object


@dataclass
class Checked:
    """What came of checking a bill; `unread` are lines whose events lie in an archive, so that only their amounts were checked."""

    bill: Bill
    differences: list[BillDifference] = field(default_factory=list)
    unread: list[BillLine] = field(default_factory=list)


def verify(bill: Bill) -> list[BillDifference]:
    """Work a bill out again as it was at its cutoff; empty when everything agrees.

    Needs the bill as `bill_of` loads it.
    """
    return check(bill).differences


def check(bill: Bill) -> Checked:
    """The same, and which lines could not be counted again."""
    found, charges, subscriptions = Checked(bill), usage.charges_of([line.charge_id for line in bill.lines]), _subscriptions(bill)
    for line in bill.lines:
        used = None
        if line.quantity is not None:
            try:
                used = used_again(bill, line, subscriptions[line.subscription_id], charges[line.charge_id])
            except metering.EventsArchived:
                found.unread.append(line)
        found.differences += check_line(bill, line, used)
    found.differences += _check_sums(bill)
    return found


def check_all(organization: Organization | None = None) -> Iterator[Checked]:
    """Every issued bill, oldest first, each in a transaction of its own."""
    last = 0
    while True:
        with db.snapshot():
            id = db.session.scalar(_issued(organization).where(Bill.id > last).order_by(Bill.id).limit(1))
            if id is None:
                return
            checked = check(bill_by_id(id))
            db.session.expunge_all()
        yield checked
        last = id


def checkable(organization: Organization | None = None) -> int:
    """How many bills `check_all` goes through."""
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count()).select_from(_issued(organization).subquery())) or 0


def _issued(organization: Organization | None) -> Select[int]:
    query = select(Bill.id).where(Bill.status != BillStatus.DRAFT)
    return query if organization is None else query.where(Bill.organization_id == organization.id)


def _subscriptions(bill: Bill) -> Mapping[int, Subscription]:
    ids = {line.subscription_id for line in bill.lines}
    return {one.id: one for one in db.session.scalars(select(Subscription).where(Subscription.id.in_(ids)))}


def check_line(bill: Bill, line: BillLine, used: rating.Used | None) -> list[BillDifference]:
    """What does not follow: of the quantity from what was `used` (None: not counted again), of the amount from both."""
    found = []
    if used is not None and usage.total_of(used) != line.quantity:
        found.append(BillDifference(line, "quantity", line.quantity, usage.total_of(used)))
    elif used is not None and used != usage.used_of(line):
        found.append(BillDifference(line, "transactions", usage.used_of(line), used))
    rated = drafts.recompute(line, bill.organization, quantity=used)
    for field_, billed, expected in (
        ("gross_fen", line.gross_fen, fen_of(line, rated) - line.booked_fen),
        ("exact", line.exact, rating.exact_text(exact_of(line.kind, rated))),
        ("steps", line.steps, rating.dump_steps(rated.steps)),
    ):
        if billed != expected:
            found.append(BillDifference(line, field_, billed, expected))
    return found


def used_again(bill: Bill, line: BillLine, subscription: Subscription, charge: Charge) -> rating.Used:
    """What a metered line is rated with, counted again from the events. Raises EventsArchived."""
    return told_by(count_again(bill, line, subscription, charge), line)


def count_again(bill: Bill, line: BillLine, subscription: Subscription, charge: Charge) -> metering.Recount:
    """The events of a metered line, day by day, as they were known at the bill's cutoff. Raises EventsArchived."""
    assert charge.meter is not None, "usage charges have a meter"
    service, terms = Period(line.service_start, line.service_end), rating.parse(line.terms)
    asked = metering.asking(subscription, charge.meter, service, stored_by=bill.cutoff, only=charge.filter)
    each = isinstance(terms, rating.Percentage) and terms.each
    return metering.recount(asked, whole=period_of(bill.organization, line.service_start), by_transaction=each)


def told_by(counted: metering.Recount, line: BillLine) -> rating.Used:
    """What the line's terms are applied to."""
    terms = rating.parse(line.terms)
    if not isinstance(terms, rating.Percentage):
        return counted.quantity
    alike = rating.Transactions.alike(counted.events - counted.gone, counted.quantity)
    return usage.condensed(terms, counted.transactions or alike)


def _check_sums(bill: Bill) -> list[BillDifference]:
    """The tax split and the totals from the lines."""
    lines = bill.lines
    split = rating.split_tax([(line.provider_id, line.gross_fen, Decimal(line.tax_rate)) for line in lines])
    pairs = [
        ("gross_fen", bill.gross_fen, split.gross),
        ("net_fen", bill.net_fen, split.net),
        ("tax_fen", bill.tax_fen, split.tax),
        ("lines", [(line.net_fen, line.tax_fen) for line in lines], [(line.net, line.tax) for line in split.lines]),
        (
            "taxes",
            sorted((tax.provider_id, Decimal(tax.tax_rate), tax.net_fen, tax.tax_fen) for tax in bill.taxes),
            sorted((group.key, group.rate, group.net, group.tax) for group in split.groups),
        ),
    ]
    return [BillDifference(None, field, billed, expected) for field, billed, expected in pairs if billed != expected]
