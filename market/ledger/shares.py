"""How paid sales are shared: the rate now, and what of paid bills stands in the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import func, select

from market import db, resources
from market.ledger.entries import Share
from market.ledger.models import AccountKind, LedgerAccount, Posting

_SHARES = (AccountKind.PAYABLE, AccountKind.COMMISSION)


def rate() -> str:
    """The commission's part of what is shared now, as decimal text; it is kept with each posting."""
    return resources.settings.commission_rate


def of_bills(bill_ids: Collection[int]) -> dict[int, dict[int, Share]]:
    """By bill and provider: the rate it was shared at, and what stands."""
    found: dict[int, dict[int, Share]] = defaultdict(lambda: defaultdict(lambda: Share(rate())))
    if not bill_ids:
        return found
    key = Posting.bill_id, LedgerAccount.provider_id, LedgerAccount.kind
    for sign, side in ((1, Posting.credit_id), (-1, Posting.debit_id)):
        query = select(*key, func.max(Posting.rate), func.sum(Posting.amount_fen)).join(LedgerAccount, LedgerAccount.id == side)
        query = query.where(Posting.bill_id.in_(bill_ids), LedgerAccount.kind.in_(_SHARES)).group_by(*key)
        for bill_id, provider_id, kind, rate_, fen in db.session.execute(query):
            share = found[bill_id or 0][provider_id or 0]
            share.rate = rate_ or share.rate
            if kind is AccountKind.PAYABLE:
                share.payable += sign * int(fen)
            else:
                share.commission += sign * int(fen)
    return found
