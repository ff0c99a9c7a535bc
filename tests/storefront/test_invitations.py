"""What somebody finds who opens the link in an invitation's letter."""

from __future__ import annotations

import pytest
from flask import Flask

from market import accounts, db
from market.accounts import Invitation, Organization, Role, User
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.team import an_invitation
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.pages import Page

GUEST, NEW_PASSWORD = "guest@example.com", "lotus paper lantern"


@pytest.fixture
def owner(database: None) -> User:
    with db.transaction():
        return a_member(an_organization(name="示例茶行"), user=a_user(name="示例老板"))


@pytest.fixture
def link(owner: User) -> str:
    with db.transaction():
        return "/invitations/" + an_invitation(owner, firm_of(owner), email=GUEST, role=Role.FINANCE)[1]


def firm_of(owner: User) -> Organization:
    return accounts.memberships_of(owner)[0].organization


def join(page: Page, **more: object) -> Page:
    return page.submit("/join", name="李会计", password=NEW_PASSWORD, agree="y", **more)


def test_a_page_that_is_loaded_again_is_the_invitation(client: Client, link: str) -> None:
    assert [client.page(f"{link}/{form}").path for form in ("join", "accept")] == [link] * 2


def test_somebody_new_gives_a_name_and_a_password_and_is_in(client: Client, link: str) -> None:
    page = client.page(link)
    for words in ("示例茶行", "示例老板", GUEST, "财务", "只看账单"):
        assert words in page.text, words
    page = join(page)
    assert (page.path, page.status) == ("/console/", 200)
    assert "您已加入“示例茶行”，角色是“财务”" in page.text
    client.page("/console/bills/")
    client.page("/console/subscriptions/", status=403)


@pytest.mark.parametrize(
    ("name", "password", "agree", "says"),
    [
        ("", NEW_PASSWORD, "y", "填写您的姓名"),
        ("李" * 61, NEW_PASSWORD, "y", "60"),
        ("李会计", "short", "y", "至少 10 个字符"),
        ("李会计", "password123456", "y", "太常见"),
        ("李会计", NEW_PASSWORD, None, "同意后勾选"),
    ],
)
def test_what_is_wrong_is_told_and_nobody_joins(client: Client, link: str, name: str, password: str, agree: str | None, says: str) -> None:
    page = client.page(link).submit("/join", name=name, password=password, agree=agree)
    assert page.status == 422 and says in page.text
    with db.transaction(readonly=True):
        assert accounts.user_by_email(GUEST) is None


def test_somebody_with_an_account_signs_in_and_comes_back(client: Client, link: str) -> None:
    with db.transaction():
        a_user(email=GUEST)
    page = client.page(link)
    assert "这个邮箱已经有账号" in page.text
    page = page.follow("去登录").submit(email=GUEST, password=PASSWORD)
    assert page.path == link
    page = page.submit("/accept")
    assert page.path == "/console/" and "您已加入“示例茶行”" in page.text
    with db.transaction(readonly=True):
        guest = accounts.user_by_email(GUEST)
        assert guest is not None and guest.email_confirmed_at


def test_somebody_else_is_told_so_and_cannot_take_it(client: Client, link: str) -> None:
    with db.transaction():
        a_user(email="other@example.com")
    client.sign_in("other@example.com", PASSWORD)
    page = client.page(link)
    assert "不是发给您现在的账号的" in page.text and "接受邀请" not in page.text
    token = page.all("input", name="csrf_token")[0].get("value")
    assert client.post(f"{link}/accept", data={"csrf_token": token}).status_code == 403
    assert client.post(f"{link}/join", data={"csrf_token": token, "name": "x"}).status_code == 303


def test_who_is_not_signed_in_accepts_nothing(client: Client, link: str) -> None:
    token = client.page(link).all("input", name="csrf_token")[0].get("value")
    assert client.post(f"{link}/accept", data={"csrf_token": token}).location == link


@pytest.mark.parametrize("token", ["x", "%22%3E%3Cscript%3E", "A" * 43, "茶" * 20, "a" * 3000])
def test_a_forged_link_says_so(client: Client, owner: User, token: str) -> None:
    assert "没有找到这份邀请" in client.page(f"/invitations/{token}", status=404).text


def test_whoever_tries_out_links_has_to_wait(client: Client, owner: User) -> None:
    statuses = [client.get(f"/invitations/{number}").status_code for number in range(32)]
    assert statuses[:30] == [404] * 30 and statuses[-1] == 429


def test_a_link_of_last_week_says_so(client: Client, link: str, clock: FakeClock) -> None:
    clock.forward(days=7)
    page = client.page(link, status=410)
    assert "已经过期" in page.text and "7 天" in page.text


def test_a_link_that_was_withdrawn_says_so_also_to_who_has_filled_in_the_form(client: Client, owner: User, link: str) -> None:
    page = client.page(link)
    with db.transaction():
        firm = firm_of(owner)
        accounts.withdraw(firm, accounts.open_invitations(firm)[0].id, by=an_actor(owner, firm), at=PRESENT)
    page = join(page)
    assert page.status == 410 and "已经撤回" in page.text


@pytest.mark.every_database
def test_a_link_works_once(app: Flask, client: Client, link: str) -> None:
    page = client.page(link)
    join(page)
    again = app.test_client()
    assert isinstance(again, Client)
    assert "已经用过" in again.page(link, status=410).text
    assert join(again_form(again, page)).status == 410


def again_form(client: Client, page: Page) -> Page:
    """The same form, sent by another browser."""
    other = client.page("/sign-in")
    token = other.all("input", name="csrf_token")[0].get("value")
    for box in page.all("input", name="csrf_token"):
        box.set("value", token or "")
    page.client = client
    return page


def test_the_link_is_not_in_the_log(client: Client, link: str, capsys: pytest.CaptureFixture[str]) -> None:
    client.page(link)
    assert link.rpartition("/")[2] not in capsys.readouterr().err


@pytest.mark.every_database
def test_the_letter_waits_in_the_outbox_for_an_address_that_nobody_has(client: Client, link: str) -> None:
    with db.transaction(readonly=True):
        assert db.session.query(Invitation).one().email == GUEST
