"""Whatever has a number belongs to somebody: to everybody else of the same kind it does not exist."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from market import db
from tests.builders.accounts import PASSWORD
from tests.builders.worlds import Side, World, a_world, fitting
from tests.support.addresses import Route, routes
from tests.support.client import Client

#: Slugs and topics of these are public; the rest of the storefront's are not.
PUBLIC = (
    "storefront.invitations.", "storefront.recovery.", "storefront.register.", "storefront.offerings.", "storefront.providers.", "storefront.solutions.",
    "storefront.help.", "storefront.policies.", "storefront.subscribe.show", "storefront.subscribe.place", "storefront.subscribe.contract",
    "storefront.changes.", "storefront.recommended.", "storefront.reviews.",
    "storefront.problems.", "storefront.requirements.",  # by the word of a link, whoever has it
)  # fmt: skip
#: There is one office; its members see everything. That an unknown number is not found is tested below.
OFFICE = "admin"
BRIEFLY = {"Accept": "application/json"}
NOWHERE = {int: 987654321, str: "nothing-like-that"}

Values = Mapping[str, int | str]


def owned(app: Flask) -> Iterator[Route]:
    """Every route to a thing of a buyer's or a provider's."""
    for route in routes(app):
        if route.arguments and route.face != OFFICE and not route.endpoint.startswith(PUBLIC):
            yield route


def owner(world: World, route: Route) -> Side:
    """Whose kind of thing it is."""
    known = [side for side in (world.buyer, world.seller) if fitting(side.things, route.endpoint)]
    assert len(known) == 1, f"{route.rule}: tests/builders/worlds.py has no thing for {route.endpoint}, or two"
    return known[0]


class Person:
    """A browser that is signed in, or a program with a key."""

    def __init__(self, client: Client, side: Side) -> None:
        self.client, self.side = client, side
        client.sign_in(side.email, PASSWORD)
        self.token = client.page("/").all("input", name="csrf_token")[0].get("value") or ""

    def ask(self, app: Flask, route: Route, values: Values) -> TestResponse:
        """A refusal is asked for as JSON, which is made more quickly than a page."""
        address = route.address(values)
        if route.face == "api":
            key = {"Authorization": f"Bearer {self.side.secret}"}
            body = json.dumps({"reason": "x"}) if route.method != "GET" else None
            return self.client.open(address, method=route.method, headers=key, data=body, content_type="application/json")
        fields = {"csrf_token": self.token} if route.method != "GET" else None
        return self.client.open(address, method=route.method, data=fields, headers=BRIEFLY)


def both_worlds() -> tuple[World, World]:
    """Two of everything."""
    with db.transaction():
        return a_world(), a_world("two")


@pytest.fixture
def worlds(app: Flask, kept: Callable[[Callable[[], Any]], Any]) -> tuple[World, World]:
    worlds: tuple[World, World] = kept(both_worlds)
    return worlds


def a_person(app: Flask, side: Side) -> Person:
    client = app.test_client()
    assert isinstance(client, Client)
    return Person(client, side)


def test_a_strangers_thing_does_not_exist(app: Flask, worlds: tuple[World, World]) -> None:
    mine, theirs = worlds
    people = {side.email: a_person(app, side) for side in (mine.buyer, mine.seller)}
    wrong = []
    for route in owned(app):
        me = people[owner(mine, route).email]
        own, foreign = fitting(me.side.things, route.endpoint), fitting(owner(theirs, route).things, route.endpoint)
        for values in strange(route, own, foreign):
            answer = me.ask(app, route, values)
            if answer.status_code != 404:
                wrong.append(f"{route.method} {route.rule} {values}: {answer.status}")
    assert not wrong, "\n".join(wrong)


#: What is on sale is nobody's: any firm may ask what its own use would cost on it.
ANYBODYS = {("console.replay.plan", "plan_id")}


def strange(route: Route, own: Values, foreign: Values) -> Iterator[Values]:
    """A stranger's whole address; own things but for one that is a stranger's or does not exist."""
    yield foreign
    for name in route.arguments:
        if (route.endpoint, name) in ANYBODYS:
            continue
        missing = NOWHERE[int if route.is_number(name) else str]
        yield {**own, name: missing}
        if foreign[name] != own[name]:
            yield {**own, name: foreign[name]}


def taking_away(route: Route) -> bool:
    return route.endpoint.rpartition(".")[2] in ("revoke", "rotate", "drop", "remove", "remove_now", "withdraw", "end")


def test_the_owner_finds_every_one_of_them(app: Flask, worlds: tuple[World, World]) -> None:
    mine, _theirs = worlds
    people = {side.email: a_person(app, side) for side in (mine.buyer, mine.seller)}
    lost = []
    # What takes something away comes last.
    for route in sorted(owned(app), key=lambda route: (taking_away(route), route.method)):
        me = people[owner(mine, route).email]
        answer = me.ask(app, route, fitting(me.side.things, route.endpoint))
        if answer.status_code in (401, 403, 404, 405) or answer.status_code >= 500:
            lost.append(f"{route.method} {route.rule}: {answer.status}")
    assert not lost, "\n".join(lost)


def test_a_number_that_nothing_has_is_not_found_in_the_office_either(app: Flask, worlds: tuple[World, World]) -> None:
    person = a_person(app, worlds[0].office)
    wrong = []
    for route in routes(app):
        if route.face == OFFICE and any(map(route.is_number, route.arguments)):
            known = worlds[0].known(route.endpoint)
            for name in filter(route.is_number, route.arguments):
                answer = person.ask(app, route, {**known, name: NOWHERE[int]})
                if answer.status_code != 404:
                    wrong.append(f"{route.method} {route.rule}: {answer.status}")
    assert not wrong, "\n".join(wrong)


def test_without_signing_in_nothing_owned_is_told_from_nothing(app: Flask, client: FlaskClient, worlds: tuple[World, World]) -> None:
    for route in owned(app):
        if route.method == "GET":
            there, nowhere = (
                client.get(route.address(values)).status_code
                for values in (fitting(owner(worlds[0], route).things, route.endpoint),
                               {name: NOWHERE[int if route.is_number(name) else str] for name in route.arguments})
            )  # fmt: skip
            assert there == nowhere in (303, 401), f"{route.rule}: {there}, {nowhere}"
