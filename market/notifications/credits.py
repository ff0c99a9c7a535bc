"""Letters about money given back: notes, credits that wait for a second person, refunds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from market import accounts, db, payments
from market.accounts import Organization, OrganizationKind, User
from market.billing import Bill, credit_notes
from market.billing.credit_notes import (
    BalanceEntry,
    BalanceGrant,
    BalanceLot,
    CreditNote,
    CreditProposal,
    RefundRequest,
    RefundStatus,
)
from market.notifications import addressees


def listen() -> None:
    """From now on people are told."""
    credit_notes.credit_note_issued.connect(_issued)
    credit_notes.credit_note_voided.connect(_voided)
    credit_notes.credit_proposed.connect(_proposed)
    credit_notes.refund_asked.connect(_asked)
    credit_notes.refund_settled.connect(_settled)
    credit_notes.balance_deposited.connect(_deposited)
    credit_notes.balance_granted.connect(_granted)
    credit_notes.grant_proposed.connect(_grant_proposed)
    credit_notes.balance_expiring.connect(_expiring)


def _issued(note: CreditNote, *, at: datetime, **_: Any) -> None:
    _tell_payers("credit_note_issued", note, at)


def _voided(note: CreditNote, *, at: datetime, **_: Any) -> None:
    _tell_payers("credit_note_voided", note, at)


def _tell_payers(event: str, note: CreditNote, at: datetime) -> None:
    bill = db.session.get_one(Bill, note.bill_id)
    addressees.send(
        f"{event}.{note.id}", event, _payers(note.organization_id), at, note=note, bill=bill, month=bill.period.label,
    )  # fmt: skip


def _proposed(proposal: CreditProposal, *, at: datetime, **_: Any) -> None:
    """Everybody who could be the second person."""
    bill = db.session.get_one(Bill, proposal.bill_id)
    others = [user for user in _office("credits.approve") if user.id != proposal.asked_by_id]
    asked_by = db.session.get_one(User, proposal.asked_by_id)
    buyer = db.session.get_one(Organization, bill.organization_id)
    addressees.send(
        f"credit_proposed.{proposal.id}", "credit_proposed", others, at, proposal=proposal, bill=bill, buyer=buyer, asked_by=asked_by,
    )  # fmt: skip


def _asked(request: RefundRequest, *, at: datetime, **_: Any) -> None:
    """The office has to pay: who may is told."""
    buyer = db.session.get_one(Organization, request.organization_id)
    addressees.send(f"refund_asked.{request.id}", "refund_asked", _office("refunds.settle"), at, request=request, buyer=buyer)


def _settled(request: RefundRequest, *, at: datetime, **_: Any) -> None:
    event = "refund_paid" if request.status is RefundStatus.SUCCEEDED else "refund_failed"
    key = f"{event}.{request.id}.{int(at.timestamp())}"
    addressees.send(key, event, _payers(request.organization_id), at, request=request, by_gateway=payments.of_gateway(request.failure))


def _deposited(entry: BalanceEntry, *, at: datetime, **_: Any) -> None:
    payers = _payers(entry.organization_id)
    addressees.send(f"balance_deposited.{entry.id}", "balance_deposited", payers, at, fen=entry.amount_fen, after_fen=entry.after_fen)


def _granted(grant: BalanceGrant, *, at: datetime, **_: Any) -> None:
    addressees.send(f"balance_granted.{grant.id}", "balance_granted", _payers(grant.organization_id), at, grant=grant)


def _grant_proposed(grant: BalanceGrant, *, at: datetime, **_: Any) -> None:
    others = [user for user in _office("credits.approve") if user.id != grant.asked_by_id]
    asked_by, buyer = db.session.get_one(User, grant.asked_by_id), db.session.get_one(Organization, grant.organization_id)
    addressees.send(f"grant_proposed.{grant.id}", "grant_proposed", others, at, grant=grant, buyer=buyer, asked_by=asked_by)


def _expiring(organization: Organization, *, lots: Sequence[BalanceLot], at: datetime, **_: Any) -> None:
    key = f"balance_expiring.{organization.id}.{lots[0].id}"
    addressees.send(key, "balance_expiring", _payers(organization.id), at, lots=lots, fen=sum(lot.rest_fen for lot in lots))


def _payers(organization_id: int) -> list[User]:
    return list(addressees.members(organization_id, OrganizationKind.BUYER, "bills.pay"))


def _office(permission: str) -> list[User]:
    offices = db.session.scalars(accounts.organizations(OrganizationKind.PLATFORM)).all()
    return [user for office in offices for user in addressees.members(office.id, OrganizationKind.PLATFORM, permission)]
