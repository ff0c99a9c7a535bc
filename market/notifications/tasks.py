"""Letters about what providers are asked to do: new tasks, deadlines, what could not be done, new access details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from market import accounts, db, providers, subscriptions
from market.accounts import Organization, OrganizationKind, User
from market.catalog import OfferingRevision
from market.catalog.models import Provisioning
from market.kit.period import SHANGHAI
from market.notifications import addressees
from market.providers import Provider
from market.subscriptions import ProvisioningRequest, RequestKind, Stage, Subscription

#: A letter names so many tasks; the rest is a number and the page.
LISTED = 10


def listen() -> None:
    """From now on people are told."""
    subscriptions.request_asked.connect(_asked)
    subscriptions.requests_due.connect(_due)
    subscriptions.request_failed.connect(_failed)
    subscriptions.access_rotated.connect(_rotated)
    providers.webhook_stopped.connect(_stopped)


def _asked(request: ProvisioningRequest, *, subscription: Subscription, at: datetime, **_: Any) -> None:
    """A system hears of it by itself; people have to be told."""
    if request.mode is not Provisioning.MANUAL:
        return
    key = f"task_new.{request.id}.{int(at.timestamp())}"
    addressees.send(key, "task_new", _sellers(subscription.provider_id), at, **_about(request, subscription))


def _due(
    provider: Provider, *, requests: Sequence[ProvisioningRequest], stage: Stage, at: datetime, **_: Any
) -> None:
    """One letter for all of a provider's tasks that came as far in this moment."""
    tasks = [
        _about(each, db.session.get_one(Subscription, each.subscription_id)) for each in requests[:LISTED]
    ]
    facts = {"tasks": tasks, "count": len(requests), "provider": provider, "late": stage is not Stage.SOON}
    key = f"{provider.id}.{stage.name}.{requests[0].id}.{int(at.timestamp())}"
    addressees.send(f"tasks_due.{key}", "tasks_due", _sellers(provider.id), at, **facts)
    if stage is Stage.FAR:
        addressees.send(f"tasks_far.{key}", "tasks_far", _office("provisioning.read"), at, **facts)


def _failed(
    request: ProvisioningRequest, *, subscription: Subscription, reason: str, at: datetime, **_: Any
) -> None:
    """What the buyer asked for and did not get; that something is not taken down yet is the provider's matter."""
    if request.kind is not RequestKind.DEPROVISION:
        buyer = db.session.get_one(User, subscription.accepted_by_id)
        key = f"task_failed.{request.id}.{int(at.timestamp())}"
        addressees.send(key, "task_failed", [buyer], at, reason=said(reason), **_about(request, subscription))


def lapsed(subscription: Subscription, *, at: datetime) -> None:
    """The provider's people hear that a set-up they could not do is over."""
    revision = db.session.get_one(OfferingRevision, subscription.revision_id)
    customer = db.session.get_one(Organization, subscription.organization_id)
    people = _sellers(subscription.provider_id)
    addressees.send(
        f"setup_lapsed.{subscription.id}", "setup_lapsed", people, at,
        subscription=subscription, facts=revision.facts, customer=customer,
    )  # fmt: skip


def _rotated(subscription: Subscription, *, at: datetime, **_: Any) -> None:
    people = addressees.members(subscription.organization_id, OrganizationKind.BUYER, "access.read")
    revision = db.session.get_one(OfferingRevision, subscription.revision_id)
    key = f"access_rotated.{subscription.id}.{int(at.timestamp())}"
    addressees.send(key, "access_rotated", people, at, subscription=subscription, facts=revision.facts)


def _stopped(provider: Provider, *, at: datetime, **_: Any) -> None:
    people = addressees.members(provider.organization_id, OrganizationKind.PROVIDER, "keys.edit")
    addressees.send(f"webhook_stopped.{provider.id}.{int(at.timestamp())}", "webhook_stopped", people, at, provider=provider)


def said(reason: str) -> str:
    """A provider's own words; nothing for the code of what went wrong between the systems."""
    return "" if reason.replace("_", "").isalnum() and reason.isascii() else reason


def _about(request: ProvisioningRequest, subscription: Subscription) -> dict[str, Any]:
    revision = db.session.get_one(OfferingRevision, subscription.revision_id)
    customer = db.session.get_one(Organization, subscription.organization_id)
    return {
        "request": request, "kind": request.kind.value, "due": request.due_at.astimezone(SHANGHAI), "facts": revision.facts,
        "customer": customer, "subscription": subscription,
    }  # fmt: skip


def _sellers(provider_id: int) -> list[User]:
    provider = db.session.get_one(Provider, provider_id)
    return addressees.members(provider.organization_id, OrganizationKind.PROVIDER, "provisioning.do")


def _office(permission: str) -> list[User]:
    offices = db.session.scalars(accounts.organizations(OrganizationKind.PLATFORM)).all()
    return [user for office in offices for user in addressees.members(office.id, OrganizationKind.PLATFORM, permission)]
