"""Where money is taken from that a payment had brought and that went away again, wherever it has got to meanwhile.

What is left of the balance that it became; the bill that it paid; bills that this balance has paid; then whatever else
of the firm's own money there is. A bill that paid nothing back asks again, with all its ways of paying. What even that
does not cover is a claim beside the bills, collected from the next money that becomes balance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from market import audit, billing, db
from market.accounts.models import Organization
from market.audit import Actor
from market.billing import credit_notes
from market.billing.credit_notes import BalanceEntry, BalanceLot, EntryKind
from market.payments.models import Dispute, Payment

#: Money that comes to a balance from outside it.
_COMES = frozenset({EntryKind.DEPOSIT, EntryKind.CREDIT, EntryKind.RETURNED})


def lot_of(payment: Payment) -> BalanceLot | None:
    """The balance that (part of) a payment became."""
    if payment.balance_entry_id is None:
        return None
    return credit_notes.lots_of([payment.balance_entry_id]).get(payment.balance_entry_id)


def paid_to_bill(payment: Payment) -> int:
    """What of a payment has gone to its bill and stands there."""
    if payment.bill is None:
        return 0
    lot = lot_of(payment)
    return payment.amount_fen - (lot.amount_fen if lot else 0) - billing.reopened_of(payment.bill, payment.id)


def free_spent(payment: Payment, amount_fen: int, *, by: Actor, at: datetime) -> Counter[int]:
    """Have the bills ask again that the balance has paid which a payment became; says what of which lot is balance now."""
    lot, freed = lot_of(payment), Counter[int]()
    for bill, fen in credit_notes.paid_by(lot) if lot else ():
        if (part := min(fen, amount_fen - freed.total())) > 0:
            freed.update(credit_notes.free(bill, part, payment_id=payment.id, lot=lot, by=by, at=at))
    return freed


def gather(payment: Payment, amount_fen: int, *, by: Actor, at: datetime) -> Mapping[int, int]:
    """Have so much of a payment as balance, to go away at once; says in which lots, as far as it matters."""
    lot, parts = lot_of(payment), Counter[int]()
    if lot and lot.rest_fen:
        parts[lot.id] = min(lot.rest_fen, amount_fen)
    if payment.bill is not None and (part := min(amount_fen - parts.total(), paid_to_bill(payment))) > 0:
        parts.update(credit_notes.free(payment.bill, part, payment_id=payment.id, by=by, at=at))
    parts.update(free_spent(payment, amount_fen - parts.total(), by=by, at=at))
    organization = db.session.get_one(Organization, payment.organization_id)
    if (lacking := amount_fen - credit_notes.purchased(organization)) > 0:
        parts.update(credit_notes.claim(organization, lacking, at=at))
    return parts


# --- claims ------------------------------------------------------------------------------


def claims_by_firm() -> Mapping[int, int]:
    """What firms owe beside their bills, by organization."""
    query = select(Payment.organization_id, func.sum(Dispute.claim_fen)).join(Dispute.payment).group_by(Payment.organization_id)
    found = {id: int(fen) for id, fen in db.session.execute(query)}
    for id, fen in credit_notes.beside_bills().items():
        found[id] = found.get(id, 0) + fen
    return {id: fen for id, fen in found.items() if fen}


def claims() -> int:
    """Fen of it all."""
    return sum(claims_by_firm().values())


def claimed(organization: Organization) -> int:
    """What a firm owes beside its bills."""
    lost = select(func.coalesce(func.sum(Dispute.claim_fen), 0)).join(Dispute.payment)
    other = select(func.coalesce(func.sum(BalanceEntry.amount_fen), 0)).where(
        BalanceEntry.organization_id == organization.id, BalanceEntry.kind == EntryKind.APPLIED, BalanceEntry.bill_id.is_(None)
    )
    lost = lost.where(Payment.organization_id == organization.id)
    return int(db.session.scalar(lost) or 0) + int(db.session.scalar(other) or 0)


def _collect(entry: BalanceEntry, *, at: datetime, **_: Any) -> None:
    """Money has come to a balance: what the firm owes beside its bills is paid first."""
    if entry.kind not in _COMES or entry.amount_fen < 0:
        return
    organization = db.session.get_one(Organization, entry.organization_id)
    if owed := claimed(organization):
        fen = credit_notes.collect(organization, owed, at=at)
        audit.record(
            "claim.collected", organization, by=audit.system("payments", organization_id=organization.id), at=at,
            organization_id=organization.id, after={"amount_fen": fen, "left_fen": owed - fen},
        )  # fmt: skip


# Part of taking money in itself, not news for somebody else: whoever has a claim collects it.
credit_notes.balance_moved.connect(_collect)
