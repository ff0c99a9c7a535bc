"""Letters about bills that are not paid: reminders, the last notice, services that stop, go on or end.

Each names what is owed, the next step and its day, so that whoever reads one knows what comes without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from market import db, dunning
from market.accounts import Organization, OrganizationKind, User
from market.billing import Bill
from market.dunning import Hold, Kind, Step
from market.kit.period import local_day
from market.notifications import addressees

_EVENTS: Mapping[Kind, str] = {
    Kind.LAST_NOTICE: "bill_last_notice",
    Kind.SUSPENSION: "services_stopped",
    Kind.END_NOTICE: "services_ending",
}


def listen() -> None:
    """From now on people are told."""
    dunning.step_taken.connect(_taken)
    dunning.held.connect(_held)
    dunning.reinstated.connect(_reinstated)


def _taken(step: Step, *, bill: Bill, stops_on: date, at: datetime, **_: Any) -> None:
    due = local_day(bill.due_at) if bill.due_at else None
    event = _EVENTS.get(step.kind, "bill_overdue" if due and local_day(at) > due else "bill_due_soon")
    addressees.send(
        f"dunning.{step.id}", event, _payers(bill.organization_id), at, bill=bill, month=bill.period.label, due=due,
        stops_on=stops_on, today=local_day(at),
    )  # fmt: skip


def _held(hold: Hold, *, at: datetime, **_: Any) -> None:
    bill = db.session.get_one(Bill, hold.bill_id) if hold.bill_id else None
    addressees.send(f"dunning_held.{hold.id}", "bill_held", _payers(hold.organization_id), at, hold=hold, bill=bill)


def _reinstated(organization: Organization, *, count: int, at: datetime, **_: Any) -> None:
    key = f"services_reinstated.{organization.id}.{int(at.timestamp())}"
    addressees.send(key, "services_reinstated", _payers(organization.id), at, count=count)


def _payers(organization_id: int) -> list[User]:
    return addressees.members(organization_id, OrganizationKind.BUYER, "bills.pay")
