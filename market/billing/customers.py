"""What a provider's customers come to, in a number of questions that does not grow with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select

from market import db
from market.billing.drafts import draw_up_some
from market.billing.models import Bill, BillLine, BillStatus
from market.billing.periods import period_of
from market.kit.period import Period
from market.subscriptions import Subscription


def so_far(subscribed: Iterable[Subscription], *, cutoff: datetime) -> Mapping[int, int]:
    """What each comes to in the running month of its firm: the month's fees, and usage until `cutoff`.

    Firm, plan with charges and meters, and revision are loaded. Firms whose months begin on the same day are
    asked for together.
    """
    by_month: dict[Period, list[Subscription]] = defaultdict(list)
    for one in subscribed:
        by_month[period_of(one.organization, cutoff)].append(one)
    totals: dict[int, int] = defaultdict(int)
    for month, some in by_month.items():
        for line in draw_up_some(some, month, cutoff=cutoff):
            totals[line.subscription_id] += line.gross_fen
    return totals


def last_billed(ids: Collection[int]) -> Mapping[int, int]:
    """What each of these subscriptions came to on the last bill issued with it."""
    issued = (BillLine.subscription_id.in_(ids), Bill.status != BillStatus.DRAFT)
    lines = select(
        BillLine.subscription_id, Bill.period_start, func.sum(BillLine.gross_fen).label("fen")
    ).join(BillLine.bill)
    lines = lines.where(*issued).group_by(BillLine.subscription_id, Bill.period_start)
    rows = db.session.execute(lines.order_by(Bill.period_start))
    return {subscription_id: int(fen) for subscription_id, _start, fen in rows}
