"""Passkeys on their pages: added, named, removed, and used to sign in."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from market import db, notifications, resources
from market.credentials import authenticators, passkeys
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_administrator, an_organization
from tests.builders.credentials import a_passkey, an_authenticator
from tests.conftest import PRESENT
from tests.support.devices import Device

HERE = "/account/passkeys"


@pytest.fixture
def user(app):
    with db.transaction():
        return a_member(an_organization(), user=a_user(email="owner@example.com"))


@pytest.fixture
def me(client, user):
    client.sign_in(user.email, PASSWORD)
    return client


def token(client):
    return client.page("/sign-in").all("input", name="csrf_token")[0].get("value") or ""


def ask(client, address):
    """What passkeys.js does first."""
    return client.post(address, headers={"X-CSRFToken": token(client), "Accept": "application/json"})


def add(client, device, name="办公室电脑"):
    answer = device.create(ask(client, f"{HERE}/options").get_data(as_text=True))
    return client.page(f"{HERE}/new").submit(name=name, answer=answer)


def enter(client, device, address="/sign-in/passkey", **lies):
    asked = ask(client, f"{address}/options").get_data(as_text=True)
    return client.send("POST", address, [("csrf_token", token(client)), ("answer", device.get(asked, **lies)), ("next", "/console/bills/")])


def test_a_passkey_is_added_and_opens_the_door_without_a_password(app, me, user):
    device = Device()
    page = add(me, device)
    assert page.path == "/account/second-step/recovery-codes" and "“办公室电脑”已添加" in page.text
    with db.transaction(readonly=True):
        assert [letter.subject for letter in db.session.scalars(notifications.mailbox(user))] == ["两步验证有变化：添加了通行密钥"]
    visitor = app.test_client()
    assert enter(visitor, device).path == "/console/bills/"
    assert "刚刚" in visitor.page(HERE).text or "秒" in visitor.page(HERE).text


def test_an_administrator_with_a_passkey_is_let_in_by_it_alone(app):
    with db.transaction():
        admin = an_administrator()
    client, device = app.test_client(), Device()
    client.sign_in(admin.email, PASSWORD)
    add(client, device)
    visitor = app.test_client()
    enter(visitor, device)
    assert visitor.page("/admin/").path == "/admin/"


def test_a_passkey_is_a_second_step(app, me):
    device, visitor = Device(), app.test_client()
    add(me, device)
    page = visitor.page("/sign-in").submit(email="owner@example.com", password=PASSWORD)
    assert page.path == "/sign-in/second-step"
    assert enter(visitor, device, "/sign-in/second-step/passkey").path == "/console/bills/"


def test_an_answer_that_proves_nothing_keeps_the_page_and_the_challenge_is_spent(app, me):
    device, visitor = Device(), app.test_client()
    add(me, device)
    asked = ask(visitor, "/sign-in/passkey/options").get_data(as_text=True)
    forged, good = Device(id=device.id, handle=device.handle).get(asked), device.get(asked)
    for answer in (forged, good, "", "x" * 50_000):
        page = visitor.send("POST", "/sign-in/passkey", [("csrf_token", token(visitor)), ("answer", answer)])
        assert page.status == 422 and "没有通过验证" in page.text and page.heading == "登录"


def test_an_answer_given_to_another_browser_is_worth_nothing(app, me):
    device = Device()
    add(me, device)
    mine, other = app.test_client(), app.test_client()
    answer = device.get(ask(mine, "/sign-in/passkey/options").get_data(as_text=True))
    assert other.send("POST", "/sign-in/passkey", [("csrf_token", token(other)), ("answer", answer)]).status == 422


def test_a_copied_key_is_refused_and_that_stays_written_down(app, me, user):
    device, visitor = Device(), app.test_client()
    add(me, device)
    enter(visitor, device)
    device.count = 0
    assert enter(app.test_client(), device).status == 422
    with db.transaction():
        an_administrator(name="示例审计员").email = "office@example.com"
    office = app.test_client()
    office.sign_in("office@example.com", PASSWORD)
    assert "拒绝了计数倒退的通行密钥" in office.page("/admin/audit/").text


@pytest.mark.parametrize("name", ["", "x" * 41])
def test_a_wrong_name_is_said_at_its_box(me, name):
    page = add(me, Device(), name)
    assert page.status == 422 and page.all("input", id="name", **{"aria-invalid": "true"})


def test_without_javascript_the_form_says_what_is_missing(me):
    page = me.page(f"{HERE}/new").submit(name="电脑", answer="")
    assert page.status == 422 and "没有通过验证" in page.text


def test_a_key_is_renamed_and_removed(me, user):
    with db.transaction():
        key = a_passkey(db.session.merge(user))
    page = me.page(f"{HERE}/{key.id}").submit(name="家里的电脑")
    assert page.path == HERE and "家里的电脑" in page.text
    page = me.page(f"{HERE}/{key.id}/remove").submit()
    assert page.path == HERE and "已移除" in page.text and not page.all("table")


def test_a_strangers_key_is_not_there(me):
    with db.transaction():
        key = a_passkey(a_user())
    for path in (f"{HERE}/{key.id}", f"{HERE}/{key.id}/remove", f"{HERE}/99999999999999999999"):
        assert me.get(path).status_code == 404
        assert me.post(path, data={"csrf_token": token(me), "name": "x"}).status_code == 404


def test_an_administrators_last_key_stays(client):
    with db.transaction():
        admin = an_administrator()
        key = a_passkey(admin)
        authenticators.remove(admin, by=an_actor(admin), at=PRESENT)
    client.sign_in(admin.email, PASSWORD)
    page = client.page(f"{HERE}/{key.id}/remove")
    assert "现在还不能移除" in page.text
    assert client.post(f"{HERE}/{key.id}/remove", data={"csrf_token": token(client)}).status_code == 409


def test_every_change_asks_for_a_fresh_proof(me, user, clock):
    with db.transaction():
        key = a_passkey(db.session.merge(user))
    sent = {"csrf_token": token(me)}
    clock.forward(minutes=16)
    for path in ("/new", f"/{key.id}", f"/{key.id}/remove"):
        assert me.get(HERE + path).location.startswith("/account/confirm?next=")
        assert me.post(HERE + path, data=sent).location.startswith("/account/confirm?next=")
    assert me.post(f"{HERE}/options", data=sent).location.startswith("/account/confirm?next=")


@pytest.mark.every_database
def test_a_passkey_proves_once_more_who_she_is(app, me, clock):
    device, mine = Device(), app.test_client()
    add(me, device)
    enter(mine, device)
    clock.forward(minutes=16)
    page = mine.page(f"{HERE}/new")
    assert page.path == "/account/confirm" and page.all("form", **{"data-passkey": "get"})
    forger = Device(id=device.id, handle=device.handle)
    assert enter(mine, forger, "/account/confirm/passkey").status == 422
    assert mine.page(f"{HERE}/new").path == "/account/confirm"
    assert enter(mine, device, "/account/confirm/passkey").path == "/console/bills/"
    assert mine.page(f"{HERE}/new").path == f"{HERE}/new"


def test_where_browsers_allow_none_the_pages_say_so(me, user):
    resources.settings = replace(resources.settings, base_url="https://203.0.113.7")
    assert "在这个网址不能用通行密钥" in me.page(HERE).text
    assert not me.page(f"{HERE}/new").all("form", **{"data-passkey": "create"})
    refused = ask(me, f"{HERE}/options")
    assert refused.status_code == 409 and "https 开头的域名" in json.loads(refused.get_data())["detail"]


def test_without_a_token_nothing_is_asked(client, user):
    assert client.post("/sign-in/passkey/options").status_code == 400


def test_too_many_are_said_by_the_browser_too(me, user):
    with db.transaction():
        person = an_authenticator(db.session.merge(user))
        for _ in range(passkeys.MOST):
            a_passkey(person)
    assert "最多 20 把" in json.loads(ask(me, f"{HERE}/options").get_data())["detail"]
