"""A look at what Stripe tells by news alone: disputes, refunds made in its own pages, and refunds that a bank sent back.

A site that takes no news learns of them so, and one that has lost a piece of it too. What is found goes the way of all
news: it is stored, unique by what it says, and the inbox asks about it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from market import db
from market.payments import inbox, refunding, stripe_gateway
from market.payments.disputing import ONLY_ASKED
from market.payments.found import FoundDispute, FoundRefund, News, Unknown
from market.payments.models import Dispute, DisputeStatus, GatewayEvent, GatewayRefundStatus, Payment, Refund

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
        for dispute in _undisputed([one for one in disputes if one.intent_id in ours]):
            _tell("charge.dispute.updated", dispute.reference, dispute.status, dispute.opened_at, now)
        for refund in _unbooked([one for one in refunds if one.reference and one.intent_id in ours]):
            _tell("refund.updated", str(refund.reference), refund.state.value, refund.made_at or now, now)


def _dispute(reference: str) -> FoundDispute | None:
    try:
        return stripe_gateway.dispute(reference)
    except Unknown:
        return None


def _tell(kind: str, about: str, status: str, happened_at: datetime, now: datetime) -> None:
    inbox.keep(News(f"look_{about}_{status}", kind, about, happened_at), "{}", at=now)


def _ours(intents: Collection[str]) -> set[str | None]:
    return set(db.session.scalars(select(Payment.intent_id).where(Payment.intent_id.in_(intents))))


def _undisputed(found: Sequence[FoundDispute]) -> list[FoundDispute]:
    """Those of which the books do not say the same."""
    query = select(Dispute.gateway_reference, Dispute.status).where(Dispute.gateway_reference.in_([one.reference for one in found]))
    known = {reference: status for reference, status in db.session.execute(query)}
    return [one for one in found if one.status not in ONLY_ASKED and known.get(one.reference) != _standing(one)]


def _standing(found: FoundDispute) -> DisputeStatus:
    decided = found.status in (DisputeStatus.WON, DisputeStatus.LOST)
    return DisputeStatus(found.status) if decided else DisputeStatus.OPEN


def _unbooked(found: Sequence[FoundRefund]) -> list[FoundRefund]:
    """Those of which the books do not say the same, and of what is in no book those that nobody has told of."""
    names = [str(one.reference) for one in found]
    query = select(Refund.gateway_reference, Refund.status).where(Refund.gateway_reference.in_(names))
    known = {reference: status for reference, status in db.session.execute(query)}
    told = set(db.session.scalars(select(GatewayEvent.about).where(GatewayEvent.about.in_(names))))
    return [one for one in found if not (_agrees(one, known[one.reference]) if one.reference in known else one.reference in told)]


def _agrees(found: FoundRefund, known: GatewayRefundStatus) -> bool:
    says = refunding.status_of(found)
    return known is says or {known, says} <= refunding.UNDER_WAY
