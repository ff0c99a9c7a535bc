"""The whole map of addresses, walked by everybody: only the cells of the permission table open.

A new address fails here until it says who may use it: a view of a face with `@guards.require(…)` (and, for a new
permission, a line in market/accounts/permissions.py), one of the programming interface with `@door.require(…)`;
an address for everybody is named in OPEN below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from market import accounts, db
from market.accounts import SCOPES, Organization, OrganizationKind, Role
from market.web import guards
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor
from tests.builders.team import WEDNESDAY
from tests.builders.worlds import World
from tests.support.addresses import Route, routes
from tests.support.client import Client

#: What nobody has to sign in for, by module. It is short, and has to stay so.
OPEN = {
    "docs": "show spec",
    "storefront.audit_heads": "index listing",
    "storefront.auth": "sign_in sign_in_post sign_out",
    "storefront.changes": "index",
    "storefront.compare": "index",
    "storefront.feeds": "atom opensearch",
    "storefront.finding": "robots sitemap",
    "storefront.health": "show",
    "storefront.help": "index show policy",
    "storefront.home": "index",
    "storefront.invitations": "show accept join back",
    "storefront.offerings": "index show",
    "storefront.passkey": "sign_in options",
    "storefront.policies": "show version answer",
    "storefront.problems": "new send show",
    "storefront.providers": "index show",
    "storefront.recommended": "index show",
    "storefront.recovery": "forgot forgot_post sent reset reset_post open_reset confirm confirm_post open_confirmation"
    " change change_post open_change undo undo_post open_undo",
    "storefront.register": "show register sent letter open_link question finish passed_on",
    "storefront.requirements": "new send show",
    "storefront.reviews": "index",
    "storefront.second_step": "show take passkey passkey_options",
    "storefront.security_txt": "show",
    "storefront.solutions": "index show",
    "webhooks": "stripe",
}
#: What everybody who is signed in may use, whatever she belongs to: her own settings, her mail.
OWN = ("account.", "storefront.mailbox.", "web.act_for")
KINDS = {
    guards.buyer: OrganizationKind.BUYER,
    guards.provider: OrganizationKind.PROVIDER,
    guards.administrator: OrganizationKind.PLATFORM,
}
ROLES = [(kind, role) for kind in OrganizationKind for role in accounts.roles_of(kind)]
#: The later the step, the more it takes away of what others need; signing out ends the walk.
STEPS = tuple(
    re.compile(rf"\.({names})$")
    for names in ("revoke|drop|remove|withdraw|retire|cancel|rotate", r"leave|end|end_others|erase\w*", "sign_out")
)
#: What an amount of money looks like on a page; the last is a price of the world.
AMOUNT = re.compile(r"¥|\d,\d{3}\.\d\d\b|\b99\.00\b")
QUICK = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Quick(Client):
    """Sends without reading pages: other tests look at them."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return FlaskClient.open(self, *args, **kwargs)


@dataclass(frozen=True)
class Need:
    """What a route asks of whoever comes."""

    kind: OrganizationKind | None = None
    permission: str = ""

    def admits(self, kind: OrganizationKind | None, role: Role | None) -> bool:
        """Whether somebody signed in with this role passes."""
        if self.kind is None:
            return True
        return kind is self.kind and role is not None and accounts.may(kind, role, self.permission)


def need_of(app: Flask, endpoint: str) -> Need | None:
    """What a page asks for; None when everybody may see it. Fails for a page about which nobody has decided."""
    module, _, function = endpoint.rpartition(".")
    if function in OPEN.get(module, "").split():
        return None
    if endpoint.startswith(OWN):
        return Need()
    permission = getattr(app.view_functions[endpoint], "permission", "")
    kinds = [KINDS[guard] for guard in guards_of(app, module) if guard in KINDS]
    assert permission and kinds, (
        f"{endpoint} is open to everybody. Put `@guards.require(\"noun.verb\")` below its route, behind a face's guard,"
        " or name it in OPEN in tests/test_permissions.py"
    )
    known = {each.name for each in accounts.permissions_of(kinds[0])}
    assert permission in known, f"{endpoint}: market/accounts/permissions.py has no line {permission!r} for {kinds[0]}"
    return Need(kinds[0], permission)


def guards_of(app: Flask, module: str) -> list[Any]:
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return [guard for name in names for guard in app.before_request_funcs.get(name, ())]


def pages(app: Flask) -> Iterator[Route]:
    """Every page, in an order in which each still finds what it is about."""
    found = [route for route in routes(app, helpers=True) if route.face != "api"]
    yield from sorted(found, key=lambda route: (need_of(app, route.endpoint) is None, order(route), route.method))


def order(route: Route) -> int:
    if route.method == "GET":
        return 0
    return next((number for number, step in enumerate(STEPS, 2) if step.search(route.endpoint)), 1)


class Walker:
    """Somebody who tries every address."""

    def __init__(self, app: Flask, world: World, email: str = "") -> None:
        client = app.test_client()
        assert isinstance(client, Quick)
        self.app, self.world, self.client, self.email = app, world, client, email
        if email:
            client.sign_in(email, PASSWORD)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/" if email else "/sign-in").text)
        assert found
        self.token = found[1]

    def ask(self, route: Route) -> TestResponse:
        """A refusal is asked for as JSON, which is made more quickly than a page."""
        nowhere = {name: 987654321 if route.is_number(name) else "no-such-word" for name in route.arguments}
        address = route.address({**nowhere, **self.world.known(route.endpoint)})
        sent = {} if route.method == "GET" else {"data": {"csrf_token": self.token}}
        answer = self.client.open(address, method=route.method, headers={"Accept": "application/json"}, **sent)
        answer.close()  # a file that was sent
        return answer

    def read(self, address: str) -> str:
        """A page, or a file that is text; empty for pictures and papers."""
        answer = self.client.get(address)
        assert answer.status_code in (200, 303) and went_in(answer), f"{address}: {answer.status} {answer.location}"
        text = answer.text if answer.mimetype.startswith("text/") else ""
        answer.close()
        return text


def sent_away(answer: TestResponse) -> bool:
    """To the sign-in page."""
    return answer.status_code in (302, 303) and answer.location.startswith("/sign-in?")


def answered(answer: TestResponse) -> bool:
    """A page for everybody said something, if only whose it is."""
    return answer.status_code < 500 and answer.status_code != 401 or is_closed(answer)


def went_in(answer: TestResponse) -> bool:
    """The page was there, and did or refused what was asked for reasons of its own."""
    if answer.status_code in (302, 303):
        return not answer.location.startswith(("/sign-in", "/account/confirm"))
    return answer.status_code in (200, 202, 204, 400, 404, 409, 410, 422) or is_closed(answer)


def is_closed(answer: TestResponse) -> bool:
    """A door for programs that no setting opens says that nobody has set it up."""
    return answer.status_code == 503 and answer.request.path == "/webhooks/stripe"


@pytest.fixture
def world(app: Flask, world: World) -> World:
    app.test_client_class = Quick
    return world


def a_colleague(world: World, kind: OrganizationKind, role: Role) -> str:
    """Somebody with this role beside the people of the world."""
    side = {OrganizationKind.BUYER: world.buyer, OrganizationKind.PROVIDER: world.seller}.get(kind, world.office)
    with db.transaction():
        owner = accounts.user_by_email(side.email)
        assert owner is not None
        return a_member(accounts.memberships_of(owner)[0].organization, role, user=a_user(name="走图的人")).email


@QUICK
def test_every_address_says_who_may_use_it(app: Flask) -> None:
    for route in pages(app):
        need_of(app, route.endpoint)
    for endpoint in {route.endpoint for route in routes(app) if route.face == "api"}:
        assert getattr(app.view_functions[endpoint], "scope", "") in SCOPES, f"{endpoint} declares no scope of a key"
    for module, functions in OPEN.items():
        known = {endpoint.rpartition(".")[2] for endpoint in app.view_functions if endpoint.rpartition(".")[0] == module}
        assert known, f"{module} is gone; take it out of OPEN"
        assert not (gone := set(functions.split()) - known), f"{module} has no {gone}; take it out of OPEN"


@QUICK
def test_an_address_without_a_guard_is_found(app: Flask) -> None:
    app.view_functions["console.overview.secret"] = lambda: "…"
    app.view_functions["storefront.home.secret"] = lambda: "…"
    for endpoint in ("console.overview.secret", "storefront.home.secret"):
        with pytest.raises(AssertionError, match="is open to everybody"):
            need_of(app, endpoint)


@QUICK
@pytest.mark.parametrize(("kind", "role"), ROLES, ids=lambda each: str(each.value))
def test_a_role_opens_the_cells_of_the_table_and_no_others(
    app: Flask, world: World, kind: OrganizationKind, role: Role
) -> None:
    """And what it opens offers nothing that is closed to it, and no amount to whoever may not see money."""
    walker, wrong = Walker(app, world, a_colleague(world, kind, role)), []
    blind = kind is OrganizationKind.BUYER and not accounts.may(kind, role, "money.read")
    for route in pages(app):
        need = need_of(app, route.endpoint)
        if need is None:
            continue  # for everybody: asked for below by somebody who may nothing else
        admitted = need.admits(kind, role)
        if admitted and need.kind and route.method == "GET":
            for address in (route.address(values) for values in world.every(route.endpoint)):
                text = walker.read(address)
                wrong += [f"{address} offers {what}" for what in closed(app, text, kind, role)]
                if blind and (found := AMOUNT.search(text)):
                    wrong.append(f"{address} tells {text[max(0, found.start() - 80):found.end() + 20]}")
            continue
        answer = walker.ask(route)
        if not (went_in(answer) if admitted else answer.status_code == 403):
            wrong.append(f"{route.method} {route.rule}: {answer.status} {answer.location}, asks for {need}")
    assert not wrong, "\n".join(wrong)


def closed(app: Flask, html: str, kind: OrganizationKind, role: Role) -> Iterator[str]:
    """Links and buttons of one's own side that lead to what this role may not open.

    The footer shows every visitor the way to each side; what it leads to says whose it is.
    """
    for found in re.finditer(r'<a [^>]*href="(/[^"#?]*)|<form [^>]*method="post"[^>]*action="(/[^"#?]*)', html):
        method, path = ("GET", found[1]) if found[1] else ("POST", found[2])
        endpoint = endpoint_of(app, path, method)
        need = need_of(app, endpoint) if endpoint and endpoint != "static" else None
        if need is not None and need.kind is kind and not need.admits(kind, role):
            yield f"{method} {path}"


@cache
def endpoint_of(app: Flask, path: str, method: str) -> str:
    try:
        return str(app.url_map.bind("localhost").match(path, method=method)[0])
    except HTTPException:
        return ""


@QUICK
def test_without_signing_in_only_the_public_addresses_open(app: Flask, world: World) -> None:
    walker, wrong = Walker(app, world), []
    for route in pages(app):
        answer = walker.ask(route)
        if not (answered(answer) if need_of(app, route.endpoint) is None else sent_away(answer)):
            wrong.append(f"{route.method} {route.rule}: {answer.status} {answer.location}")
    assert not wrong, "\n".join(wrong)


@QUICK
def test_who_belongs_nowhere_has_her_own_settings_only(app: Flask, world: World) -> None:
    with db.transaction():
        email = a_user().email
    walker, wrong = Walker(app, world, email), []
    for route in pages(app):
        need, answer = need_of(app, route.endpoint), walker.ask(route)
        if need is None:
            right = answered(answer)
        else:
            right = went_in(answer) if need.kind is None else answer.status_code == 403
        if not right:
            wrong.append(f"{route.method} {route.rule}: {answer.status}")
    assert not wrong, "\n".join(wrong)


@QUICK
def test_a_key_opens_what_its_scope_says(app: Flask, world: World) -> None:
    with db.transaction():
        seller = accounts.user_by_email(world.seller.email)
        assert seller is not None
        provider = accounts.memberships_of(seller)[0].organization
        secrets = {scope: a_key(provider, [scope] if scope else []) for scope in ("", *SCOPES)}
    client, wrong = app.test_client(), []
    for route in (route for route in routes(app) if route.face == "api"):
        address, needed = route.address(world.known(route.endpoint)), getattr(app.view_functions[route.endpoint], "scope", "")
        for scope, secret in secrets.items():
            answer = client.open(address, method=route.method, json={}, headers={"Authorization": f"Bearer {secret}"})
            refused = answer.status_code == 403 and answer.json["code"] == "insufficient_scope"
            if refused is (scope == needed) or answer.status_code in (401, 500):
                wrong.append(f"{route.method} {route.rule} with {scope or 'no scope'}: {answer.status}")
    assert not wrong, "\n".join(wrong)


def a_key(organization: Organization, scopes: list[str]) -> str:
    by = an_actor(organization=organization)
    _key, secret = accounts.issue_key(organization, name="走图", source="/walk", scopes=scopes, by=by, at=WEDNESDAY)
    return secret
