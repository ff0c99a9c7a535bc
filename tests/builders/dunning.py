"""Bills that are not paid.

    bill = an_unpaid_bill()                      October's, due on Thursday 19 November 2026
    bill = an_unpaid_bill_of_people()            the same, with zh@example.com and en@example.com to pay it
    sweep("2026-12-03 10:00")                    what the worker does then
    keys(bill)                                   the steps taken, in order
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import db, dunning
from market.accounts.models import Organization, Role
from market.billing import Bill
from market.dunning import Outcome, Step
from tests.builders.accounts import a_member, a_user
from tests.builders.billing import OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription

#: The last day for paying it.
DUE = moment("2026-11-19 10:00")


def an_unpaid_bill(monthly: str = "150.00", *, organization: Organization | None = None) -> Bill:
    """Of one subscription."""
    subscription = a_subscription(a_plan(monthly=monthly), organization=organization)
    return an_issued_bill(buyer(subscription), OCTOBER)


def an_unpaid_bill_of_people() -> Bill:
    """Of a firm with two who pay, one of whom reads English."""
    bill = an_unpaid_bill()
    firm = db.session.get_one(Organization, bill.organization_id)
    a_member(firm, Role.FINANCE, user=a_user(email="zh@example.com"))
    a_member(firm, Role.FINANCE, user=a_user(email="en@example.com", locale="en"))
    return bill


def sweep(*times: str | datetime) -> int:
    """The worker's look, once at each time."""
    return sum(dunning.run(moment(at) if isinstance(at, str) else at) for at in times)


def keys(bill: Bill) -> list[str]:
    """What was really taken, in order."""
    return [step.key for step in steps(bill) if step.outcome is not Outcome.OVERTAKEN]


def steps(bill: Bill) -> list[Step]:
    """All rows, in order."""
    return [*db.session.scalars(select(Step).where(Step.bill_id == bill.id).order_by(Step.id))]
