"""A look at what Stripe tells by news alone: disputes, refunds made in its own pages, and refunds that a bank sent back.

A site that takes no news learns of them so, and one that has lost a piece of it too. What is found goes the way of all
news: it is stored, unique by what it says, and the inbox asks about it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select

from market import db
from market.payments import inbox, refunding, stripe_gateway
from market.payments.disputing import ONLY_ASKED
from market.payments.found import FoundDispute, FoundRefund, News, Unknown
from market.payments.models import Dispute, DisputeStatus, GatewayEvent, Payment, Refund

#: What began so long ago was seen by an earlier look; a dispute that is open is asked about until it is decided.
_BACK = timedelta(days=7)


@stripe_gateway.patiently
def look(now: datetime) -> None:
    """Have the inbox handle what is not in the books yet."""
    if not stripe_gateway.ready():
        return
    with db.transaction(readonly=True):
        open_ = db.session.scalars(select(Dispute.gateway_reference).where(Dispute.status == DisputeStatus.OPEN)).all()
    disputes = stripe_gateway.disputes_since(now - _BACK)
    seen = {one.reference for one in disputes}
    disputes += [found for reference in open_ if reference not in seen and (found := _dispute(reference)) is not None]
    refunds = stripe_gateway.refunds_since(now - _BACK)
    with db.transaction():
        ours = _ours({one.intent_id for one in disputes} | {one.intent_id for one in refunds})
        for dispute in disputes:
            if dispute.intent_id in ours and not _disputed(dispute):
                _tell("charge.dispute.updated", dispute.reference, dispute.status, dispute.opened_at, now)
        for refund in refunds:
            if refund.reference and refund.intent_id in ours and not _refunded(refund):
                _tell("refund.updated", refund.reference, refund.state.value, refund.made_at or now, now)


def _dispute(reference: str) -> FoundDispute | None:
    try:
        return stripe_gateway.dispute(reference)
    except Unknown:
        return None


def _tell(kind: str, about: str, status: str, happened_at: datetime, now: datetime) -> None:
    inbox.keep(News(f"look_{about}_{status}", kind, about, happened_at), "{}", at=now)


def _ours(intents: Collection[str]) -> set[str | None]:
    return set(db.session.scalars(select(Payment.intent_id).where(Payment.intent_id.in_(intents))))


def _disputed(found: FoundDispute) -> bool:
    """Whether the books say the same."""
    known = db.session.scalar(select(Dispute.status).where(Dispute.gateway_reference == found.reference))
    decided = found.status in (DisputeStatus.WON, DisputeStatus.LOST)
    return found.status in ONLY_ASKED or (known is not None and known == (found.status if decided else DisputeStatus.OPEN))


def _refunded(found: FoundRefund) -> bool:
    """Whether the books say the same; of what is in no book, whether it was told of already."""
    known, says = db.session.scalar(select(Refund.status).where(Refund.gateway_reference == found.reference)), refunding.status_of(found)
    if known is not None:
        return known is says or {known, says} <= refunding.UNDER_WAY
    return db.session.scalar(select(GatewayEvent.id).where(GatewayEvent.about == found.reference).limit(1)) is not None
