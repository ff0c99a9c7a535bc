"""Asking before serving, over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from market import accounts, budgets, db, notifications
from market.accounts import SCOPES, Organization
from market.budgets import Budget, Reservation
from market.notifications import Email
from tests.api.conftest import SOURCE, Caller, a_caller
from tests.builders.accounts import EARLY, an_actor
from tests.builders.budgets import a_budget
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock

JSON = "application/json"


def ask(caller: Caller, path: str = "", *, query: str = "", **body: Any) -> Any:
    return caller.send("POST", f"/reservations{path}{query}", body=body, type=JSON)


def job(caller: Caller, fen: int | None = 300, **changes: Any) -> dict[str, Any]:
    return {"key": "job-1", "subscription": caller.subscription.public_id} | ({"amountFen": fen} if fen is not None else {}) | changes


def with_a_budget(caller: Caller, yuan: str) -> None:
    with db.transaction():
        a_budget(db.session.get_one(Organization, caller.subscription.organization_id), yuan, at=PRESENT)


def rows() -> tuple[int, int, int]:
    """Months, reservations and letters."""
    with db.transaction(readonly=True):
        found = [db.session.scalar(select(func.count(kind.id))) or 0 for kind in (Budget, Reservation, Email)]
        return found[0], found[1], found[2]


def test_holding_settling_and_saying_so_again(caller: Caller) -> None:
    first, again = (ask(caller, **job(caller)) for _ in range(2))
    assert first.status_code == 200
    assert first.json == again.json
    assert (first.json["status"], first.json["amountFen"], first.json["expiresAt"]) == ("held", 300, (PRESENT + timedelta(hours=1)).isoformat())
    for _ in range(2):
        settled = ask(caller, f"/{first.json['id']}/settle", amountFen=250)
        assert (settled.status_code, settled.json["status"], settled.json["settledFen"]) == (200, "settled", 250)
    assert ask(caller, f"/{first.json['id']}/release").json["code"] == "reservation_ended"


def test_they_are_listed_by_state_and_nobody_elses(caller: Caller, client: Client) -> None:
    held = [ask(caller, **job(caller, key=f"job-{number}")).json["id"] for number in range(3)]
    ask(caller, f"/{held[1]}/release")
    ask(other := a_caller(client), **job(other))
    listed = caller.send("GET", "/reservations?status=held").json["data"]
    assert [each["id"] for each in listed] == [held[0], held[2]]
    assert len(caller.send("GET", "/reservations").json["data"]) == 3
    assert caller.send("GET", "/reservations?status=no").status_code == 422


def test_releasing_makes_room(caller: Caller) -> None:
    with_a_budget(caller, "3.00")
    held = ask(caller, **job(caller)).json
    assert ask(caller, **job(caller, key="job-2")).status_code == 409
    for _ in range(2):
        assert ask(caller, f"/{held['id']}/release").json["status"] == "released"
    assert ask(caller, **job(caller, key="job-2")).status_code == 200


def test_a_quantity_is_priced_as_on_the_bill(caller: Caller) -> None:
    held = ask(caller, **job(caller, None, meter=caller.meter.slug, quantity="120.5")).json
    assert (held["amountFen"], held["meter"], held["quantity"]) == (121, caller.meter.slug, "120.5")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_left_is_told_and_the_buyer_hears_of_it(caller: Caller, language: str) -> None:
    notifications.listen()
    with_a_budget(caller, "1.00")
    before = rows()
    for _ in range(2):
        refused = caller.send("POST", "/reservations", body=job(caller), type=JSON, Accept_Language=language)
        assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
        assert (refused.json["code"], refused.json["askedFen"], refused.json["leftFen"]) == ("budget_exhausted", 300, 100)
        assert "¥1.00" in refused.json["detail"]
    assert rows() == (before[0], 0, before[2] + 1)


def test_it_can_be_asked_for_again_under_the_same_key_when_there_is_more(caller: Caller, clock: FakeClock) -> None:
    with_a_budget(caller, "1.00")
    assert ask(caller, **job(caller)).status_code == 409
    with_a_budget(caller, "5.00")
    assert ask(caller, **job(caller)).status_code == 200


@pytest.mark.parametrize("how", ["dry_run", "test key"])
@pytest.mark.parametrize("yuan", ["", "1.00"], ids=["held", "refused"])
def test_what_is_only_tried_changes_nothing(caller: Caller, how: str, yuan: str) -> None:
    notifications.listen()
    if yuan:
        with_a_budget(caller, yuan)
    held = ask(caller, **job(caller, 50, key="real")).json
    if how == "test key":
        with db.transaction():
            firm = db.session.get_one(Organization, caller.organization.id)
            _, caller.secret = accounts.issue_key(firm, name="test", source=SOURCE, scopes=list(SCOPES), test=True, by=an_actor(), at=EARLY)
    before, query = rows(), "?dry_run=1" if how == "dry_run" else ""
    answer = ask(caller, query=query, **job(caller))
    assert answer.status_code == (409 if yuan else 200)
    assert answer.json.get("id") is None
    assert ask(caller, f"/{held['id']}/settle", query=query).json["status"] == "settled"
    assert ask(caller, f"/{held['id']}/release", query=query).json["status"] == "released"
    assert rows() == before
    with db.transaction(readonly=True):
        budget = db.session.scalars(select(Budget)).one()
        assert (budget.held_fen, budget.spent_fen, budget.refused_at) == (50, 0, None)


@pytest.mark.parametrize("body", [
    {"amountFen": "300"}, {"amountFen": 1.5}, {"amountFen": -1}, {"key": ""}, {"key": 5}, {"expiresIn": 59}, {"expiresIn": 10**30},
    {"quantity": 1}, {"meter": "none", "quantity": 1, "amountFen": None}, {"more": 1}, {"quantity": "x", "amountFen": None}, {"key": "a\u0000b"},
], ids=str)  # fmt: skip
def test_what_cannot_be_read_is_named(caller: Caller, body: dict[str, Any]) -> None:
    refused = ask(caller, **job(caller, **body))
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert refused.json["errors"]
    assert rows()[1] == 0


def test_a_strangers_do_not_exist(caller: Caller, client: Client) -> None:
    held = ask(caller, **job(caller)).json
    other = a_caller(client)
    assert ask(other, **job(caller)).status_code == 404
    for verb in ("settle", "release"):
        assert ask(other, f"/{held['id']}/{verb}").status_code == 404
    with db.transaction(readonly=True):
        assert budgets.reservation_of(caller.provider, held["id"]).status is budgets.ReservationStatus.HELD


def test_two_providers_may_use_the_same_key(caller: Caller, client: Client) -> None:
    other = a_caller(client)
    assert ask(caller, **job(caller)).json["id"] != ask(other, **job(other)).json["id"]


def test_another_scope_is_not_enough(client: Client) -> None:
    caller = a_caller(client, scopes=("usage:read",))
    assert ask(caller, **job(caller)).json["code"] == "insufficient_scope"
