"""The outbox: written once, delivered by a real mail server, kept where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from market import db, notifications, resources
from market.notifications import Email, EmailStatus
from tests.builders.accounts import a_user
from tests.support.mail import MailSink

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def write(key: str = "bill.1", times: int = 1) -> None:
    with db.transaction():
        user = a_user(email="owner@shop.example")
        for _ in range(times):
            notifications.enqueue(key, user, "账单已出", "您好，账单 ¥12.30 已出。\n", at=NOW)


def use(mail: MailSink) -> None:
    resources.install(replace(resources.settings, smtp_url=mail.url), with_clock=resources.clock)


def statuses() -> list[EmailStatus]:
    with db.transaction(readonly=True):
        return [email.status for email in db.session.scalars(select(Email))]


def test_the_same_news_is_written_once(database: None) -> None:
    write(times=2)
    assert statuses() == [EmailStatus.QUEUED]


def test_news_of_a_change_that_failed_is_never_sent(database: None) -> None:
    try:
        with db.transaction():
            notifications.enqueue("bill.1", a_user(), "账单", "…", at=NOW)
            raise RuntimeError
    except RuntimeError:
        pass
    assert notifications.send_due(NOW) == 0 and statuses() == []


def test_without_a_mail_server_a_message_is_kept_for_the_mailbox(database: None) -> None:
    write()
    assert notifications.send_due(NOW) == 1
    assert statuses() == [EmailStatus.KEPT]


def test_a_mail_server_gets_the_message_in_chinese_and_once(database: None, mail: MailSink) -> None:
    write()
    use(mail)
    notifications.send_due(NOW)
    notifications.send_due(NOW + timedelta(days=1))
    (message,) = mail.messages
    assert message["To"] == "owner@shop.example" and message["Subject"] == "账单已出"
    assert "¥12.30" in message.get_content()
    assert statuses() == [EmailStatus.SENT]


def test_a_mail_server_that_refuses_is_asked_again_later(database: None, mail: MailSink) -> None:
    write()
    use(mail)
    mail.refuse = True
    assert notifications.send_due(NOW) == 0
    assert notifications.send_due(NOW + timedelta(seconds=59)) == 0
    mail.refuse = False
    assert notifications.send_due(NOW + timedelta(seconds=61)) == 1
    assert len(mail.messages) == 1


def test_after_the_last_try_a_message_is_marked_failed_and_stays(database: None) -> None:
    write()
    resources.install(replace(resources.settings, smtp_url="smtp://127.0.0.1:9"), with_clock=resources.clock)
    at = NOW
    for _ in range(8):
        notifications.send_due(at)
        at += timedelta(days=1)
    assert statuses() == [EmailStatus.FAILED]
