"""What of issued bills may still be credited, read from their lines, what notes took and what later bills gave back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from market import db
from market.billing.credit_notes.cutting import Group, Piece, Service, Standing, given_back
from market.billing.credit_notes.models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteStatus,
    CreditReason,
    Source,
)
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


class Given(NamedTuple):
    """What credit notes gave back of a line: of corrections and of fees paid in advance by itself, the rest by administrators."""

    by_itself: int = 0
    by_people: int = 0
    #: Of that: because its usage was wrong.
    wrong_usage: int = 0


def given(organization_ids: Collection[int]) -> dict[int, Given]:
    """What notes that stand have given back, by the line that it is about."""
    key = CreditNoteLine.about_line_id, CreditNote.source, CreditNote.reason
    query = select(*key, func.sum(CreditNoteLine.gross_fen)).join(CreditNoteLine.credit_note)
    query = query.where(CreditNote.organization_id.in_(organization_ids), _counts())
    found: dict[int, Given] = {}
    for id, source, reason, sum_ in db.session.execute(query.group_by(*key)):
        fen, before = int(sum_), found.get(id, Given())
        if source is not Source.ADMINISTRATOR:
            found[id] = before._replace(by_itself=before.by_itself + fen)
        else:
            wrong = before.wrong_usage + (fen if reason is CreditReason.WRONG_USAGE else 0)
            found[id] = before._replace(by_people=before.by_people + fen, wrong_usage=wrong)
    return found


def taken_back(organization_ids: Collection[int]) -> dict[int, int]:
    """What they have given back by themselves."""
    return {id: each.by_itself for id, each in given(organization_ids).items() if each.by_itself}


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
