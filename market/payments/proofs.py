"""What a buyer sends in to show that she has paid: her bank's slip, as a picture or PDF."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import audit, db, documents
from market.accounts import User
from market.audit import Actor
from market.errors import NotFound, Refused
from market.payments.models import Payment, PaymentProof
from market.payments.queries import OPEN
from market.payments.refusals import NotAwaited

MOST_PROOFS = 5


class TooManyProofs(Refused):
    """So many slips belong to no transfer."""

    code = "too_many_proofs"
    message = "一笔付款最多上传 %(most)s 份凭证。"


def add_proof(payment: Payment, *, filename: str, data: bytes, user: User, by: Actor, at: datetime) -> PaymentProof:
    """Keep a slip for the administrators to look at. Raises NotAwaited, TooManyProofs, documents.Unusable."""
    db.session.refresh(payment, attribute_names=["status", "version"], with_for_update=True)
    if payment.status not in OPEN:
        raise NotAwaited
    if (db.session.scalar(select(func.count()).where(PaymentProof.payment_id == payment.id)) or 0) >= MOST_PROOFS:
        raise TooManyProofs(most=MOST_PROOFS)
    organization_id = payment.organization_id
    document = documents.store(organization_id, filename=filename, data=data, by=by, at=at)
    db.session.flush()
    proof = PaymentProof(payment_id=payment.id, document_id=document.id, added_by_id=user.id, added_at=at)
    db.session.add(proof)
    audit.record("payment.proof_added", payment, by=by, at=at, organization_id=organization_id, after={"sha256": document.sha256})
    return proof


def proofs_of(payment: Payment) -> Sequence[PaymentProof]:
    """The slips of a payment, oldest first, with their files."""
    query = select(PaymentProof).where(PaymentProof.payment_id == payment.id).options(joinedload(PaymentProof.document))
    return db.session.scalars(query.order_by(PaymentProof.id)).all()


def proof_of(payment: Payment, id: int) -> PaymentProof:
    """One of them. Raises NotFound for another payment's."""
    found = next((proof for proof in proofs_of(payment) if proof.id == id), None)
    if found is None:
        raise NotFound
    return found
