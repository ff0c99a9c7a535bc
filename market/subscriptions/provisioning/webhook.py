"""Delivering requests to providers' systems: a sweep over committed rows.

A row is claimed by compare-and-swap and leased for a minute, then sent outside any transaction, then
settled. A worker that dies in between loses nothing: the lease runs out and the row is due again,
under the same id, which makes a second delivery harmless.
"""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import aliased

from market import audit, db, providers, resources
from market.catalog.models import Provisioning
from market.errors import Invalid, MarketError
from market.providers.models import Provider
from market.subscriptions import refusals
from market.subscriptions.models import (
    OPEN_REQUESTS,
    REQUEST_LIFECYCLE,
    ProvisioningAttempt,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
)
from market.subscriptions.provisioning import answers, payload, requests, transport
from market.subscriptions.provisioning.requests import LEASE
from market.subscriptions.queries import with_subscription

log = structlog.get_logger(__name__)

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
#: With these the message never left for the provider, who therefore has made nothing.
NEVER_LEFT = frozenset({"unreachable", "unknown_host", "private_target", "not_https"})

_dice = secrets.SystemRandom()


@dataclass(frozen=True)
class _Claim:
    """One attempt, with everything it needs outside the transaction."""

    request_id: int
    attempt: int
    public_id: str
    url: str
    secrets: tuple[str, ...]
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
    earlier = aliased(ProvisioningRequest)
    waits = exists().where(
        earlier.subscription_id == ProvisioningRequest.subscription_id,
        earlier.number < ProvisioningRequest.number,
        # Nothing overtakes: neither what has not arrived yet, nor setting up before it is done.
        ((earlier.status == RequestStatus.PENDING) & (earlier.mode == Provisioning.WEBHOOK))
        | ((earlier.kind == RequestKind.PROVISION) & earlier.status.in_(OPEN_REQUESTS)),
    )
    return (
        ProvisioningRequest.status.in_(OPEN_REQUESTS)
        & (ProvisioningRequest.mode == Provisioning.WEBHOOK)
        & (ProvisioningRequest.next_attempt_at <= now)
        & ~waits
    )


def _deliver(id: int, now: datetime) -> bool:
    try:
        claim = _claim(id, now)
        if claim is None:
            return False
        began = time.monotonic()
        outcome = transport.post(
            claim.url,
            id=claim.public_id,
            secrets=claim.secrets,
            body=claim.body,
            allow_private=resources.settings.allow_private_webhooks,
        )
        _settle(claim, outcome, now, took_ms=int((time.monotonic() - began) * 1000))
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
        signing = providers.webhook_secrets(provider, at=now)
        if not (provider.webhook_url and signing) or provider.webhook_stopped_at is not None:
            requests.by_hand(request)
            return None
        taken = update(ProvisioningRequest).where(
            ProvisioningRequest.id == id, ProvisioningRequest.version == request.version, _due(now)
        )
        attempt = request.attempts + 1
        values = taken.values(
            attempts=attempt, next_attempt_at=now + LEASE, heard_at=request.heard_at or now,
            version=request.version + 1,
        )  # fmt: skip
        result = db.session.execute(values.execution_options(synchronize_session=False))
        if result.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result has it
            return None
        return _Claim(
            request_id=id,
            attempt=attempt,
            public_id=request.public_id,
            url=provider.webhook_url,
            secrets=signing,
            body=payload.body(request, at=now),
        )


def _settle(claim: _Claim, outcome: transport.Outcome, now: datetime, *, took_ms: int) -> None:
    """Write down what came of it, unless the provider has already answered through the API."""
    with db.transaction():
        request = db.session.get_one(ProvisioningRequest, claim.request_id)
        subscription = requests.take(request)
        if claim.attempt == 1 and request.attempts == 1 and outcome.error in NEVER_LEFT:
            request.heard_at = None
        if request.status not in OPEN_REQUESTS or request.attempts != claim.attempt:
            _log_attempt(request, subscription, claim, outcome, now, took_ms)
            return
        request.last_error = outcome.error or outcome.remark
        request.answer = {"status": outcome.status, "at": now.isoformat()}
        if outcome.delivered:
            _delivered(request, subscription, outcome, now)
        else:
            _not_delivered(request, subscription, outcome, now)
        _log_attempt(request, subscription, claim, outcome, now, took_ms)


def _delivered(
    request: ProvisioningRequest, subscription: Subscription, outcome: transport.Outcome, now: datetime
) -> None:
    if request.status is RequestStatus.PENDING:
        REQUEST_LIFECYCLE.move(request, RequestStatus.DELIVERED)
    request.next_attempt_at = _reminder(request, now)
    try:
        access = _answered(outcome.answer, request, subscription)
        if access is not None:
            answers.complete(request, access=access, by=_provider(subscription), at=now)
    except MarketError as refusal:
        request.last_error = refusal.code


def _answered(
    answer: dict[str, Any], request: ProvisioningRequest, subscription: Subscription
) -> dict[str, Any] | None:
    """The access details of an answer that says it is done; None when that will be said later.

    Raises Invalid for an answer of wrong types, WrongSubject for one about something else.
    """
    subjects = {"request": request.public_id, "subscription": subscription.public_id}
    if any(name in answer and answer[name] != own for name, own in subjects.items()):
        raise refusals.WrongSubject
    access, done = answer.get("access"), answer.get("done", False)
    if not isinstance(done, bool) or not (access is None or isinstance(access, dict)):
        raise Invalid(fields={"access": "回应里 access 是对象，done 是 true 或 false。"})
    return access or {} if done or access is not None else None


def _not_delivered(
    request: ProvisioningRequest, subscription: Subscription, outcome: transport.Outcome, now: datetime
) -> None:
    if outcome.gone:
        providers.stop_webhook(db.session.get_one(Provider, subscription.provider_id), at=now)
        requests.by_hand(request)
    elif request.status is RequestStatus.DELIVERED:
        request.next_attempt_at = _reminder(request, now)
    elif request.attempts >= len(WAITS):
        answers.give_up(request, subscription, outcome.error, by=audit.system("worker"), at=now)
    else:
        wait = WAITS[request.attempts] * _dice.uniform(1, 1 + JITTER)
        request.next_attempt_at = now + max(wait, outcome.retry_after or timedelta(0))


def _reminder(request: ProvisioningRequest, now: datetime) -> datetime | None:
    """Each time the request is twice as old; then its deadline in the work list has to do."""
    age = now - (request.due_at - requests.DEADLINES[Provisioning.WEBHOOK])
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
    took_ms: int,
) -> None:
    """The delivery log, which the provider may read."""
    remark = request.last_error if outcome.delivered and request.status in OPEN_REQUESTS else ""
    db.session.add(
        ProvisioningAttempt(
            request_id=request.id, number=claim.attempt, at=now, took_ms=took_ms, status=outcome.status,
            error=outcome.error or remark, answer=outcome.excerpt,
        )
    )  # fmt: skip
    audit.record(
        "webhook.delivered" if outcome.delivered else "webhook.not_delivered",
        request,
        by=audit.system("worker"),
        at=now,
        after={"attempt": claim.attempt, "status": outcome.status, "error": outcome.error},
        organization_id=db.session.get_one(Provider, subscription.provider_id).organization_id,
    )
