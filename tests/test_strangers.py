"""Whatever belongs to one organization answers 404 to another, whoever guesses its number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.routing import Rule

from market import accounts, db, payments
from market.accounts import OrganizationKind
from market.catalog import OfferingStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.billing import an_issued_bill
from tests.builders.catalog import a_meter, a_plan, a_provider, an_offering
from tests.builders.subscriptions import a_subscription
from tests.support.client import Client

OCTOBER = datetime(2026, 10, 2, 2, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
#: Reached only by what the owner's own world below does not hold; tested with the page itself.
ELSEWHERE: frozenset[str] = frozenset()

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def world(app: Flask) -> None:
    """A buyer and a provider with one of everything, and a stranger on each side with nothing."""
    with db.transaction():
        provider = a_provider()
        offering = an_offering(provider, plans=False)
        an_offering(provider, status=OfferingStatus.UNLISTED)
        a_meter(provider)
        firm = an_organization(name="示例五金厂")
        owner = a_member(firm, user=a_user(email="buyer@example.com"))
        seller = a_member(provider.organization, user=a_user(email="provider@example.com"))
        plan = a_plan(offering, monthly="99.00")
        a_subscription(plan, organization=firm, user=owner, started_at=OCTOBER)
        payments.start(an_issued_bill(firm), by=an_actor(owner, firm), at=NOW)
        accounts.issue_key(
            provider.organization,
            name="示例",
            scopes=["events:write"],
            source="example",
            by=an_actor(seller),
            at=NOW,
        )
        a_member(an_organization(name="示例路人"), user=a_user(email="stranger-buyer@example.com"))
        other = an_organization(kind=OrganizationKind.PROVIDER, name="示例别家")
        a_provider(organization=other)
        a_member(other, user=a_user(email="stranger-provider@example.com"))


def numbered(app: Flask, face: str) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{face}.") and any(
            type(converter).__name__ == "IntegerConverter" for converter in rule._converters.values()
        ):
            yield rule


def path_of(app: Flask, rule: Rule, number: int) -> str:
    with app.test_request_context():
        built = rule.build(dict.fromkeys(rule.arguments, number))
    assert built is not None
    return built[1]


def signed_in(app: Flask, email: str) -> Client:
    client = cast(Client, app.test_client())
    client.sign_in(email, PASSWORD)
    return client


@pytest.mark.parametrize(("face", "side"), [("console", "buyer"), ("vendor", "provider")])
def test_a_stranger_finds_nothing(app: Flask, world: None, face: str, side: str) -> None:
    owner, stranger = signed_in(app, f"{side}@example.com"), signed_in(app, f"stranger-{side}@example.com")
    token = stranger.page(f"/{face}/").all("input", name="csrf_token")[0].get("value")
    unseen: list[Any] = []
    for rule in numbered(app, face):
        paths = [path_of(app, rule, number) for number in (1, 2, 3)]
        for path in paths:
            for method in (rule.methods or set()) & {"GET", "POST"}:
                data = {"csrf_token": token} if method == "POST" else None
                answer = stranger.open(path, method=method, data=data)
                assert answer.status_code == 404, f"{method} {path} ({rule.endpoint}): {answer.status}"
        if "GET" in (rule.methods or ()) and all(owner.get(path).status_code == 404 for path in paths):
            unseen.append(rule.endpoint)
    assert set(unseen) == ELSEWHERE, "the owner has none of these either: this proves nothing about them"
