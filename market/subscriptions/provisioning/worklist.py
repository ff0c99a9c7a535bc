"""Questions about requests: a provider's work list in its views, what stands still, and the attempts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from market import db
from market.providers.models import Provider
from market.subscriptions.models import (
    OPEN_REQUESTS,
    ProvisioningAttempt,
    ProvisioningRequest,
    RequestStatus,
    Subscription,
)
from market.subscriptions.queries import needed, with_subscription

_R = ProvisioningRequest


class View(StrEnum):
    """A part of the work list."""

    OPEN = "open"
    OVERDUE = "overdue"
    FAILED = "failed"
    CLOSED = "closed"


def worklist(provider: Provider, view: View, now: datetime) -> Select[ProvisioningRequest]:
    """A provider's requests in one view, all loaded: what is to be done by deadline, what is closed newest first."""
    query = _of(provider).where(_in(view, now)).options(*with_subscription())
    order = (_R.finished_at.desc(), _R.id.desc()) if view is View.CLOSED else (_R.due_at, _R.id)
    return query.order_by(*order)


def worklist_counts(provider: Provider, now: datetime) -> Mapping[View, int]:
    """How many requests each view has, except those that are closed."""
    views = (View.OPEN, View.OVERDUE, View.FAILED)
    columns = [func.count().filter(_in(view, now)) for view in views]
    query = select(*columns).select_from(_R).join(_R.subscription).where(Subscription.provider_id == provider.id)
    return dict(zip(views, db.session.execute(query).one(), strict=True))


def chosen(provider: Provider, ids: Iterable[int]) -> Sequence[ProvisioningRequest]:
    """Those of some requests that are this provider's and still open, by deadline."""
    query = _of(provider).where(_R.id.in_(list(ids)), _R.status.in_(OPEN_REQUESTS))
    return db.session.scalars(query.options(*with_subscription()).order_by(_R.due_at, _R.id)).all()


def stuck_requests(now: datetime, *, failed: bool) -> Select[ProvisioningRequest]:
    """Of every provider, the requests that have failed, or else are overdue, the longest first; all loaded."""
    state = _R.status == RequestStatus.FAILED if failed else _R.status.in_(OPEN_REQUESTS) & (_R.due_at <= now)
    query = select(_R).join(_R.subscription).where(needed(), state)
    return query.options(*with_subscription()).order_by(_R.due_at, _R.id)


def stuck_count(now: datetime) -> int:
    """How many requests are overdue or have failed, of every provider."""
    late = or_(_R.status == RequestStatus.FAILED, _R.due_at <= now)
    return db.session.scalar(select(func.count()).select_from(_R).join(_R.subscription).where(needed(), late)) or 0


def attempts_at(provider: Provider, request: ProvisioningRequest | None = None) -> Select[ProvisioningAttempt]:
    """Attempts to reach a provider's system, the latest first, perhaps only about one request; with whose it was."""
    query = select(ProvisioningAttempt).join(ProvisioningAttempt.request).join(_R.subscription)
    query = query.where(Subscription.provider_id == provider.id)
    if request is not None:
        query = query.where(ProvisioningAttempt.request_id == request.id)
    whole = joinedload(ProvisioningAttempt.request).joinedload(_R.subscription)
    return query.options(whole.joinedload(Subscription.organization)).order_by(ProvisioningAttempt.id.desc())


def _of(provider: Provider) -> Select[ProvisioningRequest]:
    return select(_R).join(_R.subscription).where(Subscription.provider_id == provider.id)


def _in(view: View, now: datetime) -> ColumnElement[bool]:
    if view is View.OPEN:
        return _R.status.in_(OPEN_REQUESTS)
    if view is View.OVERDUE:
        return _R.status.in_(OPEN_REQUESTS) & (_R.due_at <= now)
    if view is View.FAILED:
        return needed() & (_R.status == RequestStatus.FAILED)
    return ~_R.status.in_(OPEN_REQUESTS) & ~needed()
