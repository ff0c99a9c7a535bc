"""Writing a credit note: its number, its lines, and where the money goes.

What the bill still asks for is taken off first; the rest becomes balance or is to be paid back. Whoever calls holds
the organization (`hold`), so that notes, balances and voids of one buyer take turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from market import accounts, audit, db
from market.audit import Actor
from market.billing import fapiao, numbering
from market.billing.credit_notes import balances, lots, settling, signals, spending
from market.billing.credit_notes.cutting import Standing
from market.billing.credit_notes.limits import CREDITABLE
from market.billing.credit_notes.models import (
    LIFECYCLE,
    CreditNote,
    CreditNoteLine,
    CreditNoteStatus,
    CreditProposal,
    CreditReason,
    Destination,
    EntryKind,
    RefundRequest,
    Source,
)
from market.billing.credit_notes.refusals import NotCreditable, TooMuchCredited
from market.billing.models import DUE, Bill, BillStatus
from market.billing.models import LIFECYCLE as BILL_LIFECYCLE
from market.kit import money


@dataclass(frozen=True)
class Why:
    """What a credit note came from, in a code and in words, and where money goes that was paid already."""

    source: Source
    reason: CreditReason
    note: str = ""
    destination: Destination = Destination.BALANCE
    proposal: CreditProposal | None = None
    #: Whose usage or fee it is about, by the line that gives the money, where that is another line.
    about: Mapping[int, int] = field(default_factory=dict)


def lock(bill: Bill) -> None:
    """Take the bill's organization and then the bill until the transaction ends; the bill's columns are read anew."""
    accounts.lock(bill.organization_id)
    db.lock(bill)


def write(bill: Bill, standing: Standing, cuts: Mapping[int, int], why: Why, *, by: Actor, at: datetime) -> CreditNote:
    """Credit these amounts of a held bill, by line. Raises NotCreditable, TooMuchCredited."""
    if bill.status not in CREDITABLE:
        raise NotCreditable
    if not standing.fits(cuts):
        raise TooMuchCredited(left=money.text(standing.fen))
    from_lots = _from_lots(bill, sum(cuts.values()))
    note = _noted(bill, _lines(standing, cuts, why), why, sum(from_lots.values()), at)
    audit.record(
        "credit_note.issued", note, by=by, at=at, reason=why.note, organization_id=bill.organization_id,
        after={"bill": str(bill), "gross_fen": note.gross_fen, "reason": why.reason.value, "source": why.source.value,
               "offset_fen": note.offset_fen, "balance_fen": note.balance_fen, "refund_fen": note.refund_fen},
    )  # fmt: skip
    if fapiao.red_for(note, by=by, at=at):
        _await_red(note, by, at)
    _lower(bill, note, by, at)
    _give(note, from_lots, by, at)
    settling.settle_done(bill, at=at)
    signals.credit_note_issued.send(note, at=at)
    return note


def _lines(standing: Standing, cuts: Mapping[int, int], why: Why) -> list[CreditNoteLine]:
    found: list[CreditNoteLine] = []
    for piece in standing.pieces:
        fen = cuts.get(piece.line_id, 0)
        if fen:
            net, tax = piece.cut(fen)
            about = why.about.get(piece.line_id, piece.line_id)
            provider_id, rate = piece.group
            found.append(
                CreditNoteLine(
                    position=len(found) + 1, bill_line_id=piece.line_id, about_line_id=about, provider_id=provider_id,
                    tax_rate=rate, gross_fen=fen, net_fen=net, tax_fen=tax,
                )  # fmt: skip
            )
    return found


def _offset(bill: Bill, gross_fen: int) -> int:
    return min(gross_fen, bill.owed_fen) if bill.status in DUE else 0


def _from_lots(bill: Bill, gross_fen: int) -> dict[int, int]:
    """What goes back into the lots that had paid the bill: what money paid is given back first, it was spent last."""
    spent = lots.spent_on(bill)
    if not spent:
        return {}
    before = lots.restored_of(bill)
    money_fen = bill.paid_fen - sum(fen for _, fen in spent) - (bill.returned_fen - sum(before.values()))
    return spending.restored(spent, before, gross_fen - _offset(bill, gross_fen) - max(money_fen, 0))


def _noted(bill: Bill, lines: list[CreditNoteLine], why: Why, from_lots_fen: int, at: datetime) -> CreditNote:
    """A balance that has paid becomes balance again; only money goes back to an account."""
    gross = sum(line.gross_fen for line in lines)
    offset = _offset(bill, gross)
    refund = gross - offset - from_lots_fen if why.destination is Destination.REFUND else 0
    note = CreditNote(
        number=numbering.credit_note_number(at), bill_id=bill.id, organization_id=bill.organization_id,
        status=LIFECYCLE.initial, source=why.source, reason=why.reason, note=why.note, gross_fen=gross,
        net_fen=sum(line.net_fen for line in lines), tax_fen=sum(line.tax_fen for line in lines),
        offset_fen=offset, balance_fen=gross - offset - refund, refund_fen=refund,
        proposal_id=why.proposal.id if why.proposal else None, issued_at=at, void_reason="",
    )  # fmt: skip
    note.bill = bill
    db.session.add(note)
    db.session.flush()
    for line in lines:
        line.credit_note_id = note.id
    db.session.add_all(lines)
    db.session.flush()
    return note


def _await_red(note: CreditNote, by: Actor, at: datetime) -> None:
    before = {"status": note.status.value}
    LIFECYCLE.move(note, CreditNoteStatus.AWAITING_RED_FAPIAO)
    audit.record(
        "credit_note.awaiting_red_fapiao", note, by=by, at=at, organization_id=note.organization_id, before=before,
        after={"status": note.status.value},
    )  # fmt: skip


def _lower(bill: Bill, note: CreditNote, by: Actor, at: datetime) -> None:
    """The bill asks for less, and may thereby be settled."""
    before = {"status": bill.status.value, "credited_fen": bill.credited_fen, "returned_fen": bill.returned_fen}
    bill.credited_fen += note.offset_fen
    bill.returned_fen += note.gross_fen - note.offset_fen
    if bill.status in DUE and not bill.owed_fen:
        BILL_LIFECYCLE.move(bill, BillStatus.PAID)
        bill.paid_at = at
    audit.record(
        "bill.credited", bill, by=by, at=at, organization_id=bill.organization_id, before=before,
        after={"status": bill.status.value, "credited_fen": bill.credited_fen, "returned_fen": bill.returned_fen,
               "credit_note": note.number},
    )  # fmt: skip


def _give(note: CreditNote, from_lots: Mapping[int, int], by: Actor, at: datetime) -> None:
    """What was paid already: to the balance, or a request to pay it back."""
    if note.balance_fen:
        balances.add(note.organization_id, note.balance_fen, EntryKind.CREDIT, at=at, parts=from_lots, credit_note_id=note.id)
    if note.refund_fen:
        request = RefundRequest(
            organization_id=note.organization_id, credit_note_id=note.id, amount_fen=note.refund_fen, asked_at=at, failure=""
        )
        db.session.add(request)
        audit.record(
            "refund_request.asked", request, by=by, at=at, organization_id=note.organization_id,
            after={"amount_fen": note.refund_fen, "credit_note": note.number},
        )  # fmt: skip
        signals.refund_asked.send(request, at=at)
