"""Money that went out: a line of the bank's statement and the refund that it is, found by the bank's own number.

Nobody pays by a line: a person registers the refund, with the line's number where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, select

from market import db
from market.accounts.models import Organization, User
from market.audit import Actor
from market.billing import credit_notes
from market.billing.credit_notes import RefundRequest, RefundStatus
from market.payments.statements.entries import payer_key
from market.payments.statements.models import BankLine, BankStatement, PayerName

#: Whoever registers a transfer out takes turns.
OUTGOING = "transfers out"


def reference_of(line: BankLine) -> str:
    """The bank's number, or ours where the bank gave none."""
    return line.reference or f"line-{line.id}"


def match_refunds(statement: BankStatement) -> None:
    """The lines of a file that are refunds which were registered before it came."""
    lines = db.session.scalars(_outgoing().where(BankLine.statement_id == statement.id, BankLine.reference != "")).all()
    query = select(RefundRequest).where(
        RefundRequest.status == RefundStatus.SUCCEEDED, RefundRequest.bank_reference.in_([line.reference for line in lines])
    )
    paid = {request.bank_reference: request for request in db.session.scalars(query)} if lines else {}
    for line in lines:
        request = paid.get(line.reference)
        if request is not None and request.amount_fen == -line.amount_fen and line_of(request) is None:
            line.refund_request_id = request.id
            db.session.flush()


def pay_refund(request: RefundRequest, *, bank_reference: str, paid_on: date, user: User, by: Actor, at: datetime) -> None:
    """Register a refund by the bank, with its line. One transfer out is one: a refund, or something sent back.

    Raises what `credit_notes.pay` does.
    """
    db.serialize(OUTGOING)
    if sent_back(bank_reference.strip()):
        raise credit_notes.RefundReferenceTaken(field="bank_reference", reference=bank_reference)
    credit_notes.pay(request, bank_reference=bank_reference, paid_on=paid_on, user=user, by=by, at=at)
    note_refund(request)


def sent_back(reference: str) -> bool:
    """Whether money that had come was returned under this number of the bank's."""
    return db.session.scalar(select(BankLine.id).where(BankLine.return_reference == reference)) is not None


def refunded(reference: str) -> bool:
    """Whether a refund was paid under it."""
    return db.session.scalar(select(RefundRequest.id).where(RefundRequest.bank_reference == reference)) is not None


def note_refund(request: RefundRequest) -> BankLine | None:
    """A refund that was just registered: its line, where the bank's file came first."""
    if request.status is not RefundStatus.SUCCEEDED or request.bank_reference is None:
        return None
    for line in lines_for(request):
        if reference_of(line) == request.bank_reference:
            line.refund_request_id = request.id
            db.session.flush()
            return line
    return None


def lines_for(request: RefundRequest) -> Sequence[BankLine]:
    """What went out, is nobody's yet, and comes to just as much; under the firm's name first."""
    query = _outgoing().where(BankLine.amount_fen == -request.amount_fen).order_by(BankLine.booked_on.desc(), BankLine.id.desc())
    names = {payer_key(db.session.get_one(Organization, request.organization_id).name)}
    names |= set(db.session.scalars(select(PayerName.key).where(PayerName.organization_id == request.organization_id)))
    found = db.session.scalars(query.limit(20)).all()
    return sorted(found, key=lambda line: payer_key(line.payer_name) not in names)


def line_of(request: RefundRequest) -> BankLine | None:
    """The line that a refund was found on."""
    return db.session.scalar(select(BankLine).where(BankLine.refund_request_id == request.id))


def _outgoing() -> Select[BankLine]:
    return select(BankLine).where(BankLine.amount_fen < 0, BankLine.refund_request_id.is_(None))
