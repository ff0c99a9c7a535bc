"""Issuing: drafts get their numbers, the parties are copied in, and nothing but the payment changes from now on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import set_committed_value

from market import audit, db
from market.accounts import Organization
from market.billing import credit_notes, numbering, parties, periods
from market.billing.models import LIFECYCLE, Bill, BillStatus, BillTax
from market.billing.signals import bill_finalized, bill_paid, bills_finalized
from market.billing.writing import Drafted
from market.kit.period import Period
from market.subscriptions import Subscription, live_in


def issue_all(drafted: Drafted, period: Period, *, at: datetime) -> None:
    """Issue drafts of one month that were drawn up in this very transaction; numbers follow the order given.

    A bill of ¥0.00 is paid at once. Money back that has no room on the bills becomes credit notes, and balances are
    used. The numbers are taken late: from then on others who issue bills of the month wait for the end of the transaction.
    """
    bills = drafted.bills
    if bills:
        _issue(bills, period, at)
    if bills or drafted.rests:
        credit_notes.at_issue(bills, drafted.rests, at=at)
    if bills:
        _announce(bills, at)


def _issue(bills: Sequence[Bill], period: Period, at: datetime) -> None:
    buyers = _buyers(bills)
    told = parties.snapshots({bill.id: buyers[bill.organization_id] for bill in bills}, _sellers(bills))
    _bill_until(buyers, period)
    for bill, number in zip(bills, numbering.bill_numbers(period, len(bills)), strict=True):
        bill.parties, bill.number = told[bill.id], number
        bill.issued_at, bill.due_at = at, periods.due_at(at)
        LIFECYCLE.move(bill, BillStatus.OPEN if bill.gross_fen else BillStatus.PAID)
        bill.paid_at = None if bill.gross_fen else at
    audit.record_all([_issued(bill) for bill in bills], at=at)


def _announce(bills: Sequence[Bill], at: datetime) -> None:
    for bill in bills:
        bill_finalized.send(bill, at=at)
        if not bill.gross_fen:
            bill_paid.send(bill, at=at)
    bills_finalized.send(bills, at=at)


def _issued(bill: Bill) -> audit.Change:
    after = {"number": bill.number, "gross_fen": bill.gross_fen, "status": bill.status.value}
    return audit.Change("bill.issued", bill, audit.system("billing", organization_id=bill.organization_id), after=after)


def _buyers(bills: Sequence[Bill]) -> dict[int, Organization]:
    query = select(Organization).where(Organization.id.in_([bill.organization_id for bill in bills]))
    return {organization.id: organization for organization in db.session.scalars(query)}


def _sellers(bills: Sequence[Bill]) -> Mapping[int, list[int]]:
    """The providers with lines on each bill."""
    query = select(BillTax.bill_id, BillTax.provider_id).where(BillTax.bill_id.in_([bill.id for bill in bills]))
    found: dict[int, list[int]] = defaultdict(list)
    for bill_id, provider_id in db.session.execute(query):
        found[bill_id].append(provider_id)
    return found


def _bill_until(buyers: Mapping[int, Organization], period: Period) -> None:
    """No change of these subscriptions may reach behind the end of the month any more."""
    theirs = update(Subscription).where(Subscription.organization_id.in_(buyers), live_in(period))
    told = theirs.values(billed_until=period.end).returning(Subscription.id)
    for id in db.session.scalars(told.execution_options(synchronize_session=False)):
        # SQLAlchemy would do the same for each in ten times the time.
        if known := db.session.identity_map.get(db.session.identity_key(Subscription, id)):
            set_committed_value(known, "billed_until", period.end)
