"""What happens when bills are issued: what no line had room for is credited, and balances are used.

A correction or a fee paid in advance that gives back more than a provider's lines of the month come to, gets a credit
note on the bill that had charged it. Where that bill has nothing left to credit, other bills with lines of the same
provider and rate give it, the newest first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import select

from market import audit, db
from market.billing.credit_notes import balances, expiring, issuing, lots, settling
from market.billing.credit_notes.cutting import Standing, greedy
from market.billing.credit_notes.issuing import Why
from market.billing.credit_notes.limits import CREDITABLE, standings
from market.billing.credit_notes.models import CreditReason, EntryKind, Source
from market.billing.credit_notes.signals import balance_used
from market.billing.lines import LineDraft
from market.billing.models import DUE, LIFECYCLE, Bill, BillLine, BillStatus, LineKind
from market.billing.signals import bill_paid

log = structlog.get_logger(__name__)

_KINDS = {
    LineKind.ADJUSTMENT: (Source.CORRECTION, CreditReason.USAGE_CORRECTED),
    LineKind.CREDIT: (Source.TERMINATION, CreditReason.PREPAID_UNUSED),
}


def at_issue(bills: Sequence[Bill], rests: Mapping[int, Sequence[LineDraft]], *, at: datetime) -> None:
    """Credit what these organizations' bills had no room for, then use balances for the bills that were just issued.

    `rests` are lines that give money back, by organization; their `gross_fen` is what is left of them. The
    organizations are held.
    """
    for organization_id in sorted(rests):
        if rests[organization_id]:
            _give_back(organization_id, rests[organization_id], at)
    has = balances.balances([bill.organization_id for bill in bills]) if bills else {}
    for bill in bills:
        if bill.organization_id in has:
            use_balance(bill, at=at)


def use_balance(bill: Bill, *, at: datetime, by: audit.Actor | None = None, most_fen: int | None = None) -> int:
    """Pay a bill out of the balance as far as both go, or up to `most_fen`; says how much. The bill's organization is
    held here."""
    issuing.lock(bill)
    expiring.expire(bill.organization_id, at=at)
    has = lots.spendable(bill.organization_id, at)
    part = min(bill.owed_fen, has, has if most_fen is None else most_fen)
    if part <= 0 or bill.status not in DUE:
        return 0
    before = {"status": bill.status.value, "paid_fen": bill.paid_fen}
    bill.paid_fen += part
    to = BillStatus.PART_PAID if bill.owed_fen else BillStatus.PAID
    if bill.status is not to:
        LIFECYCLE.move(bill, to)
    if not bill.owed_fen:
        bill.paid_at = at
    balances.add(bill.organization_id, -part, EntryKind.APPLIED, at=at, bill_id=bill.id)
    audit.record(
        "bill.balance_used", bill, by=by or audit.system("billing", organization_id=bill.organization_id), at=at,
        organization_id=bill.organization_id, before=before, after={"status": bill.status.value, "paid_fen": bill.paid_fen},
    )  # fmt: skip
    settling.settle_used(bill.organization_id, at=at)
    balance_used.send(bill, at=at)
    if not bill.owed_fen:
        bill_paid.send(bill, at=at)
    return part


@dataclass
class _Bundle:
    """What one note is to take from one bill."""

    bill_id: int
    kind: LineKind
    cuts: dict[int, int] = field(default_factory=dict)
    about: dict[int, int] = field(default_factory=dict)


def _give_back(organization_id: int, rests: Sequence[LineDraft], at: datetime) -> None:
    ids = _bills(organization_id)
    by = audit.system("billing", organization_id=organization_id)
    stands, written = standings(ids), standings(ids)
    for bundle in _bundles(organization_id, ids, stands, rests):
        bill = db.session.get_one(Bill, bundle.bill_id)
        issuing.lock(bill)
        source, reason = _KINDS[bundle.kind]
        issuing.write(bill, written[bill.id], bundle.cuts, Why(source, reason, about=bundle.about), by=by, at=at)
        written[bill.id] = written[bill.id].take(bundle.cuts)


def _bundles(
    organization_id: int, ids: Sequence[int], stands: dict[int, Standing], rests: Sequence[LineDraft]
) -> Iterable[_Bundle]:
    """Which bill gives what, a note for each bill and kind; `stands` is used up on the way."""
    found: dict[tuple[int, LineKind], list[_Bundle]] = defaultdict(list)
    for rest in rests:
        about, first = _about(organization_id, rest)
        taken = greedy([(id, stands[id]) for id in ids], (rest.provider_id, rest.tax_rate), first, -rest.gross_fen)
        missing = -rest.gross_fen - sum(sum(cuts.values()) for cuts in taken.values())
        if missing or about is None:
            log.error("credit_without_room", organization=organization_id, subscription=rest.subscription_id, fen=missing)
        for bill_id, cuts in taken.items():
            stands[bill_id] = stands[bill_id].take(cuts)
            mine = found[bill_id, rest.kind]
            if not mine or mine[-1].cuts.keys() & cuts.keys():
                mine.append(_Bundle(bill_id, rest.kind))
            mine[-1].cuts |= cuts
            mine[-1].about |= {line_id: about or line_id for line_id in cuts}
    return [bundle for mine in found.values() for bundle in mine]


def _bills(organization_id: int) -> list[int]:
    """The bills that can give something, newest first."""
    query = select(Bill.id).where(Bill.organization_id == organization_id, Bill.status.in_(CREDITABLE))
    return list(db.session.scalars(query.order_by(Bill.period_start.desc())))


def _about(organization_id: int, rest: LineDraft) -> tuple[int | None, list[int]]:
    """The line that a rest is about, and the lines that charged its days, the newest first."""
    lines = _lines(organization_id, rest)
    if rest.kind is LineKind.CREDIT:
        told = (id for id, kind, _fen, start, end in lines if (kind, start, end) == (rest.kind, rest.service_start, rest.service_end))
    else:
        told = (id for id, kind, _fen, start, _end in lines if (kind, start) == (LineKind.CHARGE, rest.service_start))
    first = [id for id, _kind, fen, start, end in lines if fen > 0 and start <= rest.service_start and rest.service_end <= end]
    return next(told, None), first[::-1]


def _lines(organization_id: int, rest: LineDraft) -> list[tuple[int, LineKind, int, datetime, datetime]]:
    query = select(BillLine.id, BillLine.kind, BillLine.gross_fen, BillLine.service_start, BillLine.service_end).join(BillLine.bill)
    query = query.where(
        Bill.organization_id == organization_id,
        Bill.status.not_in([BillStatus.DRAFT, BillStatus.VOID]),
        BillLine.subscription_id == rest.subscription_id,
        BillLine.charge_id == rest.charge_id,
    )
    rows = db.session.execute(query.order_by(Bill.period_start, BillLine.position))
    return [(id, kind, fen, start, end) for id, kind, fen, start, end in rows]
