"""Administrators' credits: who wants to give back what of a bill and why, and who else agreed.

A small one is issued at once. What comes, with all that nobody else has looked at, to more than the threshold waits
for a second person; it is measured again when she agrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from market import audit, db, resources
from market.accounts.models import User
from market.audit import Actor
from market.billing.credit_notes import issuing, signals
from market.billing.credit_notes.cutting import Standing
from market.billing.credit_notes.issuing import Why
from market.billing.credit_notes.limits import CREDITABLE, standing
from market.billing.credit_notes.models import (
    PROPOSAL_LIFECYCLE,
    CreditNote,
    CreditNoteStatus,
    CreditProposal,
    CreditReason,
    Destination,
    ProposalStatus,
    Source,
)
from market.billing.credit_notes.refusals import (
    AlreadyDecided,
    CreditInvalid,
    FourEyes,
    NotCreditable,
    TooMuchCredited,
)
from market.billing.models import Bill
from market.kit import money

#: So long is a note.
NOTE_LIMIT = 500
#: Reasons that a person may give; the others are given by what happens.
REASONS = tuple(each for each in CreditReason if each not in (CreditReason.USAGE_CORRECTED, CreditReason.PREPAID_UNUSED))


@dataclass(frozen=True)
class Whole:
    """All that may still be credited."""


@dataclass(frozen=True)
class Amount:
    """So much over the whole bill, in proportion to what is left of its lines."""

    fen: int


@dataclass(frozen=True)
class Lines:
    """So much of each of these lines, by their ids; None is all that is left of one."""

    fen: Mapping[int, int | None]


What = Whole | Amount | Lines


def credit(
    bill: Bill,
    what: What,
    *,
    reason: CreditReason,
    note: str,
    destination: Destination = Destination.BALANCE,
    request_key: str,
    user: User,
    by: Actor,
    at: datetime,
) -> CreditProposal:
    """Credit an issued bill in whole, by lines or by an amount; a large credit waits for a second person.

    The same key is the same credit. Raises NotCreditable, TooMuchCredited, CreditInvalid.
    """
    note = _checked(reason, note)
    issuing.lock(bill)
    known = db.session.scalar(select(CreditProposal).where(CreditProposal.request_key == request_key))
    if known is not None:
        if known.bill_id != bill.id:
            raise CreditInvalid(fields={"request_key": "这张表单已经用过，请重新打开页面"})
        return _loaded(known)
    if bill.status not in CREDITABLE:
        raise NotCreditable
    stands = standing(bill)
    cuts = _cuts(stands, what)
    proposal = CreditProposal(
        bill_id=bill.id, status=PROPOSAL_LIFECYCLE.initial, reason=reason, note=note, destination=destination,
        cuts=[[line_id, fen] for line_id, fen in cuts.items()], gross_fen=sum(cuts.values()), request_key=request_key,
        asked_by_id=user.id, asked_at=at, answer="",
    )  # fmt: skip
    proposal.bill = bill
    large = _is_large(proposal)
    db.session.add(proposal)
    if large:
        _tell(proposal, "credit_proposal.proposed", by, at)
        signals.credit_proposed.send(proposal, at=at)
    else:
        _issue(proposal, stands, by=by, at=at)
    return _loaded(proposal)


def approve(proposal: CreditProposal, *, user: User, by: Actor, at: datetime) -> CreditNote:
    """The second person agrees: the note is issued. Raises AlreadyDecided, FourEyes, NotCreditable, TooMuchCredited."""
    bill = db.session.get_one(Bill, proposal.bill_id)
    issuing.lock(bill)
    _take(proposal)
    if proposal.asked_by_id == user.id:
        raise FourEyes
    proposal.decided_by_id = user.id
    return _issue(proposal, standing(bill), by=by, at=at)


def reject(proposal: CreditProposal, *, answer: str, user: User, by: Actor, at: datetime) -> None:
    """It is not to be; its author withdraws it so. Raises AlreadyDecided, CreditInvalid without a reason."""
    answer = " ".join(answer.split()).replace("\0", "")[:NOTE_LIMIT]
    if not answer:
        raise CreditInvalid(fields={"answer": "写明原因，提出的同事会看到"})
    _take(proposal)
    PROPOSAL_LIFECYCLE.move(proposal, ProposalStatus.REJECTED)
    proposal.decided_by_id, proposal.decided_at, proposal.answer = user.id, at, answer
    _tell(proposal, "credit_proposal.rejected", by, at)


def _take(proposal: CreditProposal) -> None:
    db.lock(proposal)
    if proposal.status is not ProposalStatus.PROPOSED:
        raise AlreadyDecided


def _issue(proposal: CreditProposal, stands: Standing, *, by: Actor, at: datetime) -> CreditNote:
    bill = db.session.get_one(Bill, proposal.bill_id)
    PROPOSAL_LIFECYCLE.move(proposal, ProposalStatus.APPROVED)
    proposal.decided_at = at
    _tell(proposal, "credit_proposal.approved" if proposal.decided_by_id else "credit_proposal.made", by, at)
    cuts = {line_id: fen for line_id, fen in proposal.cuts}
    why = Why(Source.ADMINISTRATOR, proposal.reason, proposal.note, proposal.destination, proposal)
    return issuing.write(bill, stands, cuts, why, by=by, at=at)


def _cuts(stands: Standing, what: What) -> dict[int, int]:
    if isinstance(what, Lines):
        left_of = stands.by_line()
        cuts = {id: left_of.get(id, 0) if fen is None else fen for id, fen in what.fen.items()}
        if not cuts:
            raise CreditInvalid(fields={"what": "至少在一行写上金额"})
    else:
        fen = stands.fen if isinstance(what, Whole) else what.fen
        if fen <= 0 and isinstance(what, Amount):
            raise CreditInvalid(fields={"amount_fen": "金额须大于 0"})
        cuts = stands.spread(fen) if 0 < fen <= stands.fen else {}
    if any(fen < 0 for fen in cuts.values()):
        raise CreditInvalid(fields={"what": "每行的金额须大于 0"})
    if not stands.fits(cuts):
        raise TooMuchCredited(field="amount_fen", left=money.text(stands.fen))
    return cuts


def _is_large(proposal: CreditProposal) -> bool:
    """Whether two people have to agree; what one person has credited on this bill before weighs with it."""
    unseen = (
        select(func.coalesce(func.sum(CreditNote.gross_fen), 0))
        .join(CreditNote.proposal)
        .where(
            CreditNote.bill_id == proposal.bill_id,
            CreditNote.status != CreditNoteStatus.VOID,
            CreditProposal.decided_by_id.is_(None),
        )
    )
    before = int(db.session.scalar(unseen) or 0)
    return before + proposal.gross_fen > resources.settings.credit_yuan * 100


def _loaded(proposal: CreditProposal) -> CreditProposal:
    db.session.flush()
    db.session.refresh(proposal, attribute_names=["credit_note", "bill"])
    return proposal


def _tell(proposal: CreditProposal, action: str, by: Actor, at: datetime) -> None:
    bill = db.session.get_one(Bill, proposal.bill_id)
    audit.record(
        action, proposal, by=by, at=at, reason=proposal.answer or proposal.note,
        after={"bill": str(bill), "gross_fen": proposal.gross_fen, "reason": proposal.reason.value,
               "status": proposal.status.value},
    )  # fmt: skip


def _checked(reason: CreditReason, note: str) -> str:
    note = " ".join(note.split()).replace("\0", "")
    wrong = {}
    if reason not in REASONS:
        wrong["reason"] = "选择为什么冲减"
    if not note:
        wrong["note"] = "写明为什么冲减，客户会看到"
    if len(note) > NOTE_LIMIT:
        wrong["note"] = "最多 500 个字"
    if wrong:
        raise CreditInvalid(fields=wrong)
    return note
