"""Requests to providers: asked for in the transaction that needs them, in order, and taken back when pointless.

A provider has one protocol, whichever way it hears of a request: it does what the request says holds, answers
`complete` or `fail`, and may be asked the same again. By hand that is the work list, by system the signed webhook.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from market import audit, db
from market.catalog.models import Offering, Plan, Provisioning
from market.providers.models import Provider
from market.subscriptions import refusals, signals
from market.subscriptions.models import (
    LIFECYCLE,
    LIVE,
    OPEN_REQUESTS,
    ORDER_LIFECYCLE,
    REQUEST_LIFECYCLE,
    Order,
    OrderStatus,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)

#: How long a provider has: its system an hour, its people three days.
DEADLINES = {Provisioning.WEBHOOK: timedelta(hours=1), Provisioning.MANUAL: timedelta(days=3)}
#: How long one attempt to reach a provider's system holds the request; longer than it can take.
LEASE = timedelta(minutes=1)
#: Why a request was taken back: `last_error` of a canceled one.
CALLED_OFF, OVERTAKEN = "called_off", "overtaken"

_K = RequestKind
#: What each kind makes pointless.
_OVERTAKES = {
    _K.PROVISION: {_K.DEPROVISION},
    _K.DEPROVISION: {_K.UPDATE, _K.PAUSE, _K.RESUME, _K.ROTATE},
    _K.UPDATE: {_K.UPDATE},
    _K.PAUSE: {_K.PAUSE, _K.RESUME},
    _K.RESUME: {_K.PAUSE, _K.RESUME},
    _K.ROTATE: {_K.ROTATE},
}
#: Once asked, asking again adds nothing; the others may mean something new by now.
_STANDING = frozenset({_K.PROVISION, _K.DEPROVISION, _K.ROTATE})
_UNFINISHED = OPEN_REQUESTS | {RequestStatus.FAILED}


def ask(subscription: Subscription, kind: RequestKind, *, at: datetime, first: bool = False) -> ProvisioningRequest:
    """Add the request that tells the provider what to do; the sweep delivers it after the commit.

    The message says what holds when it is sent, so while nobody was told, asking again is the same request.
    The subscription is locked, or new, and then this is the `first`. What the request makes pointless is taken back.
    """
    earlier = [] if first else requests_in_order(subscription)
    known = next((each for each in earlier if each.kind is kind and each.status in OPEN_REQUESTS), None)
    if known is not None and (kind in _STANDING or known.heard_at is None):
        return known
    pointless = [each for each in earlier if each.kind in _OVERTAKES[kind] and each.status in _UNFINISHED]
    starts = max([at, *(_in_flight_until(each, at) for each in pointless)])
    for each in pointless:
        close(each, RequestStatus.CANCELED, at=at, error=OVERTAKEN)
    db.session.flush()
    mode = mode_of(subscription.plan_id)
    request = ProvisioningRequest(
        public_id=f"prov_{secrets.token_hex(10)}",
        subscription=subscription,
        number=max((each.number for each in earlier), default=0) + 1,
        kind=kind,
        mode=mode,
        next_attempt_at=starts if mode is Provisioning.WEBHOOK else None,
        due_at=at + DEADLINES[mode],
        created_at=at,
    )
    db.session.add(request)
    db.session.flush()
    signals.request_asked.send(request, subscription=subscription, at=at)
    return request


def retry(request: ProvisioningRequest, *, by: audit.Actor, at: datetime) -> ProvisioningRequest:
    """Ask once more; returns the request that is open now.

    It keeps its id, unless something was undone meanwhile: a provider answers a known id with what it answered
    first. Raises RequestNotFailed, RequestClosed, AlreadyEnded for an order called off.
    """
    subscription = take(request)
    if request.status is RequestStatus.CANCELED:
        raise refusals.AlreadyEnded if subscription.status is SubscriptionStatus.ENDED else refusals.RequestClosed
    if request.status is not RequestStatus.FAILED:
        raise refusals.RequestNotFailed
    if request.kind is RequestKind.PROVISION:
        if subscription.status is not SubscriptionStatus.FAILED:
            raise refusals.AlreadyEnded
        LIFECYCLE.move(subscription, SubscriptionStatus.PROVISIONING)
        follow(subscription, OrderStatus.PLACED)
        again = _set_up_again(request, subscription, at)
    else:
        again = _reopen(request, subscription, at)
    record("subscription.retried", subscription, by=by, at=at)
    return again


def resend(request: ProvisioningRequest, *, by: audit.Actor, at: datetime) -> None:
    """Tell the provider's system now instead of at its next turn, also when people had it to do.

    Raises RequestClosed for one that is over, NoSystem where none listens.
    """
    subscription = take(request)
    if request.status not in OPEN_REQUESTS:
        raise refusals.RequestClosed
    if not _listens(subscription.plan_id):
        raise refusals.NoSystem
    request.mode, request.next_attempt_at = Provisioning.WEBHOOK, _in_flight_until(request, at)
    audit.record("webhook.resent", request, by=by, at=at, organization_id=_seller(subscription))


def call_off(subscription: Subscription, *, at: datetime, error: str = CALLED_OFF) -> None:
    """Nobody wants any more what was to be set up; a provider that may know of it is told to undo it."""
    request = next(each for each in reversed(requests_in_order(subscription)) if each.kind is RequestKind.PROVISION)
    db.lock(request)
    close(request, RequestStatus.CANCELED, at=at, error=error)
    follow(subscription, OrderStatus.CANCELED)
    undo(request, subscription, at=at)


def undo(request: ProvisioningRequest, subscription: Subscription, *, at: datetime) -> None:
    """Have taken down what came of a set-up that is over, where the provider may have begun and nobody has asked."""
    asked = any(
        each.kind is RequestKind.DEPROVISION and each.status is not RequestStatus.CANCELED
        for each in requests_in_order(subscription)
        if each.number > request.number
    )
    if request.heard_at is not None and not asked:
        ask(subscription, RequestKind.DEPROVISION, at=at)


def rotate(subscription: Subscription, *, by: audit.Actor, at: datetime) -> ProvisioningRequest:
    """Ask for new access details; while that is open, asking again is the same request. Raises NothingToRotate."""
    db.lock(subscription)
    if subscription.status not in LIVE:
        raise refusals.NothingToRotate
    open_before = _open_one(subscription, RequestKind.ROTATE)
    if open_before is not None:
        return open_before
    record("subscription.rotation_asked", subscription, by=by, at=at)
    return ask(subscription, RequestKind.ROTATE, at=at)


# --- for the other modules of this package -----------------------------------------------


def requests_in_order(subscription: Subscription) -> Sequence[ProvisioningRequest]:
    """What the provider was asked about one subscription, in that order."""
    db.session.flush()
    query = select(ProvisioningRequest).where(ProvisioningRequest.subscription_id == subscription.id)
    return db.session.scalars(query.order_by(ProvisioningRequest.number)).all()


def take(request: ProvisioningRequest) -> Subscription:
    """Lock both rows, the subscription first everywhere, so that two who act at once cannot block each other."""
    subscription = db.session.get_one(Subscription, request.subscription_id)
    db.lock(subscription)
    db.lock(request)
    return subscription


def close(request: ProvisioningRequest, status: RequestStatus, *, at: datetime, error: str = "") -> None:
    """Nothing more is to be done about it."""
    REQUEST_LIFECYCLE.move(request, status)
    request.finished_at, request.next_attempt_at, request.last_error = at, None, error


def by_hand(request: ProvisioningRequest) -> None:
    """No system listens: it becomes work for people, who get their own time for it."""
    request.mode, request.next_attempt_at = Provisioning.MANUAL, None
    request.due_at = max(request.due_at, request.created_at + DEADLINES[Provisioning.MANUAL])


def follow(subscription: Subscription, status: OrderStatus) -> None:
    """The order goes where its subscription went; the trail of the subscription tells it."""
    underway = Order.status.in_([OrderStatus.PLACED, OrderStatus.FAILED])
    with db.session.no_autoflush:  # both are written at once
        orders = db.session.scalars(select(Order).where(Order.subscription_id == subscription.id, underway)).all()
    for order in orders:
        ORDER_LIFECYCLE.move(order, status)


def mode_of(plan_id: int) -> Provisioning:
    """As the offering says, by the provider's system only where one listens."""
    query = select(Offering.provisioning).join(Plan.offering).where(Plan.id == plan_id)
    return db.session.scalars(query).one() if _listens(plan_id) else Provisioning.MANUAL


def record(
    action: str, subscription: Subscription, *, by: audit.Actor, at: datetime, reason: str = ""
) -> None:
    """A line in the subscription's trail."""
    audit.record(
        action,
        subscription,
        by=by,
        at=at,
        reason=reason,
        after={"status": subscription.status},
        organization_id=subscription.organization_id,
    )


def _set_up_again(
    request: ProvisioningRequest, subscription: Subscription, at: datetime
) -> ProvisioningRequest:
    clean_ups = [
        each
        for each in requests_in_order(subscription)
        if each.number > request.number and each.status is not RequestStatus.CANCELED
    ]
    if any(each.heard_at is not None or each.status is RequestStatus.DONE for each in clean_ups):
        close(request, RequestStatus.CANCELED, at=at, error=OVERTAKEN)
        return ask(subscription, RequestKind.PROVISION, at=at)
    for each in clean_ups:
        close(each, RequestStatus.CANCELED, at=at, error=OVERTAKEN)
    return _reopen(request, subscription, at)


def _reopen(request: ProvisioningRequest, subscription: Subscription, at: datetime) -> ProvisioningRequest:
    mode = mode_of(subscription.plan_id)
    REQUEST_LIFECYCLE.move(request, RequestStatus.PENDING)
    request.mode = mode
    request.attempts, request.last_error, request.finished_at, request.reminded = 0, "", None, 0
    request.next_attempt_at = at if mode is Provisioning.WEBHOOK else None
    request.due_at = at + DEADLINES[mode]
    signals.request_asked.send(request, subscription=subscription, at=at)
    return request


def _open_one(subscription: Subscription, kind: RequestKind) -> ProvisioningRequest | None:
    found = requests_in_order(subscription)
    return next((each for each in found if each.kind is kind and each.status in OPEN_REQUESTS), None)


def _in_flight_until(request: ProvisioningRequest, at: datetime) -> datetime:
    """Until when an attempt may still be under way: what comes after it must not arrive before it."""
    leased = request.next_attempt_at is not None and request.attempts and request.next_attempt_at <= at + LEASE
    return max(at, request.next_attempt_at) if leased and request.next_attempt_at else at


def _listens(plan_id: int) -> bool:
    query = select(Provider.webhook_url, Provider.webhook_stopped_at).join(Offering).join(Offering.plans)
    url, stopped_at = db.session.execute(query.where(Plan.id == plan_id)).one()
    return bool(url) and stopped_at is None


def _seller(subscription: Subscription) -> int:
    return db.session.get_one(Provider, subscription.provider_id).organization_id
