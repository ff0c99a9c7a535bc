"""No page says that a letter is on its way while none leaves; each says where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from market import accounts, db, notifications, resources
from market.accounts import Organization
from market.config import Settings
from market.notifications import Email, EmailStatus
from tests.builders.accounts import PASSWORD, a_city, a_member, a_user, an_organization
from tests.conftest import PRESENT
from tests.support.client import Client, Page
from tests.support.clock import FakeClock

#: What is told while letters leave, while they wait, and where there is no mail server; nobody is told what belongs to another.
TOLD = {"leaves": "信会寄到", "waits": "暂时没有收信", "stays": "没有设置邮件服务器"}
PROMISES = ("几分钟内会收到", "先看看垃圾邮件", "邀请信刚刚寄出", "链接已发往")
FIRM = {
    "organization_name": "示例茶叶商行", "code": "91350100M000100Y43", "city_code": "440100",
    "name": "示例店主", "email": "new@shop.example", "password": "correct horse battery", "agree": "y",
}  # fmt: skip


@pytest.fixture
def firm(app: Flask) -> Organization:
    with db.transaction():
        a_city()
        organization = an_organization()
        a_member(organization, user=a_user(email="owner@shop.example"))
        return organization


@pytest.fixture
def owner(firm: Organization, client: Client) -> Client:
    with db.transaction():
        user = accounts.user_by_email("owner@shop.example")
        assert user is not None
        user.email_confirmed_at = None
    client.sign_in("owner@shop.example", PASSWORD)
    return client


@pytest.fixture(params=TOLD)
def mail(request: pytest.FixtureRequest, firm: Organization, settings: Settings, clock: FakeClock) -> str:
    """How the mail server is."""
    if request.param != "stays":
        resources.install(replace(settings, smtp_url="smtp://127.0.0.1:9"), with_clock=clock)
    if request.param == "waits":
        with db.transaction():
            a_letter("earlier", attempts=1)
    return str(request.param)


def a_letter(key: str, *, attempts: int = 0, status: EmailStatus = EmailStatus.QUEUED) -> Email:
    email = Email(key=key, recipient="x@shop.example", subject="x", body="x", attempts=attempts, created_at=PRESENT,
                  next_attempt_at=PRESENT, status=status)  # fmt: skip
    db.session.add(email)
    return email


def said(page: Page, mail: str, *, leaving: str = "") -> None:
    """What is true is on the page, nothing else is, and no promise unless letters leave."""
    told = {standing: words in page.text for standing, words in TOLD.items()}
    assert told == {standing: standing == mail and (mail != "leaves" or leaving == TOLD["leaves"]) for standing in TOLD}, page.path
    if mail != "leaves":
        assert not [words for words in PROMISES if words in page.text], page.path
    elif leaving:
        assert leaving in page.text, page.path


def test_a_change_of_address_an_invitation_and_second_letters(owner: Client, mail: str, clock: FakeClock) -> None:
    page = owner.page("/account/email/change")
    said(page, mail)
    said(page.submit(email="other@shop.example"), mail, leaving="信会寄到")
    said(owner.page("/account/email").submit("/send-again"), mail, leaving="信会寄到")
    page = owner.page("/console/team/invite?role=finance")
    said(page, mail)
    assert ("通知会发到那里" in page.text) is (mail != "stays")
    said(page.submit(button="发送邀请", email="new@shop.example"), mail)
    early = owner.page("/console/team/").submit("/resend")
    assert "还不到 5 分钟" in early.text
    said(early, mail)
    clock.forward(minutes=5)
    if mail == "leaves":
        _send_all(clock)
    said(owner.page("/console/team/").submit("/resend"), mail)


def test_a_registration_and_a_forgotten_password(client: Client, mail: str) -> None:
    said(client.page("/register").submit(button="注册企业账号", **FIRM), mail, leaving="先看看垃圾邮件")
    page = client.page("/forgot-password")
    said(page, mail)
    said(page.submit(email="owner@shop.example"), mail, leaving="几分钟内会收到")


def test_one_refused_address_does_not_mean_that_the_server_is_down(database: None) -> None:
    with db.transaction():
        a_letter("refused", attempts=1)
        assert notifications.mail_is_late(PRESENT)
        a_letter("younger", status=EmailStatus.SENT)
        assert not notifications.mail_is_late(PRESENT)


def _send_all(clock: FakeClock) -> None:
    """What the worker does meanwhile."""
    with db.transaction():
        for email in db.session.query(Email):
            email.status, email.sent_at = EmailStatus.SENT, clock.now()
