"""Saved cards: kept when a payment said so, charged when nobody is there, taken away by the firm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from market import audit, db
from market.accounts import Organization
from market.audit import Actor
from market.errors import NotFound
from market.payments import stripe_gateway
from market.payments.found import FoundCard
from market.payments.models import Dispute, DisputeStatus, Payment, SavedCard


def saved_cards(organization: Organization) -> Sequence[SavedCard]:
    """A firm's cards, the newest first."""
    query = select(SavedCard).where(SavedCard.organization_id == organization.id, SavedCard.removed_at.is_(None))
    return db.session.scalars(query.order_by(SavedCard.id.desc())).all()


def chargeable(organization: Organization) -> Sequence[SavedCard]:
    """Those that may be charged while nobody is there: after a dispute only what was saved since. A holder who has objected
    to a payment is not charged again without being asked, and which card it was the first payment does not say."""
    objected = select(func.max(Dispute.opened_at)).join(Dispute.payment)
    objected = objected.where(Payment.organization_id == organization.id, Dispute.status != DisputeStatus.WON)
    last = db.session.scalar(objected)
    return [card for card in saved_cards(organization) if last is None or card.saved_at > last]


def card_of(organization: Organization, id: int) -> SavedCard:
    """One of them. Raises NotFound for another firm's, or one that was taken away."""
    found = next((card for card in saved_cards(organization) if card.id == id), None)
    if found is None:
        raise NotFound
    return found


def keep(organization_id: int, found: FoundCard, *, by: Actor, at: datetime) -> SavedCard:
    """Note a card that the gateway keeps for the firm."""
    known = db.session.scalar(select(SavedCard).where(SavedCard.gateway_reference == found.reference))
    if known is not None:
        return known
    card = SavedCard(
        organization_id=organization_id, gateway_reference=found.reference, brand=found.brand, last4=found.last4,
        exp_month=found.exp_month, exp_year=found.exp_year, saved_at=at,
    )  # fmt: skip
    db.session.add(card)
    audit.record("card.saved", card, by=by, at=at, organization_id=organization_id, after={"card": str(card)})
    return card


def remove_card(card: SavedCard, *, by: Actor, at: datetime) -> None:
    """Charge it no more; the gateway lets go of it after the commit."""
    db.lock(card)
    if card.removed_at is not None:
        return
    card.removed_at = at
    audit.record("card.removed", card, by=by, at=at, organization_id=card.organization_id, after={"card": str(card)})
    db.on_commit(lambda: forget(card.id, at=at))


def forget(id: int, *, at: datetime) -> None:
    """Have the gateway let go of a card that was taken away."""
    with db.transaction(readonly=True):
        reference = db.session.get_one(SavedCard, id).gateway_reference
    stripe_gateway.forget_card(reference)
    with db.transaction():
        db.session.get_one(SavedCard, id).forgotten_at = at


def to_forget() -> Sequence[int]:
    """Cards that the gateway still keeps although the firm took them away."""
    return db.session.scalars(select(SavedCard.id).where(SavedCard.removed_at.is_not(None), SavedCard.forgotten_at.is_(None))).all()
