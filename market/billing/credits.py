"""Money back for fees paid in advance: it is taken off the same provider's lines, as far as they go.

A provider's lines at one tax rate never come to less than nothing. What does not fit gets a credit note when the bill
is issued; a line says what the whole is (`gross_fen + booked_fen`) and what of it stands elsewhere (`booked_fen`).
What waited from before there were credit notes is fitted first, and credited with the next bill that is issued. What
administrators have credited of a fee is not given back again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from market import db
from market.accounts import Organization
from market.billing import credit_notes
from market.billing.lines import LineDraft
from market.billing.models import Bill, BillLine, BillStatus, LineKind

Key = tuple[int, int, datetime, datetime]


class Fee(NamedTuple):
    """A fee that was charged or (less than nothing) given back, over which days, and what administrators credited of it."""

    subscription_id: int
    charge_id: int
    start: datetime
    end: datetime
    fen: int
    credited_fen: int = 0

    def holds(self, other: Fee) -> bool:
        """Whether the other is about the same charge and lies within these days."""
        same = (self.subscription_id, self.charge_id) == (other.subscription_id, other.charge_id)
        return same and self.start <= other.start and other.end <= self.end


def most_back(back: Fee, known: Iterable[Fee]) -> int | None:
    """What may be given back for these days beside what other lines gave back; None where no administrator credited anything."""
    known = list(known)
    charged = [fee for fee in known if fee.fen > 0 and fee.holds(back)]
    credited = sum(fee.credited_fen for fee in charged)
    if not credited:
        return None
    others = [fee for fee in known if fee.fen < 0 and any(one.holds(fee) for one in charged) and fee[:4] != back[:4]]
    return max(sum(fee.fen for fee in [*charged, *others]) - credited, 0)


def within(charges: Mapping[int, Sequence[LineDraft]]) -> dict[int, list[LineDraft]]:
    """The lines of each firm, its money back less what administrators have credited of the fees."""
    backs = {line.subscription_id for lines in charges.values() for line in lines if line.kind is LineKind.CREDIT}
    issued = _issued(charges, backs) if backs else []
    return {id: list(_within(lines, issued)) if backs else list(lines) for id, lines in charges.items()}


def _within(lines: Sequence[LineDraft], issued: Sequence[Fee]) -> Iterator[LineDraft]:
    known = [*issued, *(_fee(line) for line in lines if line.kind is LineKind.CHARGE)]
    for line in lines:
        most = most_back(_fee(line), known) if line.kind is LineKind.CREDIT else None
        if most is not None and most < -line.gross_fen:
            given = -line.gross_fen - most
            line = replace(line, gross_fen=-most, booked_fen=-given, label=line.label | {"credited_fen": str(given)})
        if line.kind is LineKind.CREDIT:
            known.append(_fee(line))
        yield line


def _fee(line: LineDraft) -> Fee:
    return Fee(line.subscription_id, line.charge_id, line.service_start, line.service_end, line.gross_fen)


def _issued(organization_ids: Collection[int], subscription_ids: Collection[int]) -> list[Fee]:
    """The fees on issued bills, and what came back of them there and by credit notes."""
    query = select(BillLine).join(BillLine.bill).where(
        BillLine.subscription_id.in_(subscription_ids),
        BillLine.quantity.is_(None),
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
    )  # fmt: skip
    given = credit_notes.given(organization_ids)
    found = []
    for line in db.session.scalars(query):
        told = given.get(line.id, credit_notes.Given())
        by_itself = told.by_itself if line.kind is LineKind.CREDIT else 0
        key = line.subscription_id, line.charge_id, line.service_start, line.service_end
        found.append(Fee(*key, line.gross_fen - by_itself, told.by_people))
    return found


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
    waiting = []
    for key, (first, *later) in told.items():
        rest = -(first.booked_fen - sum(line.gross_fen for line in later)) - credited.get(first.id, 0)
        if rest > 0:
            waiting.append((key, first, rest))
    issued = _issued(organization_ids, {first.subscription_id for _, first, _ in waiting}) if waiting else []
    for key, first, rest in waiting:
        whole = -(first.gross_fen + first.booked_fen)
        most = most_back(Fee(*key, -whole), issued)
        rest -= max(whole - most, 0) if most is not None else 0
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
