"""Balances for tests: money of a buyer's own, and what she was given."""

from __future__ import annotations

from datetime import date, datetime
from itertools import count
from typing import Any

from market import payments
from market.accounts import Organization, User
from market.billing import Bill, credit_notes
from market.billing.credit_notes import BalanceEntry, BalanceGrant, GrantReason
from market.kit.period import local_day
from tests.builders.accounts import an_actor, an_administrator
from tests.builders.billing import moment

NOON = moment("2026-11-06 12:00")
_numbers = count(1)


def a_deposit(organization: Organization, fen: int = 10000, *, at: datetime = NOON) -> BalanceEntry:
    """Money of her own that came in beyond what bills asked for."""
    return credit_notes.deposit(organization, fen, by=an_actor(), at=at)


def a_grant(organization: Organization, fen: int = 10000, until: str = "2026-12-31", *, user: User | None = None, **changes: Any) -> BalanceGrant:
    """What she was given to spend, by one person where that is enough."""
    user = user or an_administrator()
    said: dict[str, Any] = {"reason": GrantReason.PROMOTION, "note": "开业促销", "at": NOON} | changes
    key = said.pop("request_key", f"grant-{next(_numbers)}")
    return credit_notes.grant(
        organization, fen, expires_on=date.fromisoformat(until), request_key=key, user=user, by=an_actor(user), **said
    )


def transferred(bill: Bill, fen: int | None = None, *, at: datetime = NOON) -> Bill:
    """A bill for which money has come by bank, all that it asks for if nothing else is said."""
    user = an_administrator()
    payments.confirm_arrival(
        payments.start(bill, by=an_actor(), at=at), amount_fen=fen or bill.owed_fen, payer_name="示例企业有限公司", partial=True, surplus=True,
        bank_reference=f"transfer-{next(_numbers)}", arrived_on=local_day(at), user=user, by=an_actor(user), at=at,
    )  # fmt: skip
    return bill
