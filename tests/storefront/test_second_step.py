"""The step after the password: a code, once, in this browser, soon; and nothing of the office without it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from market import db
from market.audit import AuditEvent
from market.credentials import recovery_codes
from market.credentials.authenticators import code_at
from market.credentials.models import Authenticator, Session
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_administrator, an_organization
from tests.builders.credentials import SECRET, a_passkey, an_authenticator
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.pages import Page

ADDRESS = "/sign-in/second-step"
EMAIL = "owner@example.com"


@pytest.fixture
def person(app):
    """The owner of a firm who has an authenticator."""
    with db.transaction():
        user = an_authenticator(a_user(email=EMAIL))
        an_organization(owner=user)
    return user


def enter_password(client: Client, email: str = EMAIL, onward: str = "", **more: str) -> Page:
    return client.page(f"/sign-in?next={onward}" if onward else "/sign-in").submit(email=email, password=PASSWORD, **more)


def sessions() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count(Session.id))) or 0


def test_a_password_alone_opens_nothing(client, person):
    page = enter_password(client, onward="/console/bills/")
    assert page.path == ADDRESS and sessions() == 0
    assert client.page("/console/").path == "/sign-in"


def test_the_right_code_goes_on_to_where_she_wanted(client, person):
    page = enter_password(client, onward="/console/bills/", remember="y").submit(code=code_at(SECRET, PRESENT))
    assert page.path == "/console/bills/"
    with db.transaction(readonly=True):
        session = db.session.scalars(select(Session)).one()
    assert session.remembered and session.second_step_at == PRESENT


def test_a_wrong_code_keeps_the_page(client, person):
    page = enter_password(client, onward="/console/bills/")
    for typed in ("", "000000", "恢复码", "0" * 5000, "<script>alert(1)</script>"):
        page = page.submit(code=typed)
        assert (page.status, page.path) == (422, ADDRESS) and page.all("input", id="code", **{"aria-invalid": "true"})
    assert page.submit(code=code_at(SECRET, PRESENT)).path == "/console/bills/"


def test_a_code_that_was_used_is_refused(app, client, person):
    assert enter_password(client).submit(code=code_at(SECRET, PRESENT)).path == "/console/"
    again = enter_password(app.test_client()).submit(code=code_at(SECRET, PRESENT))
    assert again.status == 422 and "已经用过" in again.text


def test_who_goes_on_guessing_has_to_wait_and_the_right_code_works_afterwards(client, clock, person):
    page = enter_password(client)
    for _ in range(5):
        page = page.submit(code="000000")
    page = page.submit(code=code_at(SECRET, clock.now()))
    assert page.status == 429 and "分钟再试" in page.text
    clock.forward(minutes=1)
    assert page.submit(code=code_at(SECRET, clock.now())).path == "/console/"


@pytest.mark.every_database
def test_what_the_password_opened_is_open_for_ten_minutes_and_in_this_browser(app, client, clock, person):
    page = enter_password(client)
    stranger = app.test_client().get(ADDRESS)
    assert stranger.status_code == 303 and stranger.location == "/sign-in"
    clock.forward(minutes=10)
    assert page.submit(code=code_at(SECRET, clock.now())).path == "/sign-in" and sessions() == 0


def test_a_changed_password_takes_back_what_it_opened(client, person):
    page = enter_password(client)
    with db.transaction():
        db.session.merge(person).password_hash = "x"
    assert page.submit(code=code_at(SECRET, PRESENT)).path == "/sign-in" and sessions() == 0


@pytest.mark.every_database
def test_a_recovery_code_comes_in_once_and_a_letter_tells_her(app, client, person):
    with db.transaction():
        code = recovery_codes.make(db.session.merge(person), by=an_actor(person), at=PRESENT)[0]
    page = enter_password(client).submit(button="用恢复码登录", recovery_code=code.lower())
    assert page.path == "/console/"
    assert "还剩 9 个" in client.page("/mailbox/").text
    again = enter_password(app.test_client()).submit(button="用恢复码登录", recovery_code=code)
    assert again.status == 422 and "每个恢复码只能用一次" in again.text


def test_without_recovery_codes_none_is_asked_for(client, person):
    assert not enter_password(client).all("input", name="recovery_code")


def test_a_forged_next_leads_nowhere_else(client, person):
    page = enter_password(client, onward="https://elsewhere.invalid/")
    assert page.submit(code=code_at(SECRET, PRESENT)).path == "/console/"


def test_nothing_of_the_office_opens_for_an_administrator_without_a_second_step(app, client):
    with db.transaction():
        user = an_administrator()
        db.session.delete(db.session.scalars(select(Authenticator)).one())
    page = enter_password(client, user.email, "/admin/payments/")
    assert page.path == "/account/second-step" and "管理员先要开两步验证" in page.text
    for address in ("/admin/", "/admin/audit/", "/admin/payments/"):
        assert client.get(address).location.startswith("/account/second-step?next=/admin/")
    assert client.get("/admin/", headers={"HX-Request": "true"}).headers["HX-Redirect"].startswith("/account/second-step")
    assert client.post("/admin/payments/1", data={"csrf_token": page.all("input", name="csrf_token")[0].get("value")}).status_code == 303


@pytest.mark.every_database
def test_an_administrator_who_came_in_before_she_had_one_takes_it_now(client):
    with db.transaction():
        user = an_administrator()
        a_member(an_organization(), user=user)
        held = db.session.scalars(select(Authenticator)).one()
        db.session.delete(held)
    enter_password(client, user.email)
    with db.transaction():
        an_authenticator(db.session.merge(user))
    assert client.page("/console/").path == "/console/"
    page = client.page("/admin/payments/")
    assert page.path == ADDRESS
    assert client.page("/account/passkeys").path == ADDRESS, "what opens the door is not changed from outside"
    assert page.submit(code=code_at(SECRET, PRESENT)).path == "/admin/payments/"
    with db.transaction(readonly=True):
        assert db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id.desc())).first() == "user.second_step_taken"


def test_a_demo_shows_sample_people_the_code(client, person):
    assert "示例环境" not in enter_password(client).text


def test_only_a_passkey_is_no_box_for_a_code(client, app):
    with db.transaction():
        user = a_user(email=EMAIL)
        a_passkey(user)
    page = enter_password(client)
    assert not page.all("input", name="code") and page.all("form", **{"data-passkey": "get"})


def test_nobody_without_a_second_step_is_asked(client):
    with db.transaction():
        user = a_member(an_organization())
    assert enter_password(client, user.email).path == "/console/"
    assert client.page(ADDRESS).path == "/console/"
