"""Red letters 红字发票: a fapiao is taken back as a whole or in part, for a credit note or for its own mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists as exists_
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from market import audit, db
from market.billing.credit_notes.models import CreditNote, CreditNoteLine, CreditReason
from market.billing.fapiao import amounts, asking, deadlines, issuing, papers
from market.billing.fapiao.amounts import Sum
from market.billing.fapiao.models import (
    LIFECYCLE,
    OPEN,
    Fapiao,
    FapiaoRequest,
    FapiaoStatus,
    RedReason,
    RefusalReason,
)
from market.billing.fapiao.papers import Paper
from market.billing.fapiao.signals import fapiao_amount_changed, red_recorded, red_wanted, reds_recorded
from market.errors import Invalid, Refused

#: What the tax office calls the reasons of credit notes.
RED_REASONS = {
    CreditReason.USAGE_CORRECTED: RedReason.WRONG,
    CreditReason.WRONG_USAGE: RedReason.WRONG,
    CreditReason.WRONG_PRICE: RedReason.WRONG,
    CreditReason.PREPAID_UNUSED: RedReason.ENDED,
    CreditReason.NOT_DELIVERED: RedReason.ENDED,
    CreditReason.SERVICE_LEVEL: RedReason.ALLOWANCE,
    CreditReason.AGREED: RedReason.ALLOWANCE,
    CreditReason.OTHER: RedReason.ALLOWANCE,
}
#: Requests whose amount a credit note changes, or whose paper it takes back.
_TOUCHED = (*OPEN, FapiaoStatus.ISSUED)


class RedAlready(Refused):
    """The number of this red letter is known."""

    code = "red_fapiao_recorded"
    message = "这张红字发票已经登记过。"


class RedAwaited(Refused):
    """Credit notes wait for red letters of this fapiao; they come first."""

    code = "red_fapiao_awaited"
    message = "有冲减单在等这张发票的红字发票。请先登记那一张。"


class NotIssued(Refused):
    """There is no paper that could be taken back."""

    code = "fapiao_not_issued"
    message = "这张发票还没有开具或已全部红冲。"


def red_for(note: CreditNote, *, by: audit.Actor, at: datetime) -> bool:
    """Whether a credit note has to wait for red letters.

    Called by whoever holds the bill, when the note's lines are stored. Every issued fapiao that it touches gets a
    red letter to be recorded; what is not issued yet is asked for with less.
    """
    parts, waits = _parts(note), False
    for request in _touched(note.bill_id):
        if request.provider_id in parts and request.status is FapiaoStatus.ISSUED:
            _want(request, note, parts[request.provider_id], by=by, at=at)
            waits = True
    follow(note.bill_id, by=by, at=at)
    return waits


def follow(bill_id: int, *, by: audit.Actor, at: datetime) -> None:
    """Let requests that wait say what the bill says now; one of which nothing is left is refused."""
    shares = amounts.shares_of([bill_id])
    for request in _touched(bill_id):
        mine = list(shares.get((bill_id, request.provider_id), ()))
        whole = Sum.of(mine)
        if request.status not in OPEN or whole == Sum(request.gross_fen, request.net_fen, request.tax_fen):
            continue
        before = {"gross_fen": request.gross_fen}
        asking.state(request, mine if asking.can_be_asked(mine) else [])
        audit.record(
            "fapiao.amount_changed", request, by=by, at=at, organization_id=request.organization_id,
            before=before, after={"gross_fen": request.gross_fen},
        )  # fmt: skip
        if request.gross_fen:
            fapiao_amount_changed.send(request, before_fen=before["gross_fen"], at=at)
        else:
            issuing.turn_down(request, reason=RefusalReason.CREDITED, words="", by=by, at=at)


def exists(bill_id: int) -> bool:
    """Whether a fapiao of this bill is asked for or stands: such a bill cannot become void."""
    return bool(
        db.session.scalar(
            select(exists_().where(FapiaoRequest.bill_id == bill_id, FapiaoRequest.status.in_(_TOUCHED)))
        )
    )


def record_red(red: Fapiao, paper: Paper, *, by: audit.Actor, at: datetime) -> None:
    """The number of a red letter that a credit note waits for; `red.request` is loaded with its papers.

    With the last one the note goes on. Raises RedAlready, and Invalid with everything that does not fit.
    """
    request = red.request
    db.lock(request)
    db.lock(red)
    if red.number is not None:
        raise RedAlready
    _check(request, paper, red.gross_fen, at)
    _fill(red, request, paper, by=by, at=at)
    _recorded(red, request, by=by, at=at)
    if red.credit_note_id is not None and not _missing(red.credit_note_id):
        reds_recorded.send(red.credit_note_id, by=by, at=at)


def take_back(
    request: FapiaoRequest, paper: Paper, *, words: str, by: audit.Actor, at: datetime
) -> Fapiao:
    """The provider took back what is left of a wrong fapiao; the buyer may ask anew.

    Raises NotIssued, RedAwaited, and Invalid with everything that does not fit.
    """
    db.lock(request)
    if request.status is not FapiaoStatus.ISSUED:
        raise NotIssued
    if request.awaited:
        raise RedAwaited
    if not words.strip():
        raise Invalid(fields={"explanation": "写明为什么红冲，客户会原样看到。"})
    left = _left(request)
    _check(request, paper, left.gross_fen, at)
    red = _red(request, left, reason=RedReason.WRONG, words=" ".join(words.split()), note_id=None, at=at)
    _fill(red, request, paper, by=by, at=at)
    db.session.add(red)
    _recorded(red, request, by=by, at=at)
    return red


def _touched(bill_id: int) -> Sequence[FapiaoRequest]:
    """Held in one order, so that nobody waits for anybody who waits for her."""
    query = select(FapiaoRequest).where(FapiaoRequest.bill_id == bill_id, FapiaoRequest.status.in_(_TOUCHED))
    loads = (joinedload(FapiaoRequest.bill), joinedload(FapiaoRequest.provider), selectinload(FapiaoRequest.papers))
    found = db.session.scalars(query.options(*loads).order_by(FapiaoRequest.id)).all()
    for request in found:
        db.lock(request)
    return [request for request in found if request.status in _TOUCHED]


def _parts(note: CreditNote) -> dict[int, Sum]:
    """What the note takes of each provider."""
    query = select(CreditNoteLine).where(CreditNoteLine.credit_note_id == note.id)
    lines: dict[int, list[CreditNoteLine]] = {}
    for line in db.session.scalars(query):
        lines.setdefault(line.provider_id, []).append(line)
    return {provider_id: Sum.of(each) for provider_id, each in lines.items()}


def _want(request: FapiaoRequest, note: CreditNote, whole: Sum, *, by: audit.Actor, at: datetime) -> None:
    red = _red(request, whole, reason=RED_REASONS[note.reason], words=note.note, note_id=note.id, at=at)
    db.session.add(red)
    audit.record(
        "fapiao.red_wanted", request, by=by, at=at, reason=note.note, organization_id=request.organization_id,
        after={"credit_note": note.number, "gross_fen": whole.gross_fen},
    )  # fmt: skip
    red_wanted.send(red, request=request, at=at)


def _red(
    request: FapiaoRequest, whole: Sum, *, reason: RedReason, words: str, note_id: int | None, at: datetime
) -> Fapiao:
    return Fapiao(
        request_id=request.id, red=True, red_reason=reason, words=words, credit_note_id=note_id, asked_at=at,
        due_on=deadlines.due_on(at), gross_fen=whole.gross_fen, net_fen=whole.net_fen, tax_fen=whole.tax_fen,
    )  # fmt: skip


def _check(request: FapiaoRequest, paper: Paper, amount_fen: int, at: datetime) -> None:
    """Nothing is taken back before it was given."""
    blue = request.blue
    since = blue.issued_on if blue and blue.issued_on else request.bill.period.first_day
    papers.check(paper, amount_fen=amount_fen, since=since, at=at, needs_file=False)


def _fill(red: Fapiao, request: FapiaoRequest, paper: Paper, *, by: audit.Actor, at: datetime) -> None:
    document = papers.keep(paper, request.provider.organization_id, by=by, at=at)
    db.session.flush()
    red.number, red.issued_on = paper.plain_number, paper.issued_on
    red.document_id = document.id if document else None
    red.recorded_at, red.recorded_by_id = at, by.user_id


def _recorded(red: Fapiao, request: FapiaoRequest, *, by: audit.Actor, at: datetime) -> None:
    """Say so, and what became of the fapiao: with nothing left it is red."""
    db.session.flush()
    db.session.refresh(request, attribute_names=["papers"])
    if not _left(request).gross_fen:
        LIFECYCLE.move(request, FapiaoStatus.RED)
        request.closed_at = at
    audit.record(
        "fapiao.red_recorded", request, by=by, at=at, reason=red.words, organization_id=request.organization_id,
        after={"fapiao_number": red.number, "issued_on": str(red.issued_on), "gross_fen": red.gross_fen},
    )  # fmt: skip
    red_recorded.send(red, request=request, at=at)


def _left(request: FapiaoRequest) -> Sum:
    """What the fapiao says after its recorded red letters."""
    told = [red for red in request.reds if red.number]
    gross, net, tax = (
        getattr(request, name) - sum(getattr(red, name) for red in told) for name in ("gross_fen", "net_fen", "tax_fen")
    )
    return Sum(gross, net, tax)


def _missing(note_id: int) -> int:
    missing = select(func.count()).where(Fapiao.credit_note_id == note_id, Fapiao.number.is_(None))
    return db.session.scalar(missing) or 0
