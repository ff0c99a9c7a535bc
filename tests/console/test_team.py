"""The firm's people: who may change what, and what happens to whoever is removed."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest
from flask import Flask

from market import accounts, db, notifications
from market.accounts import Organization, OrganizationKind, Role, User
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.catalog import a_provider
from tests.builders.team import an_invitation
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.mail import MailSink

NEW = "accountant@example.com"


@pytest.fixture
def firm(database: None) -> Organization:
    with db.transaction():
        organization = an_organization(name="示例五金厂")
        for role in (Role.OWNER, Role.FINANCE, Role.VIEWER):
            a_member(organization, role, user=a_user(email=f"{role}@example.com", name=f"示例{role}"))
        return organization


@pytest.fixture
def owner(firm: Organization, client: Client) -> Client:
    client.sign_in("owner@example.com", PASSWORD)
    return client


def words_of(element: Element) -> str:
    return "".join(element.itertext())


def browser(app: Flask, email: str) -> Client:
    client = app.test_client()
    assert isinstance(client, Client)
    client.sign_in(email, PASSWORD)
    return client


def place(firm: Organization, email: str) -> int:
    with db.transaction(readonly=True):
        return next(each.id for each in accounts.members_of(firm) if each.user.email == email)


def test_the_owner_sees_how_everybody_signs_in_and_what_each_role_is_for(owner: Client) -> None:
    page = owner.page("/console/team/")
    for words in ("示例viewer", "finance@example.com", "还没登录过", "没有开启", "只看账单、付账单"):
        assert words in page.text, words


def test_others_see_who_is_there_and_can_only_leave(firm: Organization, client: Client) -> None:
    client.sign_in("viewer@example.com", PASSWORD)
    page = client.page("/console/team/")
    assert "示例owner" in page.text
    for words in ("邀请", "改角色", "移除", "两步验证"):
        assert words not in words_of(page.one("main")), words
    for path in ("invite", f"{place(firm, 'finance@example.com')}/role", f"{place(firm, 'finance@example.com')}/remove"):
        client.page(f"/console/team/{path}", status=403)


def test_the_table_of_roles_is_the_one_that_guards_read(owner: Client) -> None:
    page = owner.page("/console/team/roles")
    for permission in accounts.permissions_of(OrganizationKind.BUYER):
        row = next(row for row in page.all("tr") if permission.words in words_of(row))
        ticks = ["不可以" not in words_of(cell) for cell in row.iter("td")]
        assert ticks == [role in permission.roles for role in accounts.roles_of(OrganizationKind.BUYER)], permission.name


def test_an_invitation_is_sent_and_can_be_sent_again_and_withdrawn(owner: Client, clock: FakeClock, mail: MailSink) -> None:
    page = owner.page("/console/team/invite?role=finance").submit(button="发送邀请", email=f" {NEW.upper()} ")
    assert f"已邀请 {NEW}" in page.text and "到 2026年11月27日" in page.text
    with db.transaction(readonly=True):
        email = db.session.scalars(db.session.query(notifications.Email).statement).one()
        assert (email.recipient, email.key.partition(".")[0]) == (NEW, "invitation")
        assert "/invitations/" in email.body and "财务" in email.body
    early = owner.page("/console/team/").submit("/resend")
    assert (early.path, "还不到 5 分钟" in early.text) == ("/console/team/", True)
    clock.forward(minutes=5)
    assert "换了新的邀请链接" in owner.page("/console/team/").submit("/resend").text
    page = owner.page("/console/team/").submit("/withdraw")
    assert "已撤回" in page.text and "还没有接受的邀请" not in page.text


@pytest.mark.every_database
def test_a_mail_server_that_takes_nothing_is_told(owner: Client, clock: FakeClock) -> None:
    owner.page("/console/team/invite?role=finance").submit(button="发送邀请", email=NEW)
    with db.transaction():
        letter = db.session.scalars(db.session.query(notifications.Email).statement).one()
        letter.attempts, letter.last_error = 2, "connection refused"
    assert "邮件服务器没有收下，试了 2 次" in owner.page("/console/team/").text


@pytest.mark.parametrize(
    ("email", "role", "says"),
    [
        ("", "finance", "填写对方的邮箱"),
        ("no address", "finance", "邮箱里要有"),
        ("a@b", "finance", "不完整"),
        ("viewer@example.com", "finance", "已经是这里的成员"),
        ("x" * 300 + "@example.com", "finance", "254"),
        ("<script>@example.com", "finance", "不完整"),
        (NEW, None, "选择一个角色"),
        (NEW, "super", ""),
    ],
)
def test_what_cannot_be_invited_is_told_beside_the_box(owner: Client, email: str, role: str | None, says: str) -> None:
    page = owner.page("/console/team/invite").submit(button="发送邀请", email=email, role=role)
    assert page.status == 422 and says in page.text


@pytest.mark.every_database
def test_the_same_address_is_not_invited_twice(owner: Client) -> None:
    for status in (200, 422):
        page = owner.page("/console/team/invite?role=viewer").submit(button="发送邀请", email=NEW)
        assert page.status == status
    assert "已经邀请过这个邮箱" in page.text


def test_offering_the_highest_role_asks_for_the_password_and_keeps_what_was_typed(owner: Client, clock: FakeClock) -> None:
    clock.forward(minutes=20)
    page = owner.page("/console/team/invite").submit(button="发送邀请", email=NEW, role="owner")
    assert page.path == "/account/confirm"
    page = page.submit(password=PASSWORD)
    assert page.path == "/console/team/invite" and page.one("input", id="email").get("value") == NEW
    assert "已邀请" in page.submit(button="发送邀请").text


def test_another_role_counts_from_the_next_click(app: Flask, owner: Client, firm: Organization) -> None:
    viewer = browser(app, "viewer@example.com")
    viewer.page("/console/bills/", status=403)
    page = owner.page(f"/console/team/{place(firm, 'viewer@example.com')}/role").submit(button="保存角色", role="finance")
    assert "现在的角色是“财务”" in page.text
    viewer.page("/console/bills/")
    viewer.page("/console/subscriptions/", status=403)


def test_changing_people_asks_for_the_password_after_a_while(owner: Client, firm: Organization, clock: FakeClock) -> None:
    clock.forward(minutes=16)
    for act in ("role", "remove"):
        page = owner.page(f"/console/team/{place(firm, 'viewer@example.com')}/{act}")
        assert page.path == "/account/confirm"


@pytest.mark.every_database
def test_whoever_is_removed_is_out_at_once(app: Flask, owner: Client, firm: Organization) -> None:
    viewer = browser(app, "viewer@example.com")
    page = owner.page(f"/console/team/{place(firm, 'viewer@example.com')}/remove")
    assert "马上退出对方在所有设备上的登录" in page.text
    page = page.submit(button="移除", reason="<b>离职</b>")
    assert "已移除 示例viewer" in page.text
    assert viewer.get("/console/").status_code == 303
    viewer.page("/sign-in").submit(email="viewer@example.com", password=PASSWORD)
    viewer.page("/console/", status=403)
    activity = owner.page("/console/activity/").text
    assert "移除了成员" in activity


def test_nobody_removes_or_demotes_herself(owner: Client, firm: Organization) -> None:
    own = place(firm, "owner@example.com")
    assert owner.page(f"/console/team/{own}/remove").submit(button="移除").status == 409
    assert owner.page(f"/console/team/{own}/role").submit(button="保存角色", role="viewer").status == 409


def test_the_last_owner_stays_and_others_go(app: Flask, owner: Client) -> None:
    page = owner.page("/console/team/leave")
    assert "至少要有一位老板" in page.text and "确认退出" not in page.text
    token = page.all("input", name="csrf_token")[0].get("value")
    assert owner.post("/console/team/leave", data={"csrf_token": token}).status_code == 409
    viewer = browser(app, "viewer@example.com")
    page = viewer.page("/console/team/leave").submit(button="确认退出")
    assert "您已退出“示例五金厂”" in page.text
    viewer.page("/console/", status=403)


def test_a_strangers_member_and_invitation_do_not_exist(owner: Client) -> None:
    with db.transaction():
        other = a_member(an_organization())
        strange = accounts.memberships_of(other)[0]
        invitation, _token = an_invitation(other, strange.organization, email=NEW)
    for path in (f"{strange.id}/role", f"{strange.id}/remove"):
        owner.page(f"/console/team/{path}", status=404)
    token = owner.page("/console/team/leave").all("input", name="csrf_token")[0].get("value")
    for act in ("resend", "withdraw"):
        sent = owner.post(f"/console/team/invitations/{invitation.id}/{act}", data={"csrf_token": token})
        assert sent.status_code == 404


def test_an_owner_who_lost_the_right_meanwhile_is_told(app: Flask, owner: Client, firm: Organization) -> None:
    with db.transaction():
        a_member(firm, Role.OWNER, user=a_user(email="second@example.com"))
    page = owner.page(f"/console/team/{place(firm, 'viewer@example.com')}/remove")
    second = browser(app, "second@example.com")
    second.page(f"/console/team/{place(firm, 'owner@example.com')}/role").submit(button="保存角色", role="viewer")
    assert page.submit(button="移除").status == 403


# One person, several organizations.


@pytest.fixture
def both(firm: Organization) -> User:
    """The finance person works for a second firm and for a provider as well."""
    with db.transaction():
        person = accounts.user_by_email("finance@example.com")
        assert person is not None
        a_member(an_organization(name="第二家企业"), Role.OWNER, user=person)
        a_member(a_provider(name="某云").organization, Role.OWNER, user=person)
        return person


def test_for_whom_one_acts_is_on_every_page_and_can_be_changed_there(both: User, client: Client) -> None:
    client.sign_in(both.email, PASSWORD)
    for path in ("/", "/offerings/", "/help/", "/console/", "/nowhere"):
        page = client.page(path, status=404 if path == "/nowhere" else 200)
        assert "示例五金厂" in words_of(page.one("div", class_="sub")), path
    page = client.page("/").submit(button="第二家企业")
    assert page.path == "/console/" and "第二家企业" in words_of(page.one("div", class_="sub"))
    assert "某云" in client.page("/vendor/").one("div", class_="sub").findtext(".//b", "")


def test_the_last_choice_is_remembered_in_the_next_session(app: Flask, both: User) -> None:
    browser(app, both.email).page("/").submit(button="第二家企业")
    assert "第二家企业" in browser(app, both.email).page("/console/").one("div", class_="sub").findtext(".//b", "")


def test_a_form_that_was_opened_for_another_firm_does_nothing(both: User, client: Client) -> None:
    client.sign_in(both.email, PASSWORD)
    client.page("/").submit(button="第二家企业")
    form = client.page("/console/team/invite?role=viewer")
    client.page("/").submit(button="示例五金厂")
    assert form.submit(button="发送邀请", email=NEW).status == 400


def test_an_invitation_that_is_too_old_can_be_sent_again(owner: Client, clock: FakeClock) -> None:
    owner.page("/console/team/invite?role=finance").submit(button="发送邀请", email=NEW)
    clock.forward(days=7, minutes=1)
    assert "已过期" in owner.page("/console/team/").text
    assert "到 2026年12月4日" in owner.page("/console/team/").submit("/resend").text
