"""Verbs: subscribing, and how a subscription comes to its end."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from market import audit, db
from market.accounts.models import Organization, OrganizationKind, User
from market.catalog.models import (
    Charge,
    Offering,
    OfferingRevision,
    OfferingStatus,
    Plan,
    PlanStatus,
    RevisionStatus,
)
from market.errors import Forbidden, Invalid, NotFound
from market.kit import quantity
from market.kit.refusal import Refusal
from market.providers.models import ProviderStatus
from market.subscriptions import agreement, queries, refusals, signals, span
from market.subscriptions.models import (
    LIFECYCLE,
    LIVE,
    OPENING,
    RequestKind,
    Subscription,
    SubscriptionStatus,
)
from market.subscriptions.provisioning import orders

LONGEST_KEY = 200
When = Literal["now", "period_end"]


# --- subscribing -------------------------------------------------------------------------


def subscribe(
    organization: Organization,
    plan: Plan,
    *,
    request_key: str,
    estimate: Mapping[str, str],
    user: User,
    by: audit.Actor,
    at: datetime,
    accepted_hash: str | None = None,
) -> Subscription:
    """Order `plan`: the subscription and the request to the provider, in one transaction.

    The same `request_key` is the same order, however often and by however many at once it is sent.
    `accepted_hash` is the fingerprint of the terms on the page the buyer confirmed.
    Raises NotForSale, OfferingNotLive, ProviderNotApproved, TermsChanged, RequestKeyReused, Invalid.
    """
    _check_key(request_key)
    if known := queries.by_request_key(organization, request_key):
        return _same_order(known, plan)
    if organization.kind is not OrganizationKind.BUYER:
        raise Forbidden
    sold = _for_sale(plan.id)
    revision = _published(sold.offering)
    fingerprint = agreement.terms_hash(agreement.terms(sold, revision))
    if accepted_hash is not None and accepted_hash != fingerprint:
        raise refusals.TermsChanged
    subscription = Subscription(
        public_id=f"sub_{secrets.token_hex(10)}",
        organization_id=organization.id,
        provider_id=sold.offering.provider_id,
        plan=sold,
        revision=revision,
        request_key=request_key,
        estimate=_guessed(sold, estimate),
        terms_hash=fingerprint,
        accepted_by_id=user.id,
        ordered_at=at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(subscription)
    except IntegrityError:
        # Somebody else has sent the same order in this moment: the unique key decided.
        if known := queries.by_request_key(organization, request_key):
            return _same_order(known, plan)
        raise
    _order(subscription, by, at)
    return subscription


def _order(subscription: Subscription, by: audit.Actor, at: datetime) -> None:
    orders.ask(subscription, RequestKind.PROVISION, at=at)
    LIFECYCLE.move(subscription, SubscriptionStatus.PROVISIONING)
    audit.record(
        "subscription.ordered",
        subscription,
        by=by,
        at=at,
        organization_id=subscription.organization_id,
        after={
            "status": subscription.status,
            "plan": subscription.plan.slug,
            "version": subscription.plan.version_number,
            "terms": subscription.terms_hash,
        },
    )


def _check_key(request_key: str) -> None:
    if not request_key or len(request_key) > LONGEST_KEY:
        raise Invalid(fields={"request_key": "订单编号须是 1 到 200 个字符。"})


def _same_order(known: Subscription, plan: Plan) -> Subscription:
    if known.plan_id != plan.id:
        raise refusals.RequestKeyReused
    return known


def _for_sale(plan_id: int) -> Plan:
    """The plan as it is now; it, its offering and its provider cannot change while the order is written."""
    query = select(Plan).where(Plan.id == plan_id)
    offering = joinedload(Plan.offering).joinedload(Offering.provider)
    plan = db.session.scalar(query.options(offering, selectinload(Plan.charges).joinedload(Charge.meter)))
    if plan is None:
        raise NotFound
    for thing in (plan.offering.provider, plan.offering, plan):
        db.lock(thing, shared=True)
    if plan.offering.status is not OfferingStatus.LIVE:
        raise refusals.OfferingNotLive
    if plan.offering.provider.status is not ProviderStatus.APPROVED:
        raise refusals.ProviderNotApproved
    if plan.status is not PlanStatus.PUBLISHED:
        raise refusals.NotForSale
    return plan


def _published(offering: Offering) -> OfferingRevision:
    query = select(OfferingRevision).where(
        OfferingRevision.offering_id == offering.id, OfferingRevision.status == RevisionStatus.PUBLISHED
    )
    revision = db.session.scalar(query)
    if revision is None:
        raise refusals.OfferingNotLive
    return revision


def _guessed(plan: Plan, estimate: Mapping[str, str]) -> dict[str, str]:
    """The buyer's guess for the plan's metered charges; other keys are left out. Raises Invalid."""
    guesses: dict[str, str] = {}
    problems: dict[str, str] = {}
    for charge in plan.charges:
        if charge.meter_id is None or not str(estimate.get(charge.slug, "")).strip():
            continue
        try:
            guess = quantity.parse(str(estimate[charge.slug]))
            guesses[charge.slug] = quantity.text(guess)
            if guess < 0:
                problems[charge.slug] = "用量不能小于 0。"
        except Refusal as refusal:
            problems[charge.slug] = str(refusal)
    if problems:
        raise Invalid(fields=problems)
    return guesses


# --- leaving and staying -----------------------------------------------------------------


def cancel(subscription: Subscription, *, when: When, reason: str, by: audit.Actor, at: datetime) -> None:
    """End it at once, or when the period is over that runs now; `subscription.plan.charges` is loaded.

    What is not live yet is called off without charge. Repeating a planned end changes nothing.
    Raises AlreadyEnded.
    """
    db.lock(subscription)
    if subscription.status is SubscriptionStatus.ENDED:
        raise refusals.AlreadyEnded
    if subscription.status in OPENING:
        orders.call_off(subscription, reason=reason, at=at)
        _end(subscription, at=at, reason=reason, by=by)
    elif when == "now":
        _end(subscription, at=at, reason=reason, by=by)
        orders.ask(subscription, RequestKind.DEPROVISION, at=at)
    else:
        _plan_end(subscription, span.period_end(subscription, at), reason=reason, by=by, at=at)


def keep(subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    """Take a planned end back; for a trial that is the same as `convert`. Raises NotCanceled."""
    db.lock(subscription)
    if subscription.status not in LIVE or subscription.cancel_at is None or subscription.cancel_at <= at:
        raise refusals.NotCanceled
    _stay("subscription.kept", subscription, by=by, at=at)


def convert(subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    """Go on after the trial: the free days stay free, then the plan's prices apply. Raises NotTrialing."""
    db.lock(subscription)
    over = subscription.trial_ends_at is None or subscription.trial_ends_at <= at
    if subscription.status is not SubscriptionStatus.TRIALING or over:
        raise refusals.NotTrialing
    if subscription.cancel_at is not None:
        _stay("subscription.converted", subscription, by=by, at=at)


def end_due(now: datetime) -> int:
    """End what is planned to have ended, and let converted trials become paid; returns how many moved.

    Each in a transaction of its own. The end is the planned instant, however late the sweep comes.
    """
    with db.transaction(readonly=True):
        ending = select(Subscription.id).where(Subscription.status.in_(LIVE), Subscription.cancel_at <= now)
        staying = select(Subscription.id).where(
            Subscription.status == SubscriptionStatus.TRIALING,
            Subscription.trial_ends_at <= now,
            Subscription.cancel_at.is_(None),
        )
        due = [*db.session.scalars(ending.union(staying).order_by("id"))]
    return sum(_settle(id, now) for id in due)


def _settle(id: int, now: datetime) -> int:
    with db.transaction():
        subscription = db.session.get_one(Subscription, id)
        db.lock(subscription)
        if subscription.status not in LIVE:
            return 0
        by = audit.system("worker")
        if subscription.cancel_at is not None and subscription.cancel_at <= now:
            _end(subscription, at=subscription.cancel_at, reason="", by=by)
            orders.ask(subscription, RequestKind.DEPROVISION, at=now)
            return 1
        if subscription.status is SubscriptionStatus.TRIALING and subscription.cancel_at is None:
            LIFECYCLE.move(subscription, SubscriptionStatus.ACTIVE)
            _record("subscription.trial_ended", subscription, by=by, at=now)
            return 1
    return 0


def _plan_end(subscription: Subscription, end: datetime, *, reason: str, by: audit.Actor, at: datetime) -> None:
    if subscription.cancel_at != end:
        subscription.cancel_at = end
        _record("subscription.cancel_planned", subscription, by=by, at=at, reason=reason, cancel_at=end.isoformat())


def _stay(action: str, subscription: Subscription, *, by: audit.Actor, at: datetime) -> None:
    subscription.cancel_at = None
    _record(action, subscription, by=by, at=at)


def _end(subscription: Subscription, *, at: datetime, reason: str, by: audit.Actor) -> None:
    LIFECYCLE.move(subscription, SubscriptionStatus.ENDED)
    subscription.ended_at = at
    subscription.cancel_at = subscription.cancel_at or at
    _record("subscription.ended", subscription, by=by, at=at, reason=reason)
    signals.subscription_ended.send(subscription, at=at)


def _record(
    action: str, subscription: Subscription, *, by: audit.Actor, at: datetime, reason: str = "", **after: str
) -> None:
    audit.record(
        action,
        subscription,
        by=by,
        at=at,
        reason=reason,
        after={"status": subscription.status, **after},
        organization_id=subscription.organization_id,
    )
