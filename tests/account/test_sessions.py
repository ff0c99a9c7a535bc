"""Where one is signed in, in words, and how to end it."""

from __future__ import annotations

import pytest
from flask import Flask

from market import db
from market.accounts import User
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.support.client import Client

CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def owner(database: None) -> User:
    with db.transaction():
        return a_member(an_organization(), user=a_user(email="owner@shop.example"))


def somewhere(app: Flask, agent: str, address: str) -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    client.environ_base.update({"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address})
    client.page("/sign-in").submit(email="owner@shop.example", password=PASSWORD)
    return client


def test_they_are_listed_and_ended_one_by_one_or_all(app: Flask, owner: User) -> None:
    here, phone, third = (somewhere(app, agent, f"203.0.113.{n}") for n, agent in enumerate((CHROME, PHONE, "")))
    page = here.page("/account/sessions")
    assert "Chrome · Windows 就是这里" in page.text and "Safari · iPhone" in page.text and "不知道的程序" in page.text
    assert "203.0.113.1" in page.text
    action = next(form.get("action") or "" for form in page.all("form") if "Safari" in "".join(form.itertext()))
    assert "那一处的登录已结束" in page.submit(action).text
    assert [who.get("/console/").status_code for who in (here, phone, third)] == [200, 303, 200]
    here.page("/account/sessions").submit("/account/sessions/end-others")
    assert [who.get("/console/").status_code for who in (here, third)] == [200, 303]


def test_a_strangers_session_is_not_there(app: Flask, client: Client, owner: User) -> None:
    theirs = somewhere(app, CHROME, "203.0.113.1")
    with db.transaction():
        a_member(an_organization(), user=a_user(email="other@shop.example"))
    client.sign_in("other@shop.example", PASSWORD)
    token = client.page("/account/sessions").all("input", name="csrf_token")[0].get("value")
    assert client.post("/account/sessions/1/end", data={"csrf_token": token}).status_code == 404
    assert theirs.get("/console/").status_code == 200


def test_tries_in_vain_are_told_to_the_owner(app: Flask, owner: User) -> None:
    here, stranger = somewhere(app, CHROME, "203.0.113.1"), app.test_client()
    page = stranger.page("/sign-in")  # type: ignore[attr-defined]
    for _ in range(4):
        page.submit(email=owner.email, password="wrong wrong wrong")
    assert "有人 4 次输错您的密码" in here.page("/account/sessions").text
