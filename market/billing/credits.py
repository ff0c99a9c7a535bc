"""Money back for fees paid in advance: it is taken off the same provider's lines, as far as they go.

A provider's lines at one tax rate never come to less than nothing. What does not fit gets a credit note when the bill
is issued; a line says what the whole is (`gross_fen + booked_fen`) and what of it stands elsewhere (`booked_fen`).
What waited from before there were credit notes is fitted first, and credited with the next bill that is issued.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from market import db
from market.accounts import Organization
from market.billing import credit_notes
from market.billing.lines import LineDraft
from market.billing.models import Bill, BillLine, BillStatus, LineKind

Key = tuple[int, int, datetime, datetime]


def fitted(lines: Sequence[LineDraft], waiting: Iterable[LineDraft]) -> tuple[list[LineDraft], list[LineDraft]]:
    """The lines with as much money back as there is room for, what has waited longest first; and what there is none for.

    New money back stands on the bill also where nothing of it fits, so that it is told.
    """
    room: dict[tuple[int, str], int] = defaultdict(int)
    for line in lines:
        if line.kind is not LineKind.CREDIT:
            room[line.provider_id, line.tax_rate] += line.gross_fen
    rests: list[LineDraft] = []
    old = [part for line in waiting if (part := _taken(line, room, rests)).gross_fen]
    return [*(_taken(line, room, rests) if line.kind is LineKind.CREDIT else line for line in lines), *old], rests


def owed(
    organization_ids: Collection[int], *, before: datetime | None = None
) -> Iterator[tuple[int, BillLine, int]]:
    """What issued bills still owe: (whose, the line that told it first, fen that neither a bill nor a note gave back)."""
    query = select(Bill.organization_id, BillLine).join(BillLine.bill).where(
        Bill.organization_id.in_(organization_ids),
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
        BillLine.kind == LineKind.CREDIT,
    )  # fmt: skip
    if before is not None:
        query = query.where(Bill.period_end <= before)
    told: dict[Key, list[BillLine]] = {}
    owners: dict[Key, int] = {}
    for organization_id, line in db.session.execute(query.order_by(Bill.period_start, BillLine.position)):
        key = line.subscription_id, line.charge_id, line.service_start, line.service_end
        owners[key] = organization_id
        told.setdefault(key, []).append(line)
    credited = credit_notes.taken_back(organization_ids) if told else {}
    for key, (first, *later) in told.items():
        rest = -(first.booked_fen - sum(line.gross_fen for line in later)) - credited.get(first.id, 0)
        if rest > 0:
            yield owners[key], first, rest


def owed_back(organization: Organization) -> int:
    """Fen of fees paid in advance that issued bills have not given back yet, for want of anything to take it off."""
    return sum(rest for *_, rest in owed([organization.id]))


def _taken(line: LineDraft, room: dict[tuple[int, str], int], rests: list[LineDraft]) -> LineDraft:
    key, whole = (line.provider_id, line.tax_rate), line.gross_fen + line.booked_fen
    part = min(max(room[key], 0), -line.gross_fen)
    room[key] -= part
    if part < -line.gross_fen:
        rests.append(replace(line, gross_fen=line.gross_fen + part))
    return replace(line, gross_fen=-part, booked_fen=whole + part)
