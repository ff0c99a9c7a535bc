"""A subscription's month as it stands now: what corrections are measured by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from market import db, metering
from market.accounts import Organization
from market.billing import drafts
from market.billing.periods import LOOK_BACK, period_of
from market.billing.queries import closed_until
from market.metering.corrections import MonthStand
from market.subscriptions import Subscription, with_plan


def month_stands(subscription_id: int, at: datetime, now: datetime) -> MonthStand:
    """The billing month in which an instant falls, rated with what is counted by `now`."""
    query = select(Subscription).where(Subscription.id == subscription_id).options(*with_plan())
    subscription = db.session.scalars(query).one()
    organization = db.session.get_one(Organization, subscription.organization_id)
    period, told = period_of(organization, at), closed_until([organization.id]).get(organization.id)
    closed = told.until if told else None
    billed = closed is not None and period.end <= closed
    lines = drafts.draw_up_one(subscription, period, cutoff=now)
    used = metering.quantities([subscription_id], period, until=now, whole=period)
    return MonthStand(
        period=period,
        billed=billed,
        # The next bill begins where the last one ended, and looks back from there.
        reachable=closed is None or not billed or period.end >= closed - LOOK_BACK,
        fen=drafts.total_fen(lines),
        quantities={meter_id: quantity for (_, meter_id), quantity in used.items()},
    )
