"""Ledger: double-entry books of everything that bills, payments, credit notes, balances and refunds move.

Owns        accounts and postings; how a paid sale is shared between provider and marketplace.
Not here    the documents themselves (billing, payments), which announce what happens; statements and payouts.
Invariants  a posting has both sides in one row, so the books are never out of balance; rows are only added; one fact
            is posted once, in its own transaction; the commission of a bill and provider is the rounded part of what
            stands of the sale, however often it was credited.
"""

from market.ledger.hearing import listen
from market.ledger.models import DEBIT, AccountKind, Event, LedgerAccount, Posting
from market.ledger.posting import post_due
from market.ledger.queries import (
    KindTotal,
    account_by_id,
    accounts,
    after_each,
    postings,
    stands_at,
    sums,
    totals,
)
from market.ledger.verification import LedgerDifference, checks, verify

__all__ = [
    "DEBIT",
    "AccountKind",
    "Event",
    "KindTotal",
    "LedgerAccount",
    "LedgerDifference",
    "Posting",
    "account_by_id",
    "accounts",
    "after_each",
    "checks",
    "listen",
    "post_due",
    "postings",
    "stands_at",
    "sums",
    "totals",
    "verify",
]
