"""Meters that used to report in a rhythm and have stopped.

The rhythm is learnt from the day counters of the last four weeks: a meter of a subscription that was used on at
least `REGULAR` of those days, with no pause longer than `LONGEST_PAUSE`, is expected to go on like that. It is silent
when its longest usual pause, and half a day more for whoever reports a day on the next morning, has passed without
any use. Meters that are used now and then have no rhythm, and never fall silent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from market import db
from market.kit.period import local_day, local_midnight
from market.metering import signals
from market.metering.completeness.models import Silence
from market.metering.models import UsageCounter
from market.providers.models import Provider
from market.subscriptions.models import LIVE, Subscription

LEARNT = timedelta(days=28)
REGULAR, LONGEST_PAUSE = 7, 4
#: How long after the end of the day on which it was due something is missed.
PATIENCE = timedelta(hours=12)
#: How many silences one turn of the sweep takes up.
AT_ONCE = 500


def watch(now: datetime) -> int:
    """End what is over, and tell of what has begun, once; returns how many were told."""
    with db.transaction():
        for silence in db.session.scalars(select(Silence).where(Silence.ended_at.is_(None))):
            if _returned(silence):
                silence.ended_at = now
    with db.transaction(readonly=True):
        fallen = _fallen(now)
    told = 0
    for subscription_id, meter_id, last_day, usual in fallen[:AT_ONCE]:
        with db.transaction():
            # Two workers take turns, and the second sees what the first has told.
            db.serialize("silences")
            if not _is_open(subscription_id, meter_id):
                told += 1
                silence = Silence(
                    subscription_id=subscription_id, meter_id=meter_id, last_day=last_day, usual_days=usual, noticed_at=now
                )
                db.session.add(silence)
                db.session.flush()
                signals.meter_silent.send(silence, at=now)
    return told


def silences_of(provider: Provider) -> Sequence[Silence]:
    """The open silences among a provider's customers, the latest first."""
    return _open(select(Subscription.id).where(Subscription.provider_id == provider.id))


def silences_in(subscription_ids: Collection[int]) -> Sequence[Silence]:
    """The open silences of these subscriptions, the latest first."""
    return _open(subscription_ids) if subscription_ids else []


def usual_pause(days: Sequence[date]) -> int | None:
    """The longest step from one day of use to the next, in days; None where there is no rhythm."""
    steps = [(later - sooner).days for sooner, later in pairwise(days)]
    if len(days) < REGULAR or not steps or max(steps) > LONGEST_PAUSE:
        return None
    return max(steps)


def is_silent(last_day: date, pause: int, now: datetime) -> bool:
    """Whether it is later than the rhythm allows."""
    return now >= local_midnight(last_day + timedelta(days=pause + 1)) + PATIENCE


def _fallen(now: datetime) -> list[tuple[int, int, date, int]]:
    """Subscription, meter, last day of use and usual pause of those that are silent now and were not told of."""
    today = local_day(now)
    since, last = today - LEARNT, func.max(UsageCounter.day)
    own = UsageCounter.subscription_id, UsageCounter.meter_id
    told = select(Silence.id).where(
        Silence.subscription_id == own[0], Silence.meter_id == own[1], Silence.ended_at.is_(None)
    )
    query = (
        select(*own, last)
        .join(Subscription, Subscription.id == UsageCounter.subscription_id)
        .where(Subscription.status.in_(LIVE), UsageCounter.day >= since, ~told.exists())
        .group_by(*own)
        .having(last < today - timedelta(days=1), func.count(UsageCounter.day.distinct()) >= REGULAR)
        .order_by(*own)
    )
    found = []
    for subscription_id, meter_id, last_day in db.session.execute(query).all():
        pause = usual_pause(_days(subscription_id, meter_id, since))
        if pause is not None and is_silent(last_day, pause, now):
            found.append((subscription_id, meter_id, last_day, pause))
    return found


def _days(subscription_id: int, meter_id: int, since: date) -> Sequence[date]:
    query = select(UsageCounter.day).where(
        UsageCounter.subscription_id == subscription_id, UsageCounter.meter_id == meter_id, UsageCounter.day >= since
    )
    return db.session.scalars(query.distinct().order_by(UsageCounter.day)).all()


def _returned(silence: Silence) -> bool:
    """Something was used since; or nobody waits any more, because the subscription is over."""
    subscription = db.session.get_one(Subscription, silence.subscription_id)
    later = select(UsageCounter.day).where(
        UsageCounter.subscription_id == silence.subscription_id,
        UsageCounter.meter_id == silence.meter_id,
        UsageCounter.day > silence.last_day,
    )
    return subscription.status not in LIVE or db.session.scalar(later.limit(1)) is not None


def _is_open(subscription_id: int, meter_id: int) -> bool:
    same = Silence.subscription_id == subscription_id, Silence.meter_id == meter_id, Silence.ended_at.is_(None)
    return db.session.scalar(select(Silence.id).where(*same)) is not None


def _open(subscription_ids: object) -> Sequence[Silence]:
    query = select(Silence).where(Silence.subscription_id.in_(subscription_ids), Silence.ended_at.is_(None))  # type: ignore[arg-type]  # ids or a select of them
    whole = joinedload(Silence.meter), joinedload(Silence.subscription).joinedload(Subscription.organization)
    return db.session.scalars(query.options(*whole).order_by(Silence.noticed_at.desc(), Silence.id.desc()).limit(AT_ONCE)).all()
