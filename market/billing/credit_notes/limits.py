"""What of issued bills may still be credited, read from their lines, what notes took and what later bills gave back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, func, select

from market import db
from market.billing.credit_notes.cutting import Group, Piece, Service, Standing, given_back
from market.billing.credit_notes.models import CreditNote, CreditNoteLine, CreditNoteStatus, Source
from market.billing.models import Bill, BillLine, BillStatus, BillTax

#: Bills that can be credited: money is asked for, or was paid.
CREDITABLE = frozenset({BillStatus.OPEN, BillStatus.PART_PAID, BillStatus.OVERDUE, BillStatus.PAID})


def standing(bill: Bill) -> Standing:
    """What a person may still credit of one bill; what later bills gave back of a line counts as gone."""
    return standings([bill.id], less_given_back=True)[bill.id]


def standings(bill_ids: Collection[int], *, less_given_back: bool = False) -> dict[int, Standing]:
    """The same for several bills.

    Without `less_given_back` what later bills took off a line does not count: for what is given back by itself, which
    is worked out with all that already.
    """
    taken, gone = _taken(bill_ids), _given_back(bill_ids) if less_given_back else {}
    pieces: dict[int, list[Piece]] = {id: [] for id in bill_ids}
    query = select(BillLine.bill_id, BillLine.id, BillLine.provider_id, BillLine.tax_rate, BillLine.gross_fen, BillLine.net_fen)
    query = query.where(BillLine.bill_id.in_(bill_ids), BillLine.gross_fen > 0).order_by(BillLine.bill_id, BillLine.position)
    groups = _groups(bill_ids)
    for bill_id, id, provider_id, rate, gross, net in db.session.execute(query):
        taken_gross, taken_net = taken.get(id, (0, 0))
        left = max(gross - taken_gross - gone.get(id, 0), 0)
        pieces[bill_id].append(Piece(id, (provider_id, rate), gross, net, taken_gross, taken_net, left))
        groups[bill_id][provider_id, rate] -= taken_gross
    return {id: Standing(tuple(mine), groups[id]) for id, mine in pieces.items()}


def taken_back(organization_ids: Collection[int]) -> dict[int, int]:
    """What credit notes have given back by themselves, of corrections and of fees paid in advance, by the line it is about."""
    query = select(CreditNoteLine.about_line_id, func.sum(CreditNoteLine.gross_fen)).join(CreditNoteLine.credit_note)
    query = query.where(CreditNote.organization_id.in_(organization_ids), CreditNote.source != Source.ADMINISTRATOR, _counts())
    return {id: int(fen) for id, fen in db.session.execute(query.group_by(CreditNoteLine.about_line_id))}


def _counts() -> ColumnElement[bool]:
    return CreditNote.status != CreditNoteStatus.VOID


def _groups(bill_ids: Collection[int]) -> dict[int, dict[Group, int]]:
    found: dict[int, dict[Group, int]] = defaultdict(dict)
    for tax in db.session.scalars(select(BillTax).where(BillTax.bill_id.in_(bill_ids))):
        found[tax.bill_id][tax.provider_id, tax.tax_rate] = max(tax.gross_fen, 0)
    return found


def _taken(bill_ids: Collection[int]) -> Mapping[int, tuple[int, int]]:
    """Gross and net that notes took of each line."""
    line = CreditNoteLine
    query = select(line.bill_line_id, func.sum(line.gross_fen), func.sum(line.net_fen)).join(line.credit_note)
    query = query.where(CreditNote.bill_id.in_(bill_ids), _counts())
    return {id: (int(gross), int(net)) for id, gross, net in db.session.execute(query.group_by(line.bill_line_id))}


def _given_back(bill_ids: Collection[int]) -> Mapping[int, int]:
    """What later bills took off the lines of these, by line."""
    mine = select(BillLine.subscription_id).where(BillLine.bill_id.in_(bill_ids))
    line = BillLine
    query = (
        select(line.id, line.subscription_id, line.charge_id, line.service_start, line.service_end, line.gross_fen)
        .join(line.bill)
        .where(line.subscription_id.in_(mine), Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]), line.gross_fen != 0)
        .order_by(Bill.period_start, line.gross_fen < 0, line.position)
    )
    return given_back([Service(*row) for row in db.session.execute(query)])
