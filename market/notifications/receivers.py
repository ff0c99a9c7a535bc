"""Who hears what: each signal of a domain becomes letters in the outbox, in the transaction of the fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete

from market import accounts, billing, catalog, db, payments, privacy, providers, subscriptions
from market.accounts import Organization, OrganizationKind, User, Verification
from market.billing import Bill
from market.catalog import Offering, OfferingRevision
from market.kit.period import local_day
from market.notifications import (
    addressees,
    budgets,
    credits,
    dunning,
    fapiao,
    gateways,
    invitations,
    keys,
    opinions,
    personal,
    registrations,
    tasks,
    usage,
)
from market.notifications.actions import Letter, enqueue_all
from market.notifications.models import Email
from market.payments import Payment
from market.privacy import Export
from market.providers import Provider
from market.subscriptions import Order, Subscription

#: Where the people of each side fetch an archive.
EXPORTS = {OrganizationKind.BUYER: "/console/exports/", OrganizationKind.PROVIDER: "/vendor/exports/"}


def listen() -> None:
    """From now on people are told."""
    personal.listen()
    registrations.listen()
    subscriptions.subscription_activated.connect(_activated)
    subscriptions.subscription_failed.connect(_failed)
    subscriptions.subscription_ended.connect(_ended)
    subscriptions.order_waiting.connect(_order_waiting)
    subscriptions.order_decided.connect(_order_decided)
    billing.bills_finalized.connect(_finalized)
    billing.bill_paid.connect(_paid)
    payments.payment_announced.connect(_announced)
    payments.payment_arrived.connect(_arrived)
    catalog.revision_decided.connect(_decided)
    accounts.verification_decided.connect(_checked)
    accounts.check_expiring.connect(_check_expiring)
    accounts.check_expired.connect(_check_expired)
    providers.recheck_near.connect(_recheck_near)
    privacy.export_ready.connect(_export_ready)
    privacy.person_erased.connect(_erased)
    budgets.listen()
    fapiao.listen()
    opinions.listen()
    credits.listen()
    dunning.listen()
    gateways.listen()
    invitations.listen()
    keys.listen()
    usage.listen()
    tasks.listen()


def _activated(subscription: Subscription, *, at: datetime, **_: Any) -> None:
    _tell_buyer("subscription_activated", subscription, at)


def _failed(subscription: Subscription, *, at: datetime, reason: str = "", **_: Any) -> None:
    _tell_buyer("subscription_failed", subscription, at, reason=tasks.said(reason))


def _ended(subscription: Subscription, *, at: datetime, reason: str = "", **_: Any) -> None:
    if subscription.started_at:
        _tell_buyer("subscription_ended", subscription, at)
        return
    lapsed = reason == subscriptions.NOT_RETRIED
    _tell_buyer("setup_ended", subscription, at, lapsed=lapsed)
    if lapsed:
        tasks.lapsed(subscription, at=at)


def _tell_buyer(event: str, subscription: Subscription, at: datetime, **facts: str | bool) -> None:
    user = db.session.get_one(User, subscription.accepted_by_id)
    revision = db.session.get_one(OfferingRevision, subscription.revision_id)
    # A failure may happen again after a retry, and is then news again.
    key = f"{event}.{subscription.id}.{int(at.timestamp())}"
    addressees.send(key, event, [user], at, subscription=subscription, facts=revision.facts, **facts)


def _order_waiting(order: Order, *, at: datetime, **_: Any) -> None:
    """Who may approve is told; whoever ordered sees it on her page."""
    approvers = addressees.members(order.organization_id, OrganizationKind.BUYER, "orders.approve")
    addressees.send(f"order_waiting.{order.id}", "order_waiting", approvers, at, **_about(order))


def _order_decided(order: Order, *, at: datetime, **_: Any) -> None:
    buyer = db.session.get_one(User, order.ordered_by_id)
    addressees.send(f"order_decided.{order.id}", "order_decided", [buyer], at, status=order.status.value, **_about(order))


def _about(order: Order) -> dict[str, Any]:
    """What letters say of an order."""
    revision = db.session.get_one(OfferingRevision, order.revision_id)
    buyer = db.session.get_one(User, order.ordered_by_id)
    last_day = local_day(order.expires_at) if order.expires_at else None
    return {"order": order, "facts": revision.facts, "buyer": buyer, "last_day": last_day}


def _finalized(bills: Sequence[Bill], *, at: datetime, **_: Any) -> None:
    """A month close issues many at once: payers are looked up, and letters written down, for all of them together."""
    asking = [bill for bill in bills if bill.gross_fen]
    payers = addressees.members_of_all({bill.organization_id for bill in asking}, OrganizationKind.BUYER, "bills.pay")
    letters = [
        letter for bill in asking for letter in _to_payers("bill_finalized", bill, payers[bill.organization_id])
    ]
    enqueue_all(letters, at=at)


def _paid(bill: Bill, *, at: datetime, **_: Any) -> None:
    if bill.gross_fen:
        _tell_payers("bill_paid", bill, at)


def _announced(payment: Payment, *, at: datetime, **_: Any) -> None:
    """The office has to look at the account: who may confirm is told."""
    buyer = db.session.get_one(Organization, payment.organization_id)
    for office in db.session.scalars(accounts.organizations(OrganizationKind.PLATFORM)).all():
        clerks = addressees.members(office.id, OrganizationKind.PLATFORM, "payments.confirm")
        addressees.send(
            f"payment_announced.{payment.id}", "payment_announced", clerks, at,
            payment=payment, bill=payment.bill, buyer=buyer,
        )  # fmt: skip


def _arrived(payment: Payment, *, at: datetime, **_: Any) -> None:
    """A part of the money is news of its own; the whole is told by the bill that is paid."""
    if payment.bill is not None and payment.bill.owed_fen:
        payers = addressees.members(payment.organization_id, OrganizationKind.BUYER, "bills.pay")
        addressees.send(f"payment_arrived.{payment.id}", "payment_arrived", payers, at, payment=payment, bill=payment.bill)


def _tell_payers(event: str, bill: Bill, at: datetime) -> None:
    payers = addressees.members(bill.organization_id, OrganizationKind.BUYER, "bills.pay")
    enqueue_all(_to_payers(event, bill, payers), at=at)


def _to_payers(event: str, bill: Bill, payers: Iterable[User]) -> Iterator[Letter]:
    due = local_day(bill.due_at) if bill.due_at else None
    return addressees.written(f"{event}.{bill.id}", event, payers, bill=bill, month=bill.period.label, due=due)


def _decided(revision: OfferingRevision, *, at: datetime, **_: Any) -> None:
    offering = db.session.get_one(Offering, revision.offering_id)
    provider = db.session.get_one(Provider, offering.provider_id)
    editors = addressees.members(provider.organization_id, OrganizationKind.PROVIDER, "offerings.edit")
    addressees.send(
        f"revision_decided.{revision.id}.{revision.version}", "revision_decided", editors, at,
        revision=revision, offering=offering, facts=revision.facts, status=revision.status.value,
    )  # fmt: skip


def _export_ready(export: Export, *, user: User, at: datetime, **_: Any) -> None:
    organization = db.session.get(Organization, export.organization_id) if export.organization_id else None
    page = EXPORTS[organization.kind] if organization else "/account/privacy"
    addressees.send(f"export_ready.{export.id}", "export_ready", [user], at, status=export.status.value, page=page)


def _erased(user: User, **_: Any) -> None:
    """Letters name whom they were written to, and say what she did."""
    db.session.execute(delete(Email).where((Email.user_id == user.id) | (Email.recipient == user.email)))


def _checked(verification: Verification, *, at: datetime, **_: Any) -> None:
    firm = db.session.get_one(Organization, verification.organization_id)
    addressees.send(
        f"verification_decided.{verification.id}", "verification_decided", _owners(firm), at,
        verification=verification, firm=firm,
    )  # fmt: skip


def _check_expiring(firm: Organization, *, days: int, at: datetime, **_: Any) -> None:
    addressees.send(f"check_expiring.{firm.id}.{firm.verified_until}.{days}", "check_expiring", _owners(firm), at, firm=firm)


def _check_expired(firm: Organization, *, at: datetime, **_: Any) -> None:
    addressees.send(f"check_expired.{firm.id}.{firm.verified_until}", "check_expired", _owners(firm), at, firm=firm)


def _owners(firm: Organization) -> list[User]:
    return addressees.members(firm.id, firm.kind, "organization.edit")


def _recheck_near(provider: Provider, *, days: int, at: datetime, **_: Any) -> None:
    editors = addressees.members(provider.organization_id, OrganizationKind.PROVIDER, "profile.edit")
    key = f"recheck_near.{provider.id}.{provider.recheck_due_on}.{days}"
    addressees.send(key, "recheck_near", editors, at, provider=provider, due=provider.recheck_due_on, today=not days)
