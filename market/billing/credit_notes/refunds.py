"""Money to be paid back: asked for by a credit note or out of the balance, paid by hand, recorded with the bank's reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from market import accounts, audit, db
from market.accounts.models import Organization, User
from market.audit import Actor
from market.billing.credit_notes import balances, lots, settling, signals
from market.billing.credit_notes.models import (
    REFUND_LIFECYCLE,
    CreditNote,
    CreditNoteStatus,
    EntryKind,
    RefundRequest,
    RefundStatus,
)
from market.billing.credit_notes.refusals import (
    CreditInvalid,
    RefundClosed,
    RefundInvalid,
    RefundReferenceTaken,
    RefundWaits,
    TooMuchCredited,
)
from market.billing.models import Bill
from market.kit import money
from market.kit.period import local_day
from market.kit.refusal import Refusal

#: As long as a bank's reference is anywhere else.
_LONGEST_REFERENCE = 64
#: Requests that money may still go out for.
OPEN = frozenset({RefundStatus.PENDING, RefundStatus.FAILED})


def ask(
    organization: Organization,
    amount_fen: int,
    *,
    request_key: str,
    by: Actor,
    at: datetime,
    payment_id: int | None = None,
    parts: Mapping[int, int] | None = None,
    begun: bool = False,
) -> RefundRequest:
    """Ask for (part of) the balance to be paid back, of these lots where it matters; what was given is not.

    `payment_id` is the payment whose money it is, where it can go back that way; where it has `begun` to, nobody is
    asked to pay it. The same key is the same request.
    Raises TooMuchCredited, CreditInvalid.
    """
    accounts.lock(organization.id)
    known = db.session.scalar(select(RefundRequest).where(RefundRequest.request_key == request_key))
    if known is not None and known.organization_id == organization.id:
        return known
    check_amount(organization, amount_fen)
    request = RefundRequest(
        organization_id=organization.id, amount_fen=amount_fen, request_key=request_key, asked_at=at, failure="",
        status=REFUND_LIFECYCLE.initial, payment_id=payment_id,
    )  # fmt: skip
    db.session.add(request)
    db.session.flush()
    balances.add(organization.id, -amount_fen, EntryKind.REFUND, at=at, parts=parts, refund_request_id=request.id)
    audit.record("refund_request.asked", request, by=by, at=at, organization_id=organization.id, after={"amount_fen": amount_fen})
    settling.settle_used(organization.id, at=at)
    if not begun:
        signals.refund_asked.send(request, at=at)
    return request


def check_amount(organization: Organization, amount_fen: int) -> None:
    """Whether so much can be asked back. Raises TooMuchCredited, CreditInvalid."""
    if amount_fen <= 0:
        raise CreditInvalid(fields={"amount_fen": "金额须大于 0"})
    has = lots.purchased(organization)
    if amount_fen > has:
        raise TooMuchCredited("能退的余额只有 ¥%(left)s。请改小金额。", field="amount_fen", left=money.text(has))


def pay(request: RefundRequest, *, bank_reference: str, paid_on: date, user: User, by: Actor, at: datetime) -> None:
    """Record that the bank has taken it. The same reference again is the same news.

    Raises RefundClosed, RefundWaits, RefundInvalid, RefundReferenceTaken.
    """
    bank_reference = bank_reference.strip()
    _check(request, bank_reference, paid_on, at)
    lock(request)
    if request.status is RefundStatus.SUCCEEDED and request.bank_reference == bank_reference:
        return
    if request.status not in OPEN:
        raise RefundClosed
    if held_back(request):
        raise RefundWaits
    if db.session.scalar(select(RefundRequest.id).where(RefundRequest.bank_reference == bank_reference)):
        raise RefundReferenceTaken(field="bank_reference", reference=bank_reference)
    if request.status is RefundStatus.FAILED:
        REFUND_LIFECYCLE.move(request, RefundStatus.PENDING)
    try:
        with db.session.begin_nested():
            REFUND_LIFECYCLE.move(request, RefundStatus.SUCCEEDED)
            request.bank_reference, request.paid_on, request.failure = bank_reference, paid_on, ""
            request.settled_by_id, request.settled_at = user.id, at
    except IntegrityError as error:
        raise RefundReferenceTaken(field="bank_reference", reference=bank_reference) from error
    _tell(request, "refund_request.paid", by, at, bank_reference=bank_reference)
    settle(request, at)
    signals.refund_settled.send(request, at=at)


def fail(request: RefundRequest, *, failure: str, user: User, by: Actor, at: datetime) -> None:
    """Record that the bank has not taken it, and why. Raises RefundClosed, RefundInvalid without a reason."""
    failure = " ".join(failure.split()).replace("\0", "")[:500]
    if not failure:
        raise RefundInvalid(fields={"failure": "写明银行为什么没有办成，客户会看到"})
    lock(request)
    if request.status is not RefundStatus.PENDING:
        raise RefundClosed
    REFUND_LIFECYCLE.move(request, RefundStatus.FAILED)
    request.failure, request.settled_by_id, request.settled_at = failure, user.id, at
    _tell(request, "refund_request.failed", by, at, reason=failure)
    signals.refund_settled.send(request, at=at)


def retry(request: RefundRequest, *, by: Actor, at: datetime) -> None:
    """Try once more what the bank has not taken. Raises RefundClosed."""
    lock(request)
    if request.status is not RefundStatus.FAILED:
        raise RefundClosed
    REFUND_LIFECYCLE.move(request, RefundStatus.PENDING)
    _tell(request, "refund_request.retried", by, at)


def call_off(request: RefundRequest, *, by: Actor, at: datetime) -> None:
    """It will not be paid back: it is balance (again). Raises RefundClosed."""
    lock(request)
    if request.status not in OPEN:
        raise RefundClosed
    _cancel(request, by, at)
    balances.add(
        request.organization_id, request.amount_fen, EntryKind.RETURNED, at=at,
        parts=lots.moved_by(EntryKind.REFUND, refund_request_id=request.id),
        refund_request_id=request.id, credit_note_id=request.credit_note_id,
    )  # fmt: skip
    settle(request, at)


def drop(note: CreditNote, *, by: Actor, at: datetime) -> None:
    """A note that is voided takes its refund along."""
    request = of_note(note)
    if request is not None and request.status in OPEN:
        db.lock(request)
        _cancel(request, by, at)


def held_back(request: RefundRequest) -> bool:
    """Whether the red fapiao has to be there first."""
    if request.credit_note_id is None:
        return False
    note = db.session.get_one(CreditNote, request.credit_note_id)
    return note.status is CreditNoteStatus.AWAITING_RED_FAPIAO


def waits(note: CreditNote) -> bool:
    """Whether nobody has paid a note's refund yet."""
    request = of_note(note)
    return request is not None and request.status in OPEN


def of_note(note: CreditNote) -> RefundRequest | None:
    """What a credit note asks to be paid back."""
    return db.session.scalar(select(RefundRequest).where(RefundRequest.credit_note_id == note.id))


def lock(request: RefundRequest) -> None:
    """Two who act on one request take turns; the second sees what the first did."""
    accounts.lock(request.organization_id)
    db.lock(request)


def _cancel(request: RefundRequest, by: Actor, at: datetime) -> None:
    REFUND_LIFECYCLE.move(request, RefundStatus.CANCELED)
    request.settled_at, request.settled_by_id = at, by.user_id
    _tell(request, "refund_request.canceled", by, at)


def settle(request: RefundRequest, at: datetime) -> None:
    """The credit note that it belongs to may be done with."""
    if request.credit_note_id is not None:
        note = db.session.get_one(CreditNote, request.credit_note_id)
        settling.settle_done(db.session.get_one(Bill, note.bill_id), at=at)


def _check(request: RefundRequest, bank_reference: str, paid_on: date, at: datetime) -> None:
    wrong: dict[str, str | Refusal] = {}
    if not bank_reference:
        wrong["bank_reference"] = "填写银行流水号，和银行回单上一致"
    if len(bank_reference) > _LONGEST_REFERENCE:
        wrong["bank_reference"] = "银行流水号太长，最多 64 个字"
    first, last = local_day(request.asked_at), local_day(at)
    if not first <= paid_on <= last:
        wrong["paid_on"] = Refusal("退款日期要在 %(first)s 到 %(last)s 之间", first=first, last=last)
    if wrong:
        raise RefundInvalid(fields=wrong)


def _tell(request: RefundRequest, action: str, by: Actor, at: datetime, *, reason: str = "", bank_reference: str = "") -> None:
    after = {"status": request.status.value, "amount_fen": request.amount_fen}
    audit.record(
        action, request, by=by, at=at, reason=reason, organization_id=request.organization_id,
        after=after | ({"bank_reference": bank_reference} if bank_reference else {}),
    )  # fmt: skip
