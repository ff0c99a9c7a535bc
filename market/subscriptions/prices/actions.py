"""Verbs: announcing a price change, taking it back, what a firm answers, and the day itself.

The notice is at least a week, longer where the plan says so; until then every firm can accept, leave at the day it
takes effect, or do nothing, which goes on at the new price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from market import audit, db
from market.accounts.models import User
from market.catalog import may_buy
from market.catalog.models import Charge, Offering, OfferingRevision, Plan, PlanStatus
from market.errors import Invalid
from market.kit.period import local_day, local_midnight
from market.providers.models import Provider
from market.subscriptions import actions, contracts, refusals, sale
from market.subscriptions.contracts import ContractKind
from market.subscriptions.models import LIVE, Subscription
from market.subscriptions.prices import planning
from market.subscriptions.prices.models import (
    PRICE_CHANGE_LIFECYCLE,
    NoticeAnswer,
    PriceChange,
    PriceChangeStatus,
    PriceNotice,
)
from market.subscriptions.prices.queries import affected, notices_of
from market.subscriptions.span import Held

#: No change is announced for later than this.
FARTHEST = timedelta(days=366)
LONGEST_REASON = 500


# --- the provider ------------------------------------------------------------------------


def announce(
    old: Plan,
    new: Plan,
    *,
    effective_on: date,
    reason_zh: str,
    reason_en: str,
    user: User,
    by: audit.Actor,
    at: datetime,
) -> PriceChange:
    """Tell everybody on `old` that `new` counts from that day on, and plan it for each.

    Raises Invalid (the day, the reason), StillOnSale, NotForSale, PriceChangeUnsuitable, QuantityTooLarge,
    PriceChangeAnnounced, NobodyToTell.
    """
    offering = db.session.get_one(Offering, old.offering_id)
    db.lock(offering)  # publishing, selling and announcing take turns
    for plan in (old, new):
        db.lock(plan)
    effective_at = local_midnight(effective_on)
    if wrong := dict(_wrong_words(old, effective_at, reason_zh, reason_en, at)):
        raise Invalid(fields=wrong)
    reached = _reached(old, new, effective_at)
    change = PriceChange(
        offering_id=offering.id, from_plan_id=old.id, to_plan_id=new.id, status=PriceChangeStatus.ANNOUNCED,
        effective_at=effective_at, reason_zh=reason_zh.strip(), reason_en=reason_en.strip(), announced_at=at,
        announced_by_id=user.id,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(change)
    except IntegrityError as error:
        raise refusals.PriceChangeAnnounced from error
    version = _with_charges(new.id)
    for subscription in reached:
        db.session.add(PriceNotice(price_change_id=change.id, subscription_id=subscription.id, answer=NoticeAnswer.NONE))
        planning.plan(subscription, version, effective_at=effective_at, by=by, at=at)
    _record("price_change.announced", change, by=by, at=at, subscriptions=len(reached),
            old=f"{old.slug} {old.version_number}", new=f"{new.slug} {new.version_number}", on=effective_on.isoformat())  # fmt: skip
    return change


def withdraw(change: PriceChange, *, by: audit.Actor, at: datetime) -> None:
    """Take it back before its day: prices stay. Who chose to leave still leaves, until she says otherwise.

    A second time changes nothing. Raises PriceChangeOver.
    """
    db.lock(change)
    if change.status is PriceChangeStatus.WITHDRAWN:
        return
    _check_open(change, at)
    for notice in notices_of(change):
        planning.unplan(notice.subscription, change.to_plan_id, change.effective_at, by=by, at=at)
        # The next letter says that it is off; who has not heard of it need not hear of it at all.
        notice.told_at = None if notice.told_at else at
    _close(change, PriceChangeStatus.WITHDRAWN, at=at)
    _record("price_change.withdrawn", change, by=by, at=at)


def soonest_day(old: Plan, at: datetime) -> date:
    """The first day on which a change that is announced now can take effect: the notice is whole days."""
    return local_day(at) + timedelta(days=old.notice_days + 1)


# --- the firm ----------------------------------------------------------------------------


def accept(notice: PriceNotice, *, user: User, by: audit.Actor, at: datetime) -> None:
    """Say yes, also after having said that one leaves. A second time changes nothing. Raises PriceChangeOver."""
    _answer(notice, NoticeAnswer.ACCEPTED, user=user, by=by, at=at)


def leave(notice: PriceNotice, *, user: User, by: audit.Actor, at: datetime) -> None:
    """End the subscription at the midnight from which the new price would count: nothing is charged beyond it.

    A second time changes nothing. Raises PriceChangeOver.
    """
    _answer(notice, NoticeAnswer.LEAVING, user=user, by=by, at=at)


def _answer(notice: PriceNotice, answer: NoticeAnswer, *, user: User, by: audit.Actor, at: datetime) -> None:
    change = db.session.get_one(PriceChange, notice.price_change_id)
    subscription = db.session.get_one(Subscription, notice.subscription_id)
    db.lock(change, shared=True)
    db.lock(subscription)
    db.lock(notice)
    if subscription.status not in LIVE:
        raise refusals.AlreadyEnded
    _check_open(change, at)
    if notice.answer is answer:
        return
    if answer is NoticeAnswer.LEAVING:
        planning.end(subscription, change.effective_at, by=by, at=at)
    elif subscription.cancel_at == change.effective_at:
        actions.keep(subscription, by=by, at=at)
    notice.answer, notice.answered_by_id, notice.answered_at = answer, user.id, at
    audit.record(
        f"price_notice.{answer.value}", subscription, by=by, at=at, organization_id=subscription.organization_id,
        after={"price_change": change.id, "on": local_day(change.effective_at).isoformat()},
    )  # fmt: skip


# --- the day, and the letters ------------------------------------------------------------


def finish_due(now: datetime) -> int:
    """Close the announcements whose day has come, and keep what then holds; returns how many.

    The prices themselves follow from the planned changes, which hold by their dates whether or not this has run.
    """
    with db.transaction(readonly=True):
        query = select(PriceChange.id).where(
            PriceChange.status == PriceChangeStatus.ANNOUNCED, PriceChange.effective_at <= now
        )
        due = [*db.session.scalars(query.order_by(PriceChange.id))]
    return sum(_finish(id, now) for id in due)


def _finish(id: int, now: datetime) -> int:
    with db.transaction():
        change = db.session.get_one(PriceChange, id)
        db.lock(change)
        if change.status is not PriceChangeStatus.ANNOUNCED:
            return 0
        _close(change, PriceChangeStatus.APPLIED, at=now)
        notices, day = notices_of(change), change.effective_at
        reached = [notice for notice in notices if planning.holds(notice.subscription, change.to_plan_id, day, now=now)]
        for notice in reached:
            _keep_contract(notice, change)
        _record("price_change.applied", change, by=audit.system("worker"), at=now, subscriptions=len(reached))
    return 1


def _keep_contract(notice: PriceNotice, change: PriceChange) -> None:
    """What holds from the day on, with who said yes to it, if anybody did."""
    subscription = notice.subscription
    db.lock(subscription)
    agreed = notice.answer is NoticeAnswer.ACCEPTED
    contracts.accept(
        subscription, _with_charges(change.to_plan_id), db.session.get_one(OfferingRevision, subscription.revision_id),
        kind=ContractKind.PRICE, quantity=subscription.quantity, user_id=notice.answered_by_id if agreed else None,
        at=(notice.answered_at if agreed else None) or change.effective_at, valid_from=change.effective_at,
    )  # fmt: skip


def told(notice: PriceNotice, *, at: datetime) -> None:
    """Its letters are written, in this transaction."""
    notice.told_at = at


# --- inside ------------------------------------------------------------------------------


def _wrong_words(old: Plan, effective_at: datetime, reason_zh: str, reason_en: str, at: datetime) -> Iterator[tuple[str, str]]:
    if local_day(effective_at) < soonest_day(old, at):
        yield "effective_on", "生效日太早：要留足提前通知的天数，当天不算。"
    elif effective_at > at + FARTHEST:
        yield "effective_on", "生效日最晚是一年以后。"
    if not reason_zh.strip():
        yield "reason_zh", "写明为什么改价，客户会看到。"
    for name, text in (("reason_zh", reason_zh), ("reason_en", reason_en)):
        if len(text) > LONGEST_REASON:
            yield name, "最多 500 个字。"


def _reached(old: Plan, new: Plan, effective_at: datetime) -> Sequence[Subscription]:
    """Who will be told, once all is right with the two versions."""
    if old.offering_id != new.offering_id or old.id == new.id:
        raise refusals.PriceChangeUnsuitable
    if old.status is not PlanStatus.RETIRED:
        raise refusals.StillOnSale
    if new.status is not PlanStatus.PUBLISHED:
        raise refusals.NotForSale
    if (old.quantity_unit_zh, old.quantity_unit_en) != (new.quantity_unit_zh, new.quantity_unit_en):
        raise refusals.PriceChangeUnsuitable
    reached = affected(old, effective_at)
    if not reached:
        raise refusals.NobodyToTell
    if not all(may_buy(new, subscription.organization) for subscription in reached):
        raise refusals.PriceChangeForOthers
    # A new price takes nobody's seats away.
    sale.check_room(new, Held(None, old, max(subscription.quantity for subscription in reached)))
    return reached


def _with_charges(plan_id: int) -> Plan:
    query = select(Plan).where(Plan.id == plan_id).options(selectinload(Plan.charges).joinedload(Charge.meter))
    return db.session.scalars(query).one()


def _check_open(change: PriceChange, at: datetime) -> None:
    if change.status is not PriceChangeStatus.ANNOUNCED or change.effective_at <= at:
        raise refusals.PriceChangeOver


def _close(change: PriceChange, to: PriceChangeStatus, *, at: datetime) -> None:
    PRICE_CHANGE_LIFECYCLE.move(change, to)
    change.closed_at = at


def _record(action: str, change: PriceChange, *, by: audit.Actor, at: datetime, **after: str | int) -> None:
    offering = db.session.get_one(Offering, change.offering_id)
    provider = db.session.get_one(Provider, offering.provider_id)
    audit.record(
        action, change, by=by, at=at, after={"status": change.status, **after}, organization_id=provider.organization_id
    )
