"""What providers answer: done, cannot be done, or nothing in time. A closed request is never completed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from market import audit, db
from market.catalog.models import Plan
from market.errors import Invalid
from market.subscriptions import access as details
from market.subscriptions import refusals, signals, span
from market.subscriptions.models import (
    LIFECYCLE,
    OPEN_REQUESTS,
    OrderStatus,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import requests
from market.subscriptions.provisioning.requests import close, follow, record, take

LONGEST_REASON = 500
#: A provider that confirms too late again and again is asked so often to take it down, and then no more.
MOST_CLEAN_UPS = 3
#: What a finished request is called in the trail. Setting up makes the subscription live and is told there.
_DONE = {
    RequestKind.DEPROVISION: "subscription.deprovisioned",
    RequestKind.UPDATE: "subscription.update_confirmed",
    RequestKind.PAUSE: "subscription.pause_confirmed",
    RequestKind.RESUME: "subscription.resume_confirmed",
    RequestKind.ROTATE: "subscription.access_rotated",
}


def complete(request: ProvisioningRequest, *, access: Mapping[str, str], by: audit.Actor, at: datetime) -> None:
    """The provider has done it. A second time changes nothing.

    A new subscription becomes live now, with its access details encrypted; details sent later replace them.
    Raises RequestClosed for a request that failed or was taken back, and ConfirmedLate, after asking to take
    down what was made, when it was about setting up; Invalid for details that cannot be kept.
    """
    subscription = take(request)
    if request.status is RequestStatus.DONE:
        return
    if request.status not in OPEN_REQUESTS:
        raise _too_late(request, subscription, by, at)
    given = details.checked(access)
    if request.kind is RequestKind.ROTATE and not given:
        raise Invalid(fields={"access": "写上新的登录信息，客户要靠它登录。"})
    if request.kind not in (RequestKind.DEPROVISION, RequestKind.PAUSE):
        details.seal(subscription, given, at=at)
    if request.kind is RequestKind.PROVISION:
        _activate(subscription, by=by, at=at)
    else:
        record(_DONE[request.kind], subscription, by=by, at=at)
    close(request, RequestStatus.DONE, at=at)
    if request.kind is RequestKind.ROTATE:
        signals.access_rotated.send(subscription, at=at)


def fail(request: ProvisioningRequest, *, reason: str, by: audit.Actor, at: datetime) -> None:
    """The provider cannot do it, for a reason the buyer reads. A second time changes nothing.

    Raises RequestClosed once it is done or taken back, Invalid without a reason.
    """
    # Neither database keeps NUL or half of a surrogate pair.
    reason = reason.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid(fields={"reason": "写明原因，客户会看到。最多 500 个字。"})
    subscription = take(request)
    if request.status is RequestStatus.FAILED:
        return
    if request.status not in OPEN_REQUESTS:
        raise refusals.RequestClosed
    _fail(request, subscription, reason, by=by, at=at)


def give_up(
    request: ProvisioningRequest, subscription: Subscription, code: str, *, by: audit.Actor, at: datetime
) -> None:
    """Nobody has done it in time; both rows are locked. What the provider may have made is to be taken down."""
    _fail(request, subscription, code, by=by, at=at)
    if request.kind is RequestKind.PROVISION:
        requests.undo(request, subscription, at=at)


def _fail(
    request: ProvisioningRequest, subscription: Subscription, reason: str, *, by: audit.Actor, at: datetime
) -> None:
    close(request, RequestStatus.FAILED, at=at, error=reason)
    if request.kind is not RequestKind.PROVISION:
        record(f"subscription.{request.kind}_failed", subscription, by=by, at=at, reason=reason)
        signals.request_failed.send(request, subscription=subscription, at=at, reason=reason)
        return
    LIFECYCLE.move(subscription, SubscriptionStatus.FAILED)
    follow(subscription, OrderStatus.FAILED)
    record("subscription.failed", subscription, by=by, at=at, reason=reason)
    signals.subscription_failed.send(subscription, at=at, reason=reason)


def _too_late(
    request: ProvisioningRequest, subscription: Subscription, by: audit.Actor, at: datetime
) -> refusals.RequestClosed:
    """Something was made that nobody waits for: it is never charged, and has to go, unless it is wanted again."""
    if request.kind is not RequestKind.PROVISION:
        return refusals.RequestClosed()
    later = [each for each in requests.requests_in_order(subscription) if each.number > request.number]
    wanted = any(each.kind is RequestKind.PROVISION for each in later)
    clean_ups = [each for each in later if each.kind is RequestKind.DEPROVISION]
    if wanted or len(clean_ups) >= MOST_CLEAN_UPS or any(each.status in OPEN_REQUESTS for each in clean_ups):
        return refusals.RequestClosed()
    record("subscription.confirmed_late", subscription, by=by, at=at)
    requests.ask(subscription, RequestKind.DEPROVISION, at=at)
    return refusals.ConfirmedLate()


def _activate(subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    trial_days = db.session.get_one(Plan, subscription.plan_id).trial_days
    subscription.started_at = at
    if trial_days:
        subscription.trial_ends_at = span.trial_end(at, trial_days)
        # A trial ends by itself; converting it takes this date away.
        subscription.cancel_at = subscription.trial_ends_at
    LIFECYCLE.move(subscription, SubscriptionStatus.TRIALING if trial_days else SubscriptionStatus.ACTIVE)
    follow(subscription, OrderStatus.FULFILLED)
    record("subscription.activated", subscription, by=by, at=at)
    signals.subscription_activated.send(subscription, at=at)
