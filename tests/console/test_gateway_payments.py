"""Paying on Stripe's page, as the buyer sees it: the way back proves nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market import db, payments
from market.accounts import Organization, Role
from market.billing import Bill, credit_notes
from market.notifications import Email
from market.payments import failures, outcomes
from market.payments.found import Found, State
from tests.builders.accounts import PASSWORD, a_member, an_actor, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill
from tests.builders.catalog import a_plan
from tests.builders.gateways import AT, a_dispute, a_gateway_payment, a_held_payment, a_top_up
from tests.builders.stripe import now, tell
from tests.builders.subscriptions import a_subscription
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.stripe import Double


@pytest.fixture
def firm(client: Client, stripe: Double) -> Organization:
    """A firm that owes ¥150.00; its owner is signed in."""
    with db.transaction():
        made = an_organization()
        owner = a_member(made)
        an_issued_bill_of(made)
    client.sign_in(owner.email, PASSWORD)
    return made


def an_issued_bill_of(firm: Organization) -> None:
    a_subscription(a_plan(monthly="150.00"), organization=firm)
    an_issued_bill(firm, OCTOBER)


def test_a_bill_is_paid_by_alipay_and_only_stripe_is_believed(client: Client, firm: Organization, stripe: Double, clock: FakeClock) -> None:
    page = client.page("/console/bills/1").follow("去付款")
    page = page.submit(button="继续付款", way="alipay")
    [session] = stripe.of("checkout.session")
    assert page.one("a", class_="btn-primary").get("href") == session["url"]
    assert "正在问 Stripe" in client.page(f"{page.path.partition('?')[0]}/back").text
    stripe.pay(session["id"])
    assert "已收到" not in client.page(page.path).text
    payments.sweep(clock.now())
    assert "已收到 ¥150.00" in client.page(page.path).text


def test_a_bill_says_how_it_was_paid_and_what_of_it_went_back(client: Client, firm: Organization, stripe: Double, clock: FakeClock) -> None:
    with db.transaction():
        made = payments.pay_with(db.session.get_one(Bill, 1), "alipay", by=an_actor(), at=AT)
    stripe.pay(str(now(made).session_id))
    payments.sweep(clock.now())
    bill = client.page("/console/bills/1")
    assert "用支付宝付了 ¥150.00" in bill.text and "对公转账到账" not in bill.text and "退回" not in bill.text
    refund = stripe.create_refund({"payment_intent": now(made).intent_id, "amount": 5000})
    tell(stripe, "refund.created", str(refund["id"]))
    payments.handle_due(clock.now())
    bill = client.page("/console/bills/1")
    assert "有 ¥50.00 付款被退回，账单重新要付" in bill.text and "余额抵扣" not in bill.text
    assert "其中 ¥50.00 后来退回了" in client.page(f"/console/payments/{made.id}").text


def test_a_refund_that_stripe_refuses_is_told_to_her_in_her_words(client: Client, firm: Organization, stripe: Double) -> None:
    with db.transaction():
        payment = a_top_up(db.session.get_one(Organization, firm.id))
        request = credit_notes.ask(payment.organization, 300, request_key="r1", by=an_actor(), at=AT)
        credit_notes.hand_over(request, by=an_actor(), at=AT)
        credit_notes.not_sent_back(request, failure=failures.NOT_REFUNDED, by=an_actor(), at=AT)
    assert "财务会改用银行转账退款" in (page := client.page("/console/balance/")).text
    assert "请改用" not in page.text and "请联系客服" not in page.text


def test_what_she_sees_fail_needs_no_letter(client: Client, firm: Organization, stripe: Double) -> None:
    with db.transaction():
        seen = a_gateway_payment(firm)
        outcomes.take_in(seen.id, Found(State.FAILED, failure_code="insufficient_funds"), at=AT)
        assert (seen.status.value, db.session.scalars(select(Email.key).where(Email.key.startswith("payment_failed."))).all()) == ("failed", [])


def test_a_bill_that_was_paid_in_another_window_leads_back_to_itself(client: Client, firm: Organization, stripe: Double, clock: FakeClock) -> None:
    page = client.page("/console/bills/1").follow("去付款")
    page.submit(button="继续付款", way="alipay")
    stripe.pay(stripe.of("checkout.session")[0]["id"])
    payments.sweep(clock.now() + timedelta(minutes=1))
    for after in (page.submit(button="继续付款", way="card"), client.page(page.path)):
        assert after.path == "/console/bills/1"
        assert "现在没有要付的款" in after.text and "已付清" in after.text


def test_with_stripe_gone_a_transfer_is_still_offered(client: Client, firm: Organization, stripe: Double) -> None:
    stripe.trouble("POST /v1/customers", "429", 9)
    page = client.page("/console/bills/1").follow("去付款").submit(button="继续付款", way="wechat_pay")
    assert "还没有连上 Stripe" in page.text
    assert "汇款识别码" in page.follow("换一种付款方式").submit(button="继续付款", way="bank_transfer").text


def test_every_state_of_a_payment_is_told(client: Client, firm: Organization) -> None:
    with db.transaction():
        shown = {a_top_up(firm).id: "已记入余额", a_held_payment(firm).id: "USD 7.00", a_gateway_payment(firm).id: "去付款 ¥5.00"}
    for id, words in shown.items():
        assert words in client.page(f"/console/payments/{id}").text
    page = client.page("/console/payments/")
    assert "尾号 4242" in page.text
    assert "尾号 4242" not in page.submit(button="移除").text


def test_a_top_up_that_failed_is_tried_again_with_what_was_typed(
    client: Client, firm: Organization, stripe: Double, clock: FakeClock
) -> None:
    page = client.page("/console/balance/").follow("充值").submit(button="去付款", amount_fen="123.45", way="wechat_pay")
    intent = stripe.pay(stripe.of("checkout.session")[0]["id"], settles=False)
    payments.sweep(clock.now() + timedelta(minutes=1))
    stripe.settle(intent["id"], works=False)
    payments.sweep(clock.now() + timedelta(hours=1))
    with db.transaction(readonly=True):
        letter = db.session.scalars(select(Email.body).where(Email.key.startswith("payment_failed."))).first() or ""
    assert "/console/balance/top-up?fen=12345&way=wechat_pay" in letter, "she may have gone before the wallet said no"
    client.page(page.path).follow("重新付款").submit(button="去付款")
    assert [(each["amount_total"], each["_way"]) for each in stripe.of("checkout.session")] == [(12345, "wechat_pay")] * 2
    stripe.of("checkout.session")[1]["status"] = "expired"
    payments.sweep(clock.now() + timedelta(days=2))
    assert client.page("/console/payments/2").follow("重新付款").one("input", name="amount_fen").get("value") == "123.45"
    assert client.page("/console/balance/top-up?fen=-1&way=cash").one("input", name="amount_fen").get("value") in ("", None)


def test_whoever_reads_bills_reads_receipts(client: Client, firm: Organization) -> None:
    with db.transaction():
        made = db.session.get_one(Organization, firm.id)
        card, buyer = a_top_up(made), a_member(made, Role.PURCHASER)
    client.sign_in(buyer.email, PASSWORD)
    for path in ("/console/balance/", "/console/payments/"):
        assert client.page(path).follow("收据").path == "/console/receipts/"
    assert "5.00" in client.page(f"/console/payments/{card.id}").follow("看收据").text


def test_a_dispute_is_found_from_the_list(client: Client, firm: Organization) -> None:
    with db.transaction():
        lost = a_top_up(firm, 700)
        a_dispute(lost, 700, "lost")
        held = a_top_up(firm, 600)
        a_dispute(held, 600)
    page = client.page("/console/payments/")
    assert (page.text.count("银行在处理"), page.text.count("钱被银行收回"), page.text.count("已到账")) == (1, 1, 0)
    assert "持卡人说不是本人付的" in page.follow("看原因").text
    told = client.page(f"/console/payments/{lost.id}").text
    assert "余额扣回 ¥7.00" in told and "已记入余额" not in told
    told = client.page(f"/console/payments/{held.id}").text
    assert "银行在处理 ¥6.00 的争议" in told and not any(words in told for words in ("已收到", "已到账", "已记入余额")), "a bank has the money now"


def test_news_is_stored_once_and_only_from_stripe(client: FlaskClient, firm: Organization, stripe: Double) -> None:
    with db.transaction():
        about = str(a_top_up(firm).session_id)
    stripe.things[about] = {"id": about, "object": "checkout.session"}
    body, header = stripe.news("checkout.session.completed", about)
    thin = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered", "created": "2026-11-18T02:00:00.000Z",
            "livemode": False, "context": None, "related_object": {"id": about, "type": "x", "url": "/"}}  # fmt: skip
    answers = {
        "good": (body, header, 200), "again": (body, header, 200), "tampered": (body + b" ", header, 400), "nobody's": (body, "", 400),
        "old": (*stripe.news("checkout.session.completed", about, at=1), 400), "large": (b"x" * 300_000, header, 413),
        "other secret": (*stripe.news("checkout.session.completed", about, secret="whsec_other"), 400), "thin": (*stripe.signed(thin), 200),
        "no event": (*stripe.signed({"object": "event"}), 400),
    }  # fmt: skip
    for name, (sent, signature, status) in answers.items():
        answer = client.post("/webhooks/stripe", data=sent, headers={"Stripe-Signature": signature})
        assert answer.status_code == status, name
    with db.transaction(readonly=True):
        assert [(each.event_id[:8], each.repeats) for each in db.session.scalars(payments.gateway_events())] == [("evt_thin", 0), ("evt_test", 1)]


def test_without_a_secret_all_news_is_refused(client: FlaskClient) -> None:
    answer = client.post("/webhooks/stripe", data=b"{}", headers={"Stripe-Signature": "t=1,v1=a"})
    assert (answer.status_code, "STRIPE_WEBHOOK_SECRET" in answer.text) == (503, True)
