"""Every state that a table can hold has a name, a tone and an icon of ours."""

from __future__ import annotations

from enum import StrEnum

import pytest

from market.billing.models import BillStatus
from market.catalog.models import OfferingStatus, PlanStatus, RevisionStatus
from market.config import ROOT
from market.metering.models import Band
from market.notifications.models import EmailStatus
from market.payments.models import PaymentStatus
from market.payments.statements.models import LineStatus, StatementStatus
from market.providers.models import ProviderStatus
from market.recommended.models import EntryStatus
from market.subscriptions.models import RequestStatus, SubscriptionStatus
from market.web.states import STATES, state_of

KINDS: list[tuple[str, type[StrEnum]]] = [
    ("bill", BillStatus), ("offering", OfferingStatus), ("plan", PlanStatus), ("revision", RevisionStatus),
    ("band", Band), ("email", EmailStatus), ("payment", PaymentStatus), ("provider", ProviderStatus),
    ("recommended", EntryStatus), ("bank_statement", StatementStatus), ("bank_line", LineStatus), ("request", RequestStatus), ("task", RequestStatus), ("task_of_others", RequestStatus), ("subscription", SubscriptionStatus),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "kind"), KINDS)
def test_every_status_has_a_name(thing: str, kind: type[StrEnum]) -> None:
    assert [status for status in kind if not state_of(thing, status).label] == []


def test_every_icon_is_in_the_sprite() -> None:
    names = {line.partition("#")[0].strip() for line in (ROOT / "static/icons.txt").read_text().splitlines()}
    assert {state.icon for states in STATES.values() for state in states.values()} <= names


def test_every_tone_has_a_style() -> None:
    tones = {state.tone for states in STATES.values() for state in states.values()}
    assert tones <= {"", "ok", "info", "warn", "bad", "rec"}
