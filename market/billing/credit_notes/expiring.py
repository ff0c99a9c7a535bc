"""What was given until a day: its owner is told before, and what is left of it then is gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from market import accounts, audit, db
from market.accounts.models import Organization
from market.billing.credit_notes import balances, settling, signals
from market.billing.credit_notes.lot_models import BalanceLot
from market.billing.credit_notes.models import EntryKind
from market.kit.period import local_day

#: So many days before the last one its owner is told.
NOTICE = timedelta(days=14)
_TOGETHER = 100


def expire(organization_id: int, *, at: datetime) -> int:
    """Take away what is left of lots whose day is past; the organization is held. Says how much it was."""
    query = select(BalanceLot.id, BalanceLot.rest_fen, BalanceLot.expires_on).where(
        BalanceLot.organization_id == organization_id, BalanceLot.rest_fen > 0, BalanceLot.expires_on < local_day(at)
    )
    gone = db.session.execute(query.order_by(BalanceLot.expires_on, BalanceLot.id)).all()
    for lot_id, fen, day in gone:
        entry = balances.add(organization_id, -fen, EntryKind.EXPIRED, at=at, parts={lot_id: fen})
        audit.record(
            "balance.expired", db.session.get_one(Organization, organization_id), by=audit.system("billing", organization_id=organization_id),
            at=at, organization_id=organization_id, after={"amount_fen": fen, "balance_fen": entry.after_fen, "expires_on": str(day)},
        )  # fmt: skip
    if gone:
        settling.settle_used(organization_id, at=at)
    return sum(fen for _, fen, _ in gone)


def expire_due(now: datetime) -> int:
    """Announce what ends soon and take away what has ended; says how many lots were taken away from."""
    today, taken = local_day(now), 0
    for id in _whose(BalanceLot.expires_on < today):
        with db.transaction():
            accounts.lock(id)
            taken += bool(expire(id, at=now))
    for id in _whose(BalanceLot.announced_at.is_(None), BalanceLot.expires_on >= today, BalanceLot.expires_on <= today + NOTICE):
        with db.transaction():
            _announce(id, now)
    return taken


def _whose(*conditions: object) -> list[int]:
    query = select(BalanceLot.organization_id).where(BalanceLot.rest_fen > 0, *conditions).distinct()  # type: ignore[arg-type]  # columns compared
    with db.transaction(readonly=True):
        return list(db.session.scalars(query.order_by(BalanceLot.organization_id).limit(_TOGETHER)))


def _announce(organization_id: int, now: datetime) -> None:
    """Once for each lot, together for one firm."""
    accounts.lock(organization_id)
    today = local_day(now)
    query = select(BalanceLot).where(
        BalanceLot.organization_id == organization_id, BalanceLot.rest_fen > 0, BalanceLot.announced_at.is_(None),
        BalanceLot.expires_on >= today, BalanceLot.expires_on <= today + NOTICE,
    )  # fmt: skip
    ending = db.session.scalars(query.order_by(BalanceLot.expires_on, BalanceLot.id).execution_options(populate_existing=True)).all()
    if not ending:
        return
    for lot in ending:
        lot.announced_at = now
    organization = db.session.get_one(Organization, organization_id)
    audit.record(
        "balance.expiry_announced", organization, by=audit.system("billing", organization_id=organization_id), at=now,
        organization_id=organization_id, after={"amount_fen": sum(lot.rest_fen for lot in ending)},
    )  # fmt: skip
    signals.balance_expiring.send(organization, lots=ending, at=now)
