"""Corrections for tests.

    correct(event, "42")                 replaced by 42; None takes it back
"""

from __future__ import annotations

from datetime import datetime
from itertools import count

from sqlalchemy import select

from market import accounts, billing, db
from market.metering import UsageEvent, corrections
from market.metering.corrections import (
    Author,
    Change,
    CorrectionStatus,
    Judged,
    Named,
    Reason,
    UsageCorrection,
)
from market.providers.models import Provider
from market.subscriptions import Subscription
from tests.builders.accounts import a_member, a_user, an_actor
from tests.builders.metering import SOURCE

_numbers = count(1)


def event_named(id: str) -> UsageEvent:
    """A stored event by its id."""
    return db.session.scalars(select(UsageEvent).where(UsageEvent.event_id == id)).one()


def change(event: UsageEvent, value: object, *, id: str = "") -> Change:
    """Its value replaced, or all of it taken back."""
    data = None if value is None else dict.fromkeys(event.data, value)
    return Change(id or f"correction-{next(_numbers)}", SOURCE, Named(event.event_id, event.source), data)


def correct(
    event: UsageEvent,
    value: object,
    *,
    now: datetime,
    user: accounts.User | None = None,
    id: str = "",
    note: str = "读数多了一位",
    dry_run: bool = False,
) -> Judged:
    """One event corrected by a person of its provider."""
    return correct_all([change(event, value, id=id)], event.provider_id, now=now, user=user, note=note, dry_run=dry_run)[0]


def correct_all(
    changes: list[Change],
    provider_id: int,
    *,
    now: datetime,
    user: accounts.User | None = None,
    note: str = "读数多了一位",
    dry_run: bool = False,
) -> list[Judged]:
    """Several at once."""
    user, provider = user or a_user(), db.session.get_one(Provider, provider_id)
    return corrections.correct(
        provider, changes, reason=Reason.WRONG_VALUE, note=note,
        author=Author(an_actor(user), user=user), now=now, stands=billing.month_stands,
        closed_until=billing.closed_until, dry_run=dry_run,
    )  # fmt: skip


def a_proposal(subscription: Subscription, *, now: datetime) -> UsageCorrection:
    """A colleague wants an event of the subscription taken back, which is too much for one person to decide."""
    event = db.session.scalars(select(UsageEvent).where(UsageEvent.subscription_id == subscription.id).limit(1)).one()
    organization = db.session.get_one(Provider, event.provider_id).organization_id
    user = a_member(db.session.get_one(accounts.Organization, organization))
    judged = correct(event, None, now=now, user=user)
    assert judged.status is CorrectionStatus.PROPOSED and judged.correction is not None
    return judged.correction


def approve(judged: Judged, user: accounts.User, *, now: datetime) -> None:
    """The second person agrees."""
    assert judged.correction is not None
    corrections.approve(
        judged.correction, user=user, by=an_actor(user), now=now, stands=billing.month_stands,
        closed_until=billing.closed_until,
    )  # fmt: skip
