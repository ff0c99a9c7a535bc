"""GET /api/v1/days: each day's state, for both sides and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market import accounts, db
from market.accounts import Organization, Role
from market.kit.period import local_day
from market.metering import reconciliation
from tests.api.conftest import Caller, a_caller
from tests.builders.accounts import EARLY, a_member, an_actor
from tests.conftest import PRESENT
from tests.support.client import Client

TODAY = local_day(PRESENT)
YESTERDAY, LONG_AGO = TODAY - timedelta(days=1), TODAY - timedelta(days=11)


def _asked(caller: Caller, **changes: str) -> str:
    query = {"subject": caller.subscription.public_id, "meter": "api_calls", "from": str(LONG_AGO)} | changes
    return "/days?" + "&".join(f"{name}={value}" for name, value in query.items() if value)


def _buyer(caller: Caller) -> Caller:
    """The firm's own program."""
    with db.transaction():
        firm = db.session.get_one(Organization, caller.subscription.organization_id)
        _key, secret = accounts.issue_key(firm, name="books", source="", scopes=["usage:read"], by=an_actor(), at=EARLY)
    return Caller(caller.client, secret, firm, caller.provider, caller.subscription, caller.meter)


def test_days_with_their_usage_and_states(caller: Caller) -> None:
    caller.post([caller.event(2, at=PRESENT - timedelta(days=1))])
    with db.transaction():
        user = a_member(db.session.get_one(Organization, caller.subscription.organization_id), Role.OWNER)
        reconciliation.dispute(
            caller.subscription, caller.meter, YESTERDAY, reason="停电", user=user, by=an_actor(user), now=PRESENT
        )
    told = caller.send("GET", _asked(caller)).json
    assert (told["subject"], told["meter"]) == (caller.subscription.public_id, "api_calls")
    days = {day["day"]: day for day in told["data"]}
    assert [days[str(day)]["status"] for day in (LONG_AGO, YESTERDAY, TODAY)] == ["accepted", "disputed", "reported"]
    assert (days[str(YESTERDAY)]["quantity"], days[str(YESTERDAY)]["objection"]) == ("2", "停电")
    assert days[str(LONG_AGO)]["objectionUntil"] is None and days[str(LONG_AGO)]["objection"] is None
    assert _buyer(caller).send("GET", _asked(caller)).json == told


def test_strangers_days_do_not_exist(client: Client, caller: Caller) -> None:
    for stranger in (a_caller(client), _buyer(a_caller(client))):
        assert stranger.send("GET", _asked(caller)).status_code == 404
    assert caller.send("GET", _asked(caller, meter="other")).status_code == 404
    assert a_caller(client, scopes=("events:write",)).send("GET", _asked(caller)).status_code == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"subject": ""}, "subject"), ({"meter": ""}, "meter"), ({"from": "x"}, "from"), ({"to": "2025-01-01"}, "from"),
     ({"from": "2024-01-01"}, "from"), ({"page": "1"}, "page")],
)  # fmt: skip
def test_what_cannot_be_read_is_named(caller: Caller, changes: dict[str, str], field: str) -> None:
    answer = caller.send("GET", _asked(caller, **changes))
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
