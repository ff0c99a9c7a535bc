"""Letters about usage: what was corrected, what waits for a second person, objections, and meters that fell silent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from market import db
from market.accounts import Organization, OrganizationKind, User
from market.catalog import Meter, OfferingRevision
from market.metering import signals
from market.metering.completeness import Silence
from market.metering.corrections import UsageCorrection
from market.metering.reconciliation import ReconciledDay
from market.notifications import addressees
from market.providers import Provider
from market.subscriptions import Subscription


def listen() -> None:
    """From now on people are told."""
    signals.usage_corrected.connect(_corrected)
    signals.correction_proposed.connect(_proposed)
    signals.meter_silent.connect(_silent)
    signals.day_disputed.connect(_disputed)
    signals.dispute_answered.connect(_answered)


def _corrected(correction: UsageCorrection, *, at: datetime, **_: Any) -> None:
    """Of a running month the pages tell; a bill that was issued is news for whoever pays."""
    if not correction.billed or not correction.change_fen:
        return
    subscription = db.session.get_one(Subscription, correction.subscription_id)
    payers = addressees.members(subscription.organization_id, OrganizationKind.BUYER, "bills.pay")
    addressees.send(
        f"usage_corrected.{correction.id}", "usage_corrected", payers, at, correction=correction, month=correction.period.label,
        **_about(subscription),
    )  # fmt: skip


def _proposed(correction: UsageCorrection, *, at: datetime, **_: Any) -> None:
    """Everybody who could be the second person."""
    subscription = db.session.get_one(Subscription, correction.subscription_id)
    others = [user for user in _sellers(subscription, "corrections.approve") if user.id != correction.author_id]
    addressees.send(
        f"correction_proposed.{correction.id}", "correction_proposed", others, at, correction=correction,
        month=correction.period.label, **_about(subscription),
    )  # fmt: skip


def _silent(silence: Silence, *, at: datetime, **_: Any) -> None:
    subscription = db.session.get_one(Subscription, silence.subscription_id)
    meter = db.session.get_one(Meter, silence.meter_id)
    sellers = _sellers(subscription, "events.read")
    addressees.send(f"meter_silent.{silence.id}", "meter_silent", sellers, at, silence=silence, meter=meter, **_about(subscription))


def _disputed(day: ReconciledDay, *, at: datetime, **_: Any) -> None:
    subscription = db.session.get_one(Subscription, day.subscription_id)
    meter = db.session.get_one(Meter, day.meter_id)
    key = f"day_disputed.{day.id}.{int(at.timestamp())}"
    addressees.send(key, "day_disputed", _sellers(subscription, "days.answer"), at, day=day, meter=meter, **_about(subscription))


def _answered(day: ReconciledDay, *, at: datetime, **_: Any) -> None:
    subscription = db.session.get_one(Subscription, day.subscription_id)
    meter = db.session.get_one(Meter, day.meter_id)
    user, key = db.session.get_one(User, day.said_by_id), f"dispute_answered.{day.id}.{int(at.timestamp())}"
    addressees.send(key, "dispute_answered", [user], at, day=day, meter=meter, **_about(subscription))


def _about(subscription: Subscription) -> dict[str, Any]:
    """What letters say of a subscription."""
    revision = db.session.get_one(OfferingRevision, subscription.revision_id)
    customer = db.session.get_one(Organization, subscription.organization_id)
    return {"subscription": subscription, "facts": revision.facts, "customer": customer}


def _sellers(subscription: Subscription, permission: str) -> list[User]:
    provider = db.session.get_one(Provider, subscription.provider_id)
    return addressees.members(provider.organization_id, OrganizationKind.PROVIDER, permission)
