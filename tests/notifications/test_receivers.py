"""Who is told about money on its way, and in which language."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from flask import Flask
from sqlalchemy import select

from market import db, payments, subscriptions
from market.accounts import Organization, Role
from market.notifications import Email
from market.payments import Payment
from market.providers import Provider
from tests.builders.accounts import a_member, a_user, an_actor, an_administrator, the_office
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.subscriptions import a_subscription, the_request
from tests.scenarios.stories import a_story, a_usual_october

AT = moment("2026-11-06 12:00")


@pytest.fixture
def payment(app: Flask) -> Payment:
    """A transfer of ¥221.93 has been started; finance reads English, the auditor may not confirm."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        a_member(story.organization, Role.FINANCE, user=a_user(email="payer@example.com", locale="en"))
        a_member(story.organization, Role.PURCHASER, user=a_user(email="orders@example.com"))
        a_member(the_office(), Role.FINANCE, user=a_user(email="clerk@example.com", locale="en"))
        a_member(the_office(), Role.SUPER, user=a_user(email="head@example.com"))
        a_member(the_office(), Role.AUDITOR, user=a_user(email="auditor@example.com"))
        bill = an_issued_bill(story.organization, OCTOBER)
        return payments.start(bill, by=an_actor(story.owner), at=AT)


def letters(event: str) -> dict[str, Email]:
    with db.transaction(readonly=True):
        found: Sequence[Email] = db.session.scalars(select(Email).where(Email.key.startswith(event))).all()
        return {email.recipient: email for email in found}


def arrives(payment_id: int, fen: int) -> None:
    with db.transaction():
        user = an_administrator()
        payments.confirm_arrival(
            payments.payment_by_id(payment_id), amount_fen=fen, payer_name="示例五金制品有限公司", bank_reference=f"R{fen}",
            arrived_on=AT.date(), user=user, by=an_actor(user), at=AT, partial=True,
        )  # fmt: skip


def test_who_may_confirm_hears_of_a_transfer_once(payment: Payment) -> None:
    for _ in range(2):
        with db.transaction():
            payments.announce(payments.payment_by_id(payment.id), by=an_actor(), at=AT)
    told = letters("payment_announced.")
    assert set(told) == {"clerk@example.com", "head@example.com"}
    head, clerk = told["head@example.com"], told["clerk@example.com"]
    assert head.subject == f"买方已通知转账 ¥221.93，汇款识别码 {payment.remittance_code}"
    assert "示例五金制品有限公司 说已经为账单 BL-202610-000001 转账 ¥221.93" in head.body
    assert "remittance code" in clerk.body and "BL-202610-000001" in clerk.body
    assert all(f"http://localhost/admin/payments/{payment.id}\n" in email.body for email in told.values())


def test_who_pays_hears_of_a_part_and_what_is_left(payment: Payment) -> None:
    arrives(payment.id, 20_000)
    told = letters("payment_arrived.")
    assert set(told) == {"owner@example.com", "payer@example.com"}
    assert "收到 ¥200.00，还要付 ¥21.93" in told["owner@example.com"].body
    assert "¥21.93 is still owed" in told["payer@example.com"].body
    assert f"/console/bills/{payment.bill_id}\n" in told["owner@example.com"].body
    assert not letters("bill_paid.")


def test_the_whole_amount_is_told_by_the_bill_alone(payment: Payment) -> None:
    arrives(payment.id, 22_193)
    assert not letters("payment_arrived.")
    assert set(letters("bill_paid.")) == {"owner@example.com", "payer@example.com"}


def test_both_sides_hear_that_a_failed_set_up_has_ended(app: Flask) -> None:
    with db.transaction():
        ordered = a_subscription(a_plan(monthly="99.00"), user=a_user(email="buyer@example.com"), started_at=None)
        provider = db.session.get_one(Provider, ordered.provider_id)
        a_member(db.session.get_one(Organization, provider.organization_id), user=a_user(email="seller@example.com", locale="en"))
        subscriptions.fail(the_request(ordered), reason="没有线路", by=an_actor(), at=AT)
    assert subscriptions.lapse_due(AT + subscriptions.FAILED_KEPT) == 1
    assert "没有产生任何费用" in letters("setup_ended.")["buyer@example.com"].body
    assert "not charged" in letters("setup_lapsed.")["seller@example.com"].body
    assert not letters("subscription_ended.")
