"""Accepting a day's usage, objecting to it, answering, settling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from market import audit, db, resources
from market.accounts.models import User
from market.catalog.models import Meter
from market.errors import Invalid, Refused
from market.kit.period import local_day
from market.metering import signals
from market.metering.reconciliation import queries
from market.metering.reconciliation.models import LIFECYCLE, DayStatus, ReconciledDay
from market.subscriptions.models import Subscription

REASON_LIMIT = 500
#: How many answered objections one turn of the sweep settles.
AT_ONCE = 500


class NotOver(Refused):
    """The day goes on; its figures still move."""

    code = "day_not_over"
    message = "这一天还没有结束，结束以后才能确认或提出异议。"


class TooLate(Refused):
    """The time in which one may object is over."""

    code = "objection_too_late"
    message = "这一天的用量已经过了异议期（%(days)s 天），视为已确认。还有问题请直接联系服务商。"


class AlreadySaid(Refused):
    """It is in that state already, or in one from which it cannot get there."""

    code = "day_state"
    message = "这一天的异议还没有解决，或者已经解决了，不能这样操作。请刷新页面看现在的状态。"


def accept(subscription: Subscription, meter: Meter, day: date, *, user: User, by: audit.Actor, now: datetime) -> ReconciledDay:
    """The buyer agrees with a day, before time does it for her. Twice changes nothing. Raises NotOver, AlreadySaid."""
    found = _day(subscription, meter, day, user, now)
    if found.status is DayStatus.REPORTED:
        LIFECYCLE.move(found, DayStatus.ACCEPTED)
        _record(found, "reconciled_day.accepted", by, now)
    elif found.status is not DayStatus.ACCEPTED:
        raise AlreadySaid
    return found


def dispute(
    subscription: Subscription, meter: Meter, day: date, *, reason: str, user: User, by: audit.Actor, now: datetime
) -> ReconciledDay:
    """The buyer objects; the provider is asked for an answer. Raises NotOver, TooLate, AlreadySaid, Invalid."""
    reason = _worded(reason, "写明哪里不对，服务商会看到")
    found = _day(subscription, meter, day, user, now)
    if not LIFECYCLE.allows(found.status, DayStatus.DISPUTED):
        raise AlreadySaid
    if now >= queries.open_until(subscription.id, [meter], day):
        raise TooLate(days=resources.settings.objection_days)
    LIFECYCLE.move(found, DayStatus.DISPUTED)
    found.reason, found.said_by_id, found.said_at = reason, user.id, now
    found.answer, found.answered_at, found.answered_by_id, found.settled_at = "", None, None, None
    _record(found, "reconciled_day.disputed", by, now)
    signals.day_disputed.send(found, at=now)
    return found


def answer(found: ReconciledDay, *, text: str, user: User, by: audit.Actor, now: datetime) -> None:
    """The provider answers, perhaps again; the buyer has the last word. Raises AlreadySaid, Invalid."""
    db.lock(found)
    if found.status is not DayStatus.DISPUTED:
        raise AlreadySaid
    text = _worded(text, "写明核对的结果，客户会看到")
    found.answer, found.answered_by_id, found.answered_at = text, user.id, now
    _record(found, "reconciled_day.answered", by, now)
    signals.dispute_answered.send(found, at=now)


def settle(found: ReconciledDay, *, by: audit.Actor, now: datetime) -> None:
    """The buyer is content, with the answer or without one. Raises AlreadySaid."""
    db.lock(found)
    if found.status is DayStatus.SETTLED:
        return
    if found.status is not DayStatus.DISPUTED:
        raise AlreadySaid
    LIFECYCLE.move(found, DayStatus.SETTLED)
    found.settled_at = now
    _record(found, "reconciled_day.settled", by, now)


def settle_due(now: datetime) -> int:
    """Settle objections whose answer nobody has spoken against for as long as one may object; returns how many."""
    before = now - timedelta(days=resources.settings.objection_days)
    due = select(ReconciledDay).where(ReconciledDay.status == DayStatus.DISPUTED, ReconciledDay.answered_at < before)
    with db.transaction(readonly=True):
        waiting: Sequence[int] = db.session.scalars(due.with_only_columns(ReconciledDay.id).limit(AT_ONCE)).all()
    for id in waiting:
        with db.transaction():
            found = db.session.scalar(due.where(ReconciledDay.id == id))
            if found is not None:
                settle(found, by=audit.system("metering"), now=now)
    return len(waiting)


def _day(subscription: Subscription, meter: Meter, day: date, user: User, now: datetime) -> ReconciledDay:
    """The day's row, made if there is none. Who speaks about one subscription takes turns."""
    if day >= local_day(now):
        raise NotOver
    db.serialize(f"reconciled days {subscription.id}")
    same = (
        ReconciledDay.subscription_id == subscription.id, ReconciledDay.meter_id == meter.id, ReconciledDay.day == day
    )  # fmt: skip
    found = db.session.scalar(select(ReconciledDay).where(*same).execution_options(populate_existing=True))
    if found is None:
        found = ReconciledDay(
            subscription_id=subscription.id, meter_id=meter.id, day=day, status=LIFECYCLE.initial, reason="", answer="",
            said_by_id=user.id, said_at=now,
        )  # fmt: skip
        db.session.add(found)
    return found


def _record(found: ReconciledDay, action: str, by: audit.Actor, at: datetime) -> None:
    subscription = db.session.get_one(Subscription, found.subscription_id)
    audit.record(
        action, found, by=by, at=at, reason=found.answer or found.reason, organization_id=subscription.organization_id,
        after={"subscription": subscription.public_id, "meter": found.meter_id, "day": found.day.isoformat()},
    )  # fmt: skip


def _worded(text: str, wanted: str) -> str:
    text = text.replace("\0", "").strip()
    if not text:
        raise Invalid(fields={"reason": wanted})
    if len(text) > REASON_LIMIT:
        raise Invalid(fields={"reason": "最多 500 个字"})
    return text
