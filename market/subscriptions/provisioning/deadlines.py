"""What becomes of requests that nobody answers: reminders, administrators, and in the end giving up.

Each step is one UPDATE that says what it found, so of two workers one takes it and the other finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import groupby

from sqlalchemy import ColumnElement, delete, select, update

from market import audit, db
from market.catalog.models import Provisioning
from market.providers.models import Provider
from market.subscriptions import signals
from market.subscriptions.models import (
    OPEN_REQUESTS,
    ProvisioningAttempt,
    ProvisioningRequest,
    RequestKind,
    RequestStatus,
    Subscription,
)
from market.subscriptions.provisioning import answers
from market.subscriptions.provisioning.requests import take

#: `last_error` of what was delivered and never confirmed, and of what people left undone.
NOT_CONFIRMED, NOT_DONE = "not_confirmed", "not_done"
#: People are reminded so long before the deadline; administrators hear of it so long after.
BEFORE, FAR = timedelta(days=1), timedelta(days=2)
#: After its deadline a request is given up, except for taking down: that stays to be done.
PATIENCE = {Provisioning.WEBHOOK: timedelta(days=3), Provisioning.MANUAL: timedelta(days=14)}
#: How long attempts are kept for providers to read.
KEPT = timedelta(days=90)

_R = ProvisioningRequest


class Stage(IntEnum):
    """How far people were reminded of a request."""

    NONE = 0
    SOON = 1
    OVERDUE = 2
    FAR = 3


def watch(now: datetime) -> int:
    """Remind, tell administrators, give up; returns how many requests something was done about."""
    moved = sum(_remind(stage, now) for stage in (Stage.FAR, Stage.OVERDUE, Stage.SOON))
    with db.transaction(readonly=True):
        over = [
            (_R.mode == mode) & (_R.due_at <= now - patience) for mode, patience in PATIENCE.items()
        ]
        # What was not even delivered ends with its last attempt.
        query = select(_R.id).where(
            (over[0] & (_R.status == RequestStatus.DELIVERED)) | (over[1] & _R.status.in_(OPEN_REQUESTS)),
            _R.kind != RequestKind.DEPROVISION,
        )
        due = db.session.scalars(query.order_by(_R.id)).all()
    return moved + sum(_give_up(id, now) for id in due)


def prune(now: datetime) -> int:
    """Let go of old attempts; returns how many."""
    with db.transaction():
        gone = delete(ProvisioningAttempt).where(ProvisioningAttempt.at < now - KEPT)
        result = db.session.execute(gone)
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def _remind(stage: Stage, now: datetime) -> int:
    with db.transaction():
        query = update(_R).where(_R.status.in_(OPEN_REQUESTS), _R.reminded < stage, _reached(stage, now))
        taken = db.session.scalars(
            query.values(reminded=stage, version=_R.version + 1)
            .returning(_R.id)
            .execution_options(synchronize_session=False)
        ).all()
        for provider, requests in _by_provider(taken):
            signals.requests_due.send(provider, requests=requests, stage=stage, at=now)
    return len(taken)


def _reached(stage: Stage, now: datetime) -> ColumnElement[bool]:
    if stage is Stage.FAR:
        return _R.due_at <= now - FAR
    if stage is Stage.OVERDUE:
        return _R.due_at <= now
    # A system has an hour: there is no time before that in which people could be asked.
    return (_R.due_at <= now + BEFORE) & (_R.mode == Provisioning.MANUAL)


def _by_provider(ids: Sequence[int]) -> list[tuple[Provider, list[ProvisioningRequest]]]:
    if not ids:
        return []
    query = select(_R, Subscription.provider_id).join(_R.subscription).where(_R.id.in_(ids))
    rows = db.session.execute(query.order_by(Subscription.provider_id, _R.due_at, _R.id)).all()
    return [
        (db.session.get_one(Provider, provider_id), [request for request, _ in group])
        for provider_id, group in groupby(rows, key=lambda row: row[1])
    ]


def _give_up(id: int, now: datetime) -> int:
    with db.transaction():
        request = db.session.get_one(ProvisioningRequest, id)
        subscription = take(request)
        if request.status not in OPEN_REQUESTS or request.due_at > now - PATIENCE[request.mode]:
            return 0
        by_system = request.mode is Provisioning.WEBHOOK
        code = NOT_CONFIRMED if by_system else NOT_DONE
        answers.give_up(request, subscription, code, by=audit.system("worker"), at=now)
        return 1
