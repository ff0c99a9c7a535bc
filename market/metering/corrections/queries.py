"""Questions about corrections. A stranger's is not found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, func, or_, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad

from market import db
from market.catalog.models import Meter
from market.errors import NotFound
from market.kit.period import Period
from market.metering.corrections.models import CorrectingEvent, CorrectionStatus, Effect, UsageCorrection
from market.metering.readers import Party
from market.providers.models import Provider
from market.subscriptions.models import Subscription

#: A page shows so many.
MOST_SHOWN = 50


def corrections_of(provider: Provider, *, waiting: bool = False) -> Select[UsageCorrection]:
    """A provider's corrections, newest first; `waiting` leaves those that need a second person."""
    query = select(UsageCorrection).where(UsageCorrection.provider_id == provider.id).order_by(UsageCorrection.id.desc())
    query = query.options(*_people(), joinedload(UsageCorrection.subscription).joinedload(Subscription.organization))
    return query.where(UsageCorrection.status == CorrectionStatus.PROPOSED) if waiting else query


def correction_of(provider: Provider, id: int) -> UsageCorrection:
    """One of them with its events. Raises NotFound for a stranger's."""
    query = corrections_of(provider).where(UsageCorrection.id == id).options(selectinload(UsageCorrection.events))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found


def since(party: Party, after: int, most: int) -> Sequence[UsageCorrection]:
    """What comes after a number, oldest first: all of a provider's, of a buyer's what counts for her."""
    query = select(UsageCorrection).where(UsageCorrection.id > after).order_by(UsageCorrection.id).limit(most)
    if isinstance(party, Provider):
        query = query.where(UsageCorrection.provider_id == party.id)
    else:
        own = select(Subscription.id).where(Subscription.organization_id == party.id)
        query = query.where(UsageCorrection.subscription_id.in_(own), UsageCorrection.status == CorrectionStatus.APPROVED)
    return db.session.scalars(query).all()


def waiting_count(provider: Provider) -> int:
    """How many wait for a second person."""
    waiting = UsageCorrection.provider_id == provider.id, UsageCorrection.status == CorrectionStatus.PROPOSED
    return db.session.scalar(select(func.count()).where(*waiting)) or 0


def made(
    subscription_ids: Collection[int], period: Period | None = None, *, most: int = MOST_SHOWN
) -> Sequence[UsageCorrection]:
    """The corrections that count, with their events, newest first: of the use in a period, or made in it."""
    query = select(UsageCorrection).where(
        UsageCorrection.subscription_id.in_(subscription_ids), UsageCorrection.status == CorrectionStatus.APPROVED
    )
    if period is not None:
        use = (UsageCorrection.period_start < period.end) & (UsageCorrection.period_end > period.start)
        decided = (UsageCorrection.decided_at >= period.start) & (UsageCorrection.decided_at < period.end)
        query = query.where(use | (decided & UsageCorrection.billed))
    query = query.options(*_people(), selectinload(UsageCorrection.events))
    return db.session.scalars(query.order_by(UsageCorrection.decided_at.desc(), UsageCorrection.id.desc()).limit(most)).all()


def about(number: int) -> CorrectingEvent | None:
    """What corrects an event, or is to, with its correction."""
    query = select(CorrectingEvent).where(CorrectingEvent.corrects == number, CorrectingEvent.open)
    return db.session.scalar(query.options(*_whole()))


def within(number: int) -> CorrectingEvent | None:
    """Of an event that is itself a correction: what it was made by."""
    return db.session.scalar(select(CorrectingEvent).where(CorrectingEvent.number == number).options(*_whole()))


def told_of(numbers: Collection[int]) -> dict[int, UsageCorrection]:
    """The approved correction that takes an event back or brought it in, by the event's number."""
    query = select(CorrectingEvent).join(CorrectingEvent.correction).where(
        or_(CorrectingEvent.number.in_(numbers), CorrectingEvent.corrects.in_(numbers)),
        UsageCorrection.status == CorrectionStatus.APPROVED,
    )
    found: dict[int, UsageCorrection] = {}
    for event in db.session.scalars(query.options(*_whole())) if numbers else ():
        found |= {number: event.correction for number in (event.corrects, event.number) if number is not None}
    return found


def unseen(subscription_id: int, period_start: datetime) -> list[tuple[int, list[Effect]]]:
    """What the corrections of a month did that only one person has looked at: fen, and each meter."""
    query = select(UsageCorrection).where(
        UsageCorrection.subscription_id == subscription_id,
        UsageCorrection.period_start == period_start,
        UsageCorrection.status == CorrectionStatus.APPROVED,
        UsageCorrection.decided_by_id.is_(None),
    )
    return [(each.change_fen, each.moved) for each in db.session.scalars(query)]


def meters_of(corrections: Iterable[UsageCorrection]) -> dict[int, Meter]:
    """The meters that these corrections move."""
    ids = {effect.meter_id for correction in corrections for effect in correction.moved}
    return {meter.id: meter for meter in db.session.scalars(select(Meter).where(Meter.id.in_(ids)))} if ids else {}


def subjects_of(corrections: Iterable[UsageCorrection]) -> dict[int, str]:
    """The public ids of the subscriptions that these are about."""
    query = select(Subscription.id, Subscription.public_id)
    rows = db.session.execute(query.where(Subscription.id.in_({each.subscription_id for each in corrections})))
    return {id: name for id, name in rows}


def owed(subscription_id: SQLColumnExpression[int], at: SQLColumnExpression[datetime]) -> ColumnElement[bool]:
    """Whether a service period that begins `at` was corrected after its bill was issued."""
    return (
        select(UsageCorrection.id)
        .where(
            UsageCorrection.subscription_id == subscription_id,
            UsageCorrection.status == CorrectionStatus.APPROVED,
            UsageCorrection.billed,
            UsageCorrection.period_start <= at,
            UsageCorrection.period_end > at,
        )
        .exists()
    )


def _people(above: _AbstractLoad | None = None) -> tuple[_AbstractLoad, ...]:
    load = above.joinedload if above else joinedload
    return load(UsageCorrection.author), load(UsageCorrection.key), load(UsageCorrection.decided_by)


def _whole() -> tuple[_AbstractLoad, ...]:
    correction = joinedload(CorrectingEvent.correction)
    return *_people(correction), correction.selectinload(UsageCorrection.events)
