"""Credit notes for tests.

    a_note(an_open_bill("150.00"), Amount(5000))        a small one, issued at once
    a_credit(bill, Whole())                             a proposal; a large one waits
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from market import billing
from market.accounts import User
from market.billing import Bill, credit_notes
from market.billing.credit_notes import CreditNote, CreditProposal, CreditReason
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import OCTOBER, an_issued_bill, buyer, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription

NOON = moment("2026-11-06 12:00")

_numbers = count(1)


def an_open_bill(monthly: str = "150.00") -> Bill:
    """October's bill of one fee, to be paid."""
    return an_issued_bill(buyer(a_subscription(a_plan(monthly=monthly))), OCTOBER)


def paid(bill: Bill, *, at: datetime = NOON) -> Bill:
    """The same, paid in full."""
    billing.receive(bill, bill.owed_fen, by=an_actor(), at=at)
    return bill


def a_credit(
    bill: Bill, what: credit_notes.What, *, user: User | None = None, key: str = "", at: datetime = NOON, **changes: Any
) -> CreditProposal:
    """What an administrator wants to give back, by the real verb."""
    user = user or an_administrator()
    said = {"reason": CreditReason.AGREED, "note": "客户没用上，双方商定"} | changes
    return credit_notes.credit(bill, what, request_key=key or f"credit-{next(_numbers)}", user=user, by=an_actor(user), at=at, **said)


def a_note(bill: Bill, what: credit_notes.What, *, at: datetime = NOON, **changes: Any) -> CreditNote:
    """A credit that two people have agreed to, if two are needed."""
    proposal = a_credit(bill, what, at=at, **changes)
    if proposal.credit_note is None:
        other = an_administrator()
        return credit_notes.approve(proposal, user=other, by=an_actor(other), at=at)
    return proposal.credit_note
