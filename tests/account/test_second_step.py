"""Setting a second step up, replacing it, doing without it: a fresh proof each time, and a letter."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from market import db, notifications
from market.credentials import authenticators, recovery_codes
from market.credentials.authenticators import code_at
from market.credentials.models import Authenticator
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_administrator, an_organization
from tests.builders.credentials import SECRET, a_passkey, an_authenticator
from tests.conftest import PRESENT

HERE = "/account/second-step"


@pytest.fixture
def user(app):
    with db.transaction():
        return a_member(an_organization())


@pytest.fixture
def me(client, user):
    client.sign_in(user.email, PASSWORD)
    return client


def secret_on(page):
    return "".join(page.one("code", **{"data-copy-text": ""}).itertext()).replace(" ", "")


def letters(user):
    with db.transaction(readonly=True):
        return [letter.subject for letter in db.session.scalars(notifications.mailbox(user))]


@pytest.mark.every_database
def test_setting_up_ends_with_codes_that_are_shown_once(me, user):
    page = me.page(HERE).submit(button="添加验证器")
    assert page.heading == "添加验证器" and page.all("div", role="img") and "otpauth://totp/" in page.html
    done = page.submit(code=code_at(secret_on(page), PRESENT))
    shown = re.findall(r"\b\w{4}(?:-\w{4}){3}\b", done.text)
    assert len(shown) == 10 and done.status == 200
    (link,) = [a.get("href") for a in done.all("a") if a.get("download")]
    assert all(code in unquote(link) for code in shown)
    assert "还有 10 个没用过" in me.page(HERE).text and not any(code in me.page(HERE).html for code in shown)
    assert letters(user) == ["两步验证有变化：添加了验证器应用"]


def test_a_wrong_first_code_changes_nothing(me):
    page = me.page(HERE).submit(button="添加验证器")
    for typed in ("", "000000", "abc", "九九九九九九", "9" * 3000, "<b>"):
        again = page.submit(code=typed)
        assert again.status == 422 and secret_on(again) == secret_on(page)
    assert "没开" in me.page(HERE).text


def test_full_width_digits_are_digits(me):
    page = me.page(HERE).submit(button="添加验证器")
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code_at(secret_on(page), PRESENT))
    assert page.submit(code=wide).heading == "您的恢复码"


@pytest.mark.every_database
def test_sent_twice_it_is_done_once_and_said_so(me):
    page = me.page(HERE).submit(button="添加验证器")
    code = code_at(secret_on(page), PRESENT)
    page.submit(code=code)
    assert "已经完成" in page.submit(code=code).text


def test_an_administrator_who_has_set_it_up_goes_on_to_her_desk(client):
    with db.transaction():
        user = an_administrator()
        db.session.delete(db.session.scalars(select(Authenticator)).one())
    page = client.page("/sign-in?next=/admin/payments/").submit(email=user.email, password=PASSWORD)
    page = page.submit(button="添加验证器")
    codes = page.submit(code=code_at(secret_on(page), PRESENT))
    assert codes.follow("我已保存好").path == "/admin/payments/"


def test_new_codes_void_the_old_ones(me, user):
    with db.transaction():
        old = recovery_codes.make(an_authenticator(db.session.merge(user)), by=an_actor(user), at=PRESENT)[0]
    page = me.page(f"{HERE}/recovery-codes")
    assert "您手里还没用过的 10 个马上作废" in page.text
    assert old not in page.submit().text
    with db.transaction():
        assert not recovery_codes.take(user, old, by=an_actor(user), at=PRESENT)


def test_without_a_second_step_there_are_no_codes(me):
    assert me.page(f"{HERE}/recovery-codes").all("a", href=HERE)
    page = me.send("POST", f"{HERE}/recovery-codes", [("csrf_token", token(me))])
    assert page.path == HERE


def test_an_app_is_replaced_by_the_next(me, user):
    with db.transaction():
        an_authenticator(db.session.merge(user))
    page = me.page(HERE).submit(button="换一个验证器")
    assert page.submit(code=code_at(SECRET, PRESENT)).status == 422, "a code of the old app is none of the new one"
    page.submit(code=code_at(secret_on(page), PRESENT))
    assert letters(user) == ["两步验证有变化：换了验证器应用"]


def test_an_app_is_removed_after_a_question(me, user):
    with db.transaction():
        an_authenticator(db.session.merge(user))
    page = me.page(HERE).follow("移除验证器")
    assert "移除后登录只要密码" in page.text
    assert page.submit().path == HERE and "没开" in me.page(HERE).text
    assert letters(user) == ["两步验证有变化：移除了验证器应用"]
    assert me.page(f"{HERE}/remove").path == HERE


def test_an_administrator_cannot_remove_her_last(client):
    with db.transaction():
        user = an_administrator()
    client.sign_in(user.email, PASSWORD)
    page = client.page(f"{HERE}/remove")
    assert "现在还不能移除" in page.text and not page.all("form", action=f"{HERE}/remove")
    answer = client.post(f"{HERE}/remove", data={"csrf_token": token(client)})
    assert answer.status_code == 409 and "管理员必须开着两步验证" in answer.get_data(as_text=True)
    with db.transaction():
        a_passkey(db.session.merge(user))
    assert client.page(f"{HERE}/remove").submit().path == HERE


def test_every_change_asks_for_a_fresh_proof(me, user, clock):
    with db.transaction():
        an_authenticator(db.session.merge(user))
    sent = {"csrf_token": token(me)}
    clock.forward(minutes=16)
    for path in ("/authenticator", "/remove", "/recovery-codes"):
        assert me.get(HERE + path).location.startswith("/account/confirm?next=")
    for path in ("/begin", "/authenticator", "/remove", "/recovery-codes"):
        assert me.post(HERE + path, data=sent).location.startswith("/account/confirm?next=")
    assert me.get(HERE).status_code == 200


def test_a_session_from_before_changes_nothing_with_the_password_alone(app, client):
    with db.transaction():
        user = a_user(email="owner@example.com")
    client.page("/sign-in").submit(email=user.email, password=PASSWORD)
    with db.transaction():
        an_authenticator(db.session.merge(user))
    assert client.get(HERE).location.startswith("/sign-in/second-step?next=")
    assert client.post(f"{HERE}/remove", data={"csrf_token": token(client)}).location.startswith("/sign-in/second-step")
    with db.transaction(readonly=True):
        assert authenticators.usable_code(user, at=PRESENT)


def token(client):
    return client.page("/sign-in").all("input", name="csrf_token")[0].get("value") or ""
