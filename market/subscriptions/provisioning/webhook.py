"""Delivering requests to providers' systems: a sweep over committed rows.

A row is claimed by compare-and-swap and leased for a minute, then sent outside any transaction, then
settled. A worker that dies in between loses nothing: the lease runs out and the row is due again,
under the same id, which makes a second delivery harmless.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, select, update

from market import audit, db, resources
from market.catalog.models import Provisioning
from market.errors import MarketError
from market.providers.models import Provider
from market.subscriptions.models import (
    REQUEST_LIFECYCLE,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
)
from market.subscriptions.provisioning import payload, requests, transport
from market.subscriptions.queries import OPEN_REQUESTS, with_subscription

log = structlog.get_logger(__name__)

#: How long one claim lasts; longer than an attempt can take.
LEASE = timedelta(minutes=1)
#: Waits before each attempt, by Standard Webhooks; after the last one the request has failed.
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
#: How far a wait is stretched at most, so that many failures do not come back in one moment.
JITTER = 0.1
#: A delivered request that nobody completes is sent again after 10, 20, 40 … minutes, up to three days.
FIRST_REMINDER = timedelta(minutes=10)
LAST_REMINDER = timedelta(days=3)
AT_ONCE = 8

_dice = secrets.SystemRandom()


@dataclass(frozen=True)
class _Claim:
    """One attempt, with everything it needs outside the transaction."""

    request_id: int
    attempt: int
    public_id: str
    url: str
    secret: str
    body: bytes


def deliver_due(now: datetime, *, limit: int = 50) -> int:
    """Send what is due, oldest first, several at a time; returns how many attempts were made.

    Call it outside a transaction: it opens its own, and none is open while a provider is being called.
    """
    with db.transaction(readonly=True):
        query = select(ProvisioningRequest.id).where(_due(now))
        due = db.session.scalars(query.order_by(ProvisioningRequest.next_attempt_at).limit(limit)).all()
    if not due:
        return 0
    with ThreadPoolExecutor(min(AT_ONCE, len(due)), thread_name_prefix="webhook") as pool:
        return sum(pool.map(lambda id: _deliver(id, now), due))


def _due(now: datetime) -> ColumnElement[bool]:
    return (
        ProvisioningRequest.status.in_(OPEN_REQUESTS)
        & (ProvisioningRequest.mode == Provisioning.WEBHOOK)
        & (ProvisioningRequest.next_attempt_at <= now)
    )


def _deliver(id: int, now: datetime) -> bool:
    try:
        claim = _claim(id, now)
        if claim is None:
            return False
        outcome = transport.post(
            claim.url,
            id=claim.public_id,
            secret=claim.secret,
            body=claim.body,
            allow_private=resources.settings.allow_private_webhooks,
        )
        _settle(claim, outcome, now)
    except Exception:
        # One bad row must not keep the others waiting; its lease brings it back.
        log.exception("webhook_attempt_failed", request=id)
        return False
    return True


def _claim(id: int, now: datetime) -> _Claim | None:
    """Take the row for this attempt; None when another worker was faster or nothing listens any more."""
    with db.transaction():
        query = select(ProvisioningRequest).where(ProvisioningRequest.id == id).options(*with_subscription())
        request = db.session.scalars(query).one()
        provider = request.subscription.provider
        if not (provider.webhook_url and provider.webhook_secret):
            request.mode, request.next_attempt_at = Provisioning.MANUAL, None
            return None
        taken = update(ProvisioningRequest).where(
            ProvisioningRequest.id == id, ProvisioningRequest.version == request.version, _due(now)
        )
        attempt = request.attempts + 1
        values = taken.values(attempts=attempt, next_attempt_at=now + LEASE, version=request.version + 1)
        result = db.session.execute(values.execution_options(synchronize_session=False))
        if result.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result has it
            return None
        return _Claim(
            request_id=id,
            attempt=attempt,
            public_id=request.public_id,
            url=provider.webhook_url,
            secret=resources.cipher.decrypt(provider.webhook_secret),
            body=payload.body(request, at=now),
        )


def _settle(claim: _Claim, outcome: transport.Outcome, now: datetime) -> None:
    """Write down what came of it, unless the provider has already answered through the API."""
    with db.transaction():
        request = db.session.get_one(ProvisioningRequest, claim.request_id)
        subscription = db.session.get_one(Subscription, request.subscription_id)
        db.lock(subscription)
        db.lock(request)
        _log_attempt(request, subscription, claim, outcome, now)
        if request.status not in OPEN_REQUESTS or request.attempts != claim.attempt:
            return
        request.last_error = outcome.error
        request.answer = {"status": outcome.status, "at": now.isoformat()}
        if outcome.delivered:
            _delivered(request, subscription, outcome, now)
        else:
            _not_delivered(request, subscription, outcome, now)


def _delivered(
    request: ProvisioningRequest, subscription: Subscription, outcome: transport.Outcome, now: datetime
) -> None:
    if request.status is RequestStatus.PENDING:
        REQUEST_LIFECYCLE.move(request, RequestStatus.DELIVERED)
    request.next_attempt_at = _reminder(request, now)
    access = outcome.answer.get("access")
    if isinstance(access, dict) or outcome.answer.get("done") is True:
        try:
            requests.complete(request, access=access or {}, by=_provider(subscription), at=now)
        except MarketError as refusal:
            request.last_error = refusal.code


def _not_delivered(
    request: ProvisioningRequest, subscription: Subscription, outcome: transport.Outcome, now: datetime
) -> None:
    if request.status is RequestStatus.DELIVERED:
        request.next_attempt_at = _reminder(request, now)
    elif outcome.gone or request.attempts >= len(WAITS):
        requests.give_up(request, subscription, outcome.error, by=audit.system("worker"), at=now)
    else:
        wait = WAITS[request.attempts] * _dice.uniform(1, 1 + JITTER)
        request.next_attempt_at = now + max(wait, outcome.retry_after or timedelta(0))


def _reminder(request: ProvisioningRequest, now: datetime) -> datetime | None:
    """Each time the request is twice as old; then its deadline in the work list has to do."""
    age = now - request.created_at
    if request.kind is RequestKind.DEPROVISION or age < LAST_REMINDER:
        return now + min(max(age, FIRST_REMINDER), LAST_REMINDER)
    return None


def _provider(subscription: Subscription) -> audit.Actor:
    """The provider's system, as the trail names it."""
    return audit.Actor("system", None, db.session.get_one(Provider, subscription.provider_id).name_zh)


def _log_attempt(
    request: ProvisioningRequest,
    subscription: Subscription,
    claim: _Claim,
    outcome: transport.Outcome,
    now: datetime,
) -> None:
    """The delivery log, which the provider may read."""
    audit.record(
        "webhook.delivered" if outcome.delivered else "webhook.not_delivered",
        request,
        by=audit.system("worker"),
        at=now,
        after={"attempt": claim.attempt, "status": outcome.status, "error": outcome.error},
        organization_id=db.session.get_one(Provider, subscription.provider_id).organization_id,
    )
