"""The whole way behind a proxy with TLS: cookies that only this host gets, forms that work, nothing kept."""

from __future__ import annotations

import dataclasses
from http.cookies import SimpleCookie

import pytest
from flask import Flask

from market import db
from market.app import create_app
from market.config import Settings
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.support.client import Client
from tests.support.clock import FakeClock

BASE = "https://market.example"
#: What the proxy sends along; the visitor is 203.0.113.7 and pretends to be somebody else.
PROXY = {"Host": "market.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1, 203.0.113.7", "Referer": f"{BASE}/sign-in"}


@pytest.fixture
def behind(app: Flask, settings: Settings, clock: FakeClock) -> Client:
    """The marketplace behind one proxy."""
    other = create_app(dataclasses.replace(settings, base_url=BASE, trusted_proxies=1), clock=clock)
    other.test_client_class, other.jinja_env.bytecode_cache = Client, app.jinja_env.bytecode_cache
    client = other.test_client()
    assert isinstance(client, Client)
    return client


def test_signing_in_behind_a_proxy(behind: Client) -> None:
    with db.transaction():
        email = a_member(an_organization(), user=a_user()).email
    page = behind.get("/sign-in?lang=en", headers=PROXY)
    cookies = SimpleCookie()
    for line in page.headers.getlist("Set-Cookie"):
        cookies.load(line)
    token = page.text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    sent = {"csrf_token": token, "email": email, "password": PASSWORD, "remember": "y"}
    jar = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    answer = behind.post("/sign-in", data=sent, headers={**PROXY, "Cookie": jar})
    assert answer.status_code == 303, answer.text
    for line in answer.headers.getlist("Set-Cookie"):
        cookies.load(line)
    assert set(cookies) == {"__Host-session", "__Host-remember", "__Host-device", "lang"}
    for name, morsel in cookies.items():
        assert morsel["secure"] and morsel["samesite"] == "Lax" and morsel["path"] == "/" and not morsel["domain"], name
        assert morsel["httponly"] or name == "lang"
    jar = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    desk = behind.get("/console/", headers={**PROXY, "Cookie": jar})
    assert (desk.status_code, desk.headers["Cache-Control"]) == (200, "no-store")
    assert desk.headers["Strict-Transport-Security"].startswith("max-age=")
    seen = behind.get("/account/sessions", headers={**PROXY, "Cookie": jar}, follow_redirects=False).text
    assert "203.0.113.7" in seen and "10.0.0.1" not in seen


def test_a_form_from_elsewhere_is_refused_over_https_even_with_its_token(behind: Client) -> None:
    page = behind.get("/sign-in", headers=PROXY)
    token = page.text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    jar = page.headers["Set-Cookie"].partition(";")[0]
    for referer in ("https://evil.example/", ""):
        answer = behind.post("/sign-in", data={"csrf_token": token}, headers={**PROXY, "Referer": referer, "Cookie": jar})
        assert answer.status_code == 400
