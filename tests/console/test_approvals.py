"""`/console/approvals`: ordering as a purchaser, deciding as an owner, and the limit."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from market import db
from market.accounts.models import Organization, Role
from market.catalog.models import OfferingRevision
from market.subscriptions import Order, Subscription
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.catalog import a_plan, an_offering
from tests.support.client import Client

CHECK = "/offerings/backup/subscribe?storage-per-unit=486"
APPROVALS = "/console/approvals/"


@pytest.fixture
def firm(database) -> Organization:
    """A firm whose orders above ¥100.00 wait; its owner and its purchaser; ¥242.00 a month to be had."""
    with db.transaction():
        a_plan(an_offering(slug="backup", plans=False), monthly="99.00", per_unit="0.50", meter="storage", included="200")
        firm = an_organization(name="示例五金厂")
        firm.approval_above_fen = 100_00
        a_member(firm, user=a_user(email="owner@example.com", name="示例老板"))
        a_member(firm, Role.PURCHASER, user=a_user(email="purchaser@example.com", name="示例采购"))
        return firm


@pytest.fixture
def purchaser(firm, app) -> Client:
    return signed_in(app, "purchaser@example.com")


@pytest.fixture
def owner(firm, app) -> Client:
    return signed_in(app, "owner@example.com")


def signed_in(app, email: str) -> Client:
    client = app.test_client()
    client.sign_in(email, PASSWORD)
    return client


def placed() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count(Subscription.id))) or 0


def order(purchaser: Client):
    return purchaser.page(CHECK).submit(button="提交给老板批准", agree="y")


def test_a_purchaser_reads_before_the_click_that_her_order_will_wait(purchaser):
    page = purchaser.page(CHECK)
    for words in ("这张订单要等老板批准", "第一个整月预计 ¥242.00（含税），超过贵企业设定的 ¥100.00", "提交给老板批准，今天付 ¥0.00"):
        assert words in page.text, words
    waiting = page.submit(button="提交给老板批准", agree="y")
    assert "等老板批准" in waiting.heading
    assert "批准前不产生费用" in waiting.text
    assert placed() == 0
    assert "已有订单在等审批" in purchaser.page(CHECK).text


def test_below_the_limit_nothing_changes(purchaser):
    page = purchaser.page("/offerings/backup/subscribe?storage-per-unit=1")
    assert "要等老板批准" not in page.text
    assert page.submit(button="确认订阅", agree="y").heading == "已收到您的订阅"


def test_an_owner_does_not_wait_for_herself(owner):
    assert owner.page(CHECK).submit(button="确认订阅", agree="y").heading == "已收到您的订阅"


def test_a_guess_typed_over_the_limit_is_shown_before_it_counts(purchaser):
    page = purchaser.page("/offerings/backup/subscribe?storage-per-unit=1")
    again = page.submit(button="确认订阅", agree="y", **{"storage-per-unit": "486"})
    assert again.status == 409
    assert "订单要等企业的老板（所有者）批准" in again.text
    assert "等老板批准" in again.submit(button="提交给老板批准", agree="y").heading
    assert placed() == 0


@pytest.mark.every_database
def test_pressing_twice_is_one_waiting_order(purchaser):
    page = purchaser.page(CHECK)
    first, second = (page.submit(button="提交给老板批准", agree="y") for _ in range(2))
    assert first.path == second.path
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count(Order.id))) == 1


@pytest.mark.every_database
def test_the_owner_sees_it_to_do_and_approves_once_in_two_tabs(purchaser, owner):
    order(purchaser)
    assert "的订单等老板批准" in purchaser.page("/console/").text
    page = owner.page("/console/").follow("去审批")
    assert "示例采购" in page.text
    tabs = [page, owner.page(page.path)]
    for tab in tabs:
        answer = tab.submit("/approve")
        assert "示例老板 已批准" in answer.text
    assert placed() == 1
    assert "查看订阅" in purchaser.page(page.path).text
    assert "去审批" not in owner.page("/console/").text


def test_a_refusal_tells_the_purchaser_why(purchaser, owner):
    path = order(purchaser).path
    page = owner.page(path)
    assert page.submit("/refuse", reason="  ").status == 422
    assert "没有批准" in page.submit("/refuse", reason="<b>先用着</b>").heading
    told = purchaser.page(path)
    assert "原因：<b>先用着</b>" in told.text
    assert told.follow("重新下单").one("input", name="storage-per-unit").get("value") == "486"
    assert page.submit("/refuse", reason="").heading == told.heading
    late = page.submit("/approve")
    assert (late.status, placed()) == (409, 0)
    assert "已经有了结果" in late.text


def test_a_purchaser_takes_her_order_back_and_cannot_approve_it(purchaser, owner):
    page = order(purchaser)
    assert not page.all("form", action=f"{page.path}/approve")
    token = {"csrf_token": page.all("input", name="csrf_token")[0].get("value") or ""}
    assert purchaser.post(f"{page.path}/approve", data=token).status_code == 403
    shown = owner.page(page.path)
    assert "已取消的订单" in page.submit("/cancel").heading
    assert shown.submit("/approve").status == 409
    assert placed() == 0


def test_what_changed_meanwhile_is_said_and_sent_back(purchaser, owner):
    page = order(purchaser)
    shown = owner.page(page.path)
    with db.transaction():
        revision = db.session.scalars(select(OfferingRevision)).first()
        revision.facts = revision.facts | {"export_days": 7}
    answer = shown.submit("/approve")
    assert answer.status == 409
    assert "不能按原来的条件下单" in answer.text
    again = owner.page(page.path)
    assert not again.all("form", action=f"{page.path}/approve")
    again.submit("/refuse")  # the reason is written already
    fresh = purchaser.page(page.path).follow("重新下单")
    assert "停用后 7 天内" in fresh.text
    assert "等老板批准" in fresh.submit(button="提交给老板批准", agree="y").heading


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("typed", "stored"), [("500", 500_00), ("￥1,234.50", 1234_50), ("0", 0), ("", None)]
)
def test_an_owner_sets_the_limit(owner, typed, stored):
    page = owner.page(f"{APPROVALS}settings").submit(button="保存", limit_fen=typed)
    assert page.path == APPROVALS
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Organization.approval_above_fen).where(Organization.name == "示例五金厂")).one() == stored


@pytest.mark.parametrize("typed", ["很多", "-1", "1.234", "9" * 10_000, "99999999999999", "<script>"])
def test_a_limit_that_is_no_amount_stays_in_the_box_with_what_is_wrong(owner, typed):
    page = owner.page(f"{APPROVALS}settings").submit(button="保存", limit_fen=typed)
    assert page.status == 422
    assert page.one("input", name="limit_fen").get("value") == typed
    assert page.one("input", name="limit_fen").get("aria-invalid") == "true"


def test_only_the_owner_sets_it(purchaser):
    purchaser.page(f"{APPROVALS}settings", status=403)
    assert "设定审批金额" not in purchaser.page(APPROVALS).text
