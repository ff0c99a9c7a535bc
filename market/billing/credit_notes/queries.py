"""Questions about credit notes. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad

from market import db
from market.accounts.models import Organization
from market.billing.credit_notes.lot_models import BalanceGrant
from market.billing.credit_notes.models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteStatus,
    CreditProposal,
    ProposalStatus,
    RefundRequest,
    RefundStatus,
)
from market.billing.models import Bill, BillLine
from market.errors import NotFound
from market.providers.models import Provider

T = TypeVar("T")


def notes_of(organization: Organization) -> Select[CreditNote]:
    """An organization's credit notes with their bills, newest first."""
    return _notes().where(CreditNote.organization_id == organization.id)


def count_of(organization: Organization) -> int:
    """How many credit notes an organization has."""
    query = select(func.count()).select_from(CreditNote).where(CreditNote.organization_id == organization.id)
    return db.session.scalar(query) or 0


def every_note(status: CreditNoteStatus | None = None, *, bill_id: int | None = None) -> Select[CreditNote]:
    """All credit notes with bill and organization, newest first; narrowed to a state or a bill."""
    query = _notes().options(joinedload(CreditNote.organization))
    query = query.where(CreditNote.bill_id == bill_id) if bill_id is not None else query
    return query.where(CreditNote.status == status) if status else query


def note_of(organization: Organization, id: int) -> CreditNote:
    """One of an organization's notes with all that a view needs. Raises NotFound for a stranger's."""
    return _found(_whole().where(CreditNote.id == id, CreditNote.organization_id == organization.id))


def note_by_id(id: int) -> CreditNote:
    """Any credit note, for administrators. Raises NotFound."""
    return _found(_whole().where(CreditNote.id == id))


def note_about(provider: Provider, id: int) -> CreditNote:
    """A note that takes something of a provider's services. Raises NotFound for a stranger's."""
    own = select(CreditNoteLine.credit_note_id).where(CreditNoteLine.provider_id == provider.id)
    return _found(_whole().where(CreditNote.id == id, CreditNote.id.in_(own)))


def notes_about(provider: Provider) -> Select[CreditNoteLine]:
    """What was credited of a provider's services, line by line, newest first; with note, bill and customer."""
    query = select(CreditNoteLine).join(CreditNoteLine.credit_note).where(CreditNoteLine.provider_id == provider.id)
    note = contains_eager(CreditNoteLine.credit_note)
    query = query.options(note.joinedload(CreditNote.bill), note.joinedload(CreditNote.organization), joinedload(CreditNoteLine.bill_line))
    return query.order_by(CreditNote.issued_at.desc(), CreditNote.id.desc(), CreditNoteLine.position)


def of_bill(bill: Bill) -> Sequence[CreditNote]:
    """The credit notes of a bill with their lines, oldest first; voided ones too."""
    query = select(CreditNote).where(CreditNote.bill_id == bill.id).options(selectinload(CreditNote.lines))
    return db.session.scalars(query.order_by(CreditNote.id)).all()


def on_line(line: BillLine) -> Sequence[CreditNoteLine]:
    """What was credited of a line, or elsewhere because of it, with the notes, oldest first; without voided ones."""
    query = select(CreditNoteLine).join(CreditNoteLine.credit_note).options(contains_eager(CreditNoteLine.credit_note))
    query = query.where(or_(CreditNoteLine.bill_line_id == line.id, CreditNoteLine.about_line_id == line.id))
    return db.session.scalars(query.where(CreditNote.voided_at.is_(None)).order_by(CreditNoteLine.id)).all()


def every_proposal(*, waiting: bool = False) -> Select[CreditProposal]:
    """Administrators' credits, newest first; `waiting` leaves those that need a second person."""
    query = select(CreditProposal).options(*_people(), joinedload(CreditProposal.bill).joinedload(Bill.organization))
    query = query.order_by(CreditProposal.id.desc())
    return query.where(CreditProposal.status == ProposalStatus.PROPOSED) if waiting else query


def proposals_for(bill: Bill) -> Sequence[CreditProposal]:
    """What waits for a second person on a bill."""
    return db.session.scalars(every_proposal(waiting=True).where(CreditProposal.bill_id == bill.id)).all()


def proposal_by_id(id: int) -> CreditProposal:
    """One of them, with its note if there is one. Raises NotFound."""
    query = every_proposal().where(CreditProposal.id == id).options(joinedload(CreditProposal.credit_note))
    return _found(query)


def lines_of(proposal: CreditProposal) -> list[tuple[BillLine, int]]:
    """The bill lines that a proposal takes from, with fen."""
    cuts = {line_id: fen for line_id, fen in proposal.cuts}
    lines = db.session.scalars(select(BillLine).where(BillLine.id.in_(cuts)).order_by(BillLine.position))
    return [(line, cuts[line.id]) for line in lines]


def every_refund(statuses: Collection[RefundStatus] = ()) -> Select[RefundRequest]:
    """Requests to pay money back, the longest waiting first; those that are closed, newest first."""
    query = select(RefundRequest).options(joinedload(RefundRequest.organization), joinedload(RefundRequest.credit_note))
    if statuses:
        return query.where(RefundRequest.status.in_(statuses)).order_by(RefundRequest.id)
    return query.order_by(RefundRequest.id.desc())


def refunds_of(organization: Organization) -> Sequence[RefundRequest]:
    """An organization's own, newest first."""
    return db.session.scalars(every_refund().where(RefundRequest.organization_id == organization.id)).all()


def refund_by_id(id: int) -> RefundRequest:
    """Any of them, for administrators. Raises NotFound."""
    return _found(every_refund().where(RefundRequest.id == id))


class Work(NamedTuple):
    """How many credits and how many grants wait for a second person, and how many refunds nobody has paid yet."""

    proposals: int
    grants: int
    refunds: int


def work_waiting() -> Work:
    """All that waits for the office, asked at once."""
    counted = (
        select(func.count()).select_from(CreditProposal).where(CreditProposal.status == ProposalStatus.PROPOSED),
        select(func.count()).select_from(BalanceGrant).where(BalanceGrant.status == ProposalStatus.PROPOSED),
        select(func.count()).select_from(RefundRequest).where(RefundRequest.status.in_([RefundStatus.PENDING, RefundStatus.FAILED])),
    )
    return Work(*db.session.execute(select(*(each.scalar_subquery() for each in counted))).one())


def _notes() -> Select[CreditNote]:
    return select(CreditNote).options(joinedload(CreditNote.bill)).order_by(CreditNote.id.desc())


def _whole() -> Select[CreditNote]:
    return select(CreditNote).options(
        joinedload(CreditNote.bill),
        joinedload(CreditNote.organization),
        joinedload(CreditNote.proposal).options(*_people()),
        selectinload(CreditNote.lines).options(joinedload(CreditNoteLine.bill_line), joinedload(CreditNoteLine.about)),
    )  # fmt: skip


def _people() -> tuple[_AbstractLoad, ...]:
    return joinedload(CreditProposal.asked_by), joinedload(CreditProposal.decided_by)


def _found(query: Select[T]) -> T:
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound
    return found
