"""Another password: whoever copied a cookie before has nothing after it."""

from __future__ import annotations

import pytest
from flask import Flask

from market import db
from market.accounts import User
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.support.client import Client

NEW = "violin harbour seventeen"


@pytest.fixture
def owner(database: None) -> User:
    with db.transaction():
        return a_member(an_organization(), user=a_user(email="owner@shop.example"))


def copied(app: Flask, client: Client) -> Client:
    thief = app.test_client()
    assert isinstance(thief, Client)
    for name in ("session", "remember"):
        if (cookie := client.get_cookie(name)) is not None:
            thief.set_cookie(name, cookie.value)
    return thief


@pytest.mark.every_database
def test_every_other_session_ends_and_a_copy_of_this_one_too(app: Flask, client: Client, owner: User) -> None:
    client.page("/sign-in").submit(email=owner.email, password=PASSWORD, remember="y")
    other = app.test_client()
    other.sign_in(owner.email, PASSWORD)  # type: ignore[attr-defined]
    thief, forgetful = copied(app, client), copied(app, client)
    forgetful.delete_cookie("session")
    page = client.page("/account/password").submit(current=PASSWORD, password=NEW)
    assert page.status == 200 and "新密码已生效" in page.text
    assert [who.get("/console/").status_code for who in (other, thief, forgetful)] == [303, 303, 303]
    assert client.get("/console/").status_code == 200
    client.delete_cookie("session")
    assert client.get("/console/").status_code == 200, "she is still remembered here"


@pytest.mark.parametrize(
    ("current", "password", "says"),
    [("wrong wrong wrong", NEW, "密码不对"), (PASSWORD, "short", "至少 10 个字符"), ("", "", "填写现在的密码"), (PASSWORD, "owner12345", "自己的邮箱")],
)
def test_what_is_wrong_is_said_and_nothing_changes(client: Client, owner: User, current: str, password: str, says: str) -> None:
    client.sign_in(owner.email, PASSWORD)
    page = client.page("/account/password").submit(current=current, password=password)
    assert page.status == 422 and says in page.text
    assert client.get("/console/").status_code == 200


def test_whoever_sits_down_at_her_computer_cannot_guess_for_ever(client: Client, owner: User) -> None:
    client.sign_in(owner.email, PASSWORD)
    page = client.page("/account/password")
    statuses = [page.submit(current="wrong wrong wrong", password=NEW).status for _ in range(12)]
    assert statuses == [422] * 10 + [429] * 2
