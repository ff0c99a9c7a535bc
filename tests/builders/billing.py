"""Bills for tests: months, moments and a closed month.

    closed(OCTOBER)                    the real month close, run when the days of grace are over
    bill_of_month(organization, OCTOBER)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from market import billing, db
from market.accounts.models import Organization
from market.billing import Bill
from market.billing.closing.rounds import Hour, close_together
from market.kit.period import SHANGHAI, Period, month
from market.subscriptions import Subscription

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (month(f"2026-{number:02}") for number in (9, 10, 11, 12))


def moment(written: str) -> datetime:
    """`2026-10-05 14:00` in Guangdong."""
    return datetime.fromisoformat(written).replace(tzinfo=SHANGHAI).astimezone(UTC)


def after_grace(period: Period) -> datetime:
    """The first instant at which a period's bill may be issued."""
    return billing.final_at(period)


def closed(period: Period, *, later: timedelta = timedelta(0)) -> billing.Report:
    """Close the month; it must not fail."""
    report = billing.close_due(after_grace(period) + later)
    assert not report.failures, str(report)
    return report


def an_issued_bill(organization: Organization, period: Period = OCTOBER) -> Bill:
    """The organization's bill of the month, drawn up and issued at once right after the days of grace, as the month close does."""
    report = billing.Report()
    close_together([organization.id], period, Hour(after_grace(period)), report)
    assert not report.failures, str(report)
    bill = billing.bill_for(organization, period)
    assert bill is not None, "nothing to bill"
    return bill


def amounts(bill: Bill) -> list[tuple[str, str | None, int]]:
    """(charge, quantity, fen) of every line."""
    return [(line.label["charge_zh"], None if line.quantity is None else f"{line.quantity:f}", line.gross_fen) for line in bill.lines]


def buyer(subscription: Subscription) -> Organization:
    """Whose subscription it is."""
    return db.session.get_one(Organization, subscription.organization_id)
