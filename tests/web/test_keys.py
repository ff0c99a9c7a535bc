"""A new secret key: who was signed in stays so, and forms that are open still work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from flask import Flask

from market import db
from market.app import create_app
from market.config import Settings
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.support.client import Client
from tests.support.clock import FakeClock

NEW = "f" * 48
Start = Callable[..., Client]


@pytest.fixture
def start(app: Flask, settings: Settings, clock: FakeClock) -> Start:
    """The same marketplace started with other keys."""

    def again(**keys: object) -> Client:
        other = create_app(dataclasses.replace(settings, **keys), clock=clock)  # type: ignore[arg-type]
        other.test_client_class, other.jinja_env.bytecode_cache = Client, app.jinja_env.bytecode_cache
        client = other.test_client()
        assert isinstance(client, Client)
        return client

    return again


@pytest.fixture
def remembered(client: Client) -> Client:
    """Somebody who stays signed in."""
    with db.transaction():
        email = a_member(an_organization(), user=a_user()).email
    page = client.page("/sign-in")
    page.submit("/sign-in", email=email, password=PASSWORD, remember="y")
    assert client.get("/console/").status_code == 200
    return client


def _move(name: str, visitor: Client, to: Client) -> None:
    cookie = visitor.get_cookie(name)
    assert cookie is not None
    to.set_cookie(name, cookie.value)


@pytest.mark.parametrize("cookie", ["session", "remember"])
def test_who_was_signed_in_stays_signed_in_with_a_cookie_of_the_new_key(
    remembered: Client, start: Start, settings: Settings, cookie: str
) -> None:
    renewed = start(secret_key=NEW, old_secret_keys=(settings.secret_key,))
    _move(cookie, remembered, renewed)
    assert renewed.get("/console/").status_code == 200
    if cookie == "remember":
        later = start(secret_key=NEW)
        _move(cookie, renewed, later)
        assert later.get("/console/").status_code == 200, "the old key is no longer needed"


def test_without_the_old_key_everybody_signs_in_again(remembered: Client, start: Start) -> None:
    other = start(secret_key=NEW)
    for cookie in ("session", "remember"):
        _move(cookie, remembered, other)
    assert other.get("/console/").status_code == 303


def test_a_form_opened_before_the_change_is_still_taken(client: Client, start: Start, settings: Settings) -> None:
    token = client.page("/sign-in").all("input", name="csrf_token")[0].get("value")
    renewed = start(secret_key=NEW, old_secret_keys=(settings.secret_key,))
    _move("session", client, renewed)
    fields = {"csrf_token": token, "email": "nobody@example.com", "password": "wrong"}
    assert "这一页放得太久了" not in renewed.post("/sign-in", data=fields).text
    assert "这一页放得太久了" in start(secret_key=NEW).post("/sign-in", data=fields).text
