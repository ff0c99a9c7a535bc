"""Firms that owe, as the office sees them; and what such a firm sees on top of its own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market import db, dunning
from market.accounts import Organization, Role
from market.billing import Bill
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.billing import moment
from tests.builders.dunning import an_unpaid_bill, sweep
from tests.support.client import Client
from tests.support.clock import FakeClock

Enter = Callable[..., Client]


@pytest.fixture
def bill(clock: FakeClock) -> Bill:
    """Last noticed on 3 December, which is today."""
    with db.transaction():
        found = an_unpaid_bill()
        a_member(db.session.get_one(Organization, found.organization_id), Role.OWNER, user=a_user(email="owner@example.com"))
    clock.set(moment("2026-12-03 10:00"))
    sweep("2026-11-22 10:00", "2026-12-03 10:00")
    return found


def test_an_empty_list_says_so(enter: Enter) -> None:
    assert "没有逾期的账单" in enter(Role.FINANCE).page("/admin/dunning/").text


@pytest.mark.every_database
def test_the_list_names_the_debt_its_age_and_the_next_step(enter: Enter, bill: Bill) -> None:
    page = enter(Role.FINANCE).page("/admin/dunning/")
    assert page.one("table", class_="bars") is not None
    for words in ("¥150.00", "1–30 天", "超过 90 天", "最后通知", "停用服务", "12月10日"):
        assert words in page.text


@pytest.mark.every_database
def test_a_list_of_many_asks_no_more_than_one_of_one(enter: Enter, bill: Bill, queries: Any) -> None:
    finance = enter(Role.FINANCE)
    finance.page("/admin/dunning/")
    with queries(at_most=60) as one:
        finance.page("/admin/dunning/")
    with db.transaction():
        for _ in range(3):
            an_unpaid_bill()
    sweep("2026-12-03 10:00")
    with queries(at_most=len(one)):
        assert "4 份账单" in finance.page("/admin/dunning/").text


@pytest.mark.every_database
def test_a_hold_is_placed_with_a_reason_and_ends_by_a_click(enter: Enter, bill: Bill, client: Client) -> None:
    finance, address = enter(Role.FINANCE), f"/admin/dunning/{bill.organization_id}"
    refused = finance.page(address).submit(button="暂缓", until="2026-12-01", reason="", status=422)
    assert "写明为什么暂缓" in refused.text and "选从今天到" in refused.text
    held = refused.submit(button="暂缓", until="2026-12-20", reason="已谈妥付款")
    assert "已暂缓到 2026年12月20日" in held.text and "已谈妥付款" in held.text
    client.sign_in("owner@example.com", PASSWORD)
    assert "平台同意暂缓到 2026年12月20日" in client.page("/console/bills/").text
    assert "催款继续" in held.submit(button="结束暂缓").text
    with db.transaction(readonly=True):
        step = next(each for each in dunning.steps_of(bill) if each.names_on)
        assert str(step.names_on) == "2026-12-28", "what was moved stays where it is"


def test_the_next_letter_is_sent_by_a_click(enter: Enter, clock: FakeClock) -> None:
    with db.transaction():
        bill = an_unpaid_bill()
    clock.set(moment("2026-11-24 10:00"))
    sweep("2026-11-24 09:30")
    page = enter(Role.FINANCE).page(f"/admin/dunning/{bill.organization_id}")
    sent = page.submit(button="现在就办：逾期 7 天提醒")
    assert "已办：逾期 7 天提醒" in sent.text and "操作人" in sent.text
    again = page.submit(button="现在就办：逾期 7 天提醒")
    assert (again.status, "已经办过" in again.text) == (409, True), "a second click takes no second step"
    assert "写明 2026年12月10日 停用" in sent.submit(button="现在就办：最后通知").text


def test_services_are_not_stopped_before_the_day_that_was_named(enter: Enter, bill: Bill) -> None:
    finance = enter(Role.FINANCE)
    page = finance.page(f"/admin/dunning/{bill.organization_id}")
    assert "现在就办" not in page.text
    answer = finance.post(f"/admin/dunning/bills/{bill.id}/step", data={"csrf_token": page.all("input", name="csrf_token")[0].get("value"), "step": "suspension"})
    assert answer.status_code == 409 and "最后通知写明的日期是 2026-12-10" in answer.text


def test_the_sequence_is_changed_by_those_who_may(enter: Enter) -> None:
    assert "改步骤" not in enter(Role.FINANCE).page("/admin/dunning/sequence").text
    page = enter().page("/admin/dunning/sequence")
    refused = page.submit(button="保存为新的一版", suspension="十天", reason="", status=422)
    assert "填写整数" in refused.text and "写明为什么改" in refused.text
    saved = refused.submit(button="保存为新的一版", suspension="25", reason="多留几天")
    assert "已保存为第 2 版" in saved.text and "多留几天" in saved.text


def test_a_firm_sees_the_exact_next_step_on_every_page(client: Client, bill: Bill, clock: FakeClock, queries: Any) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    told = "到 2026年12月10日 还没有付清，那天上午 9 点起停用全部订阅"
    assert told in client.page("/console/").text and told in client.page("/console/subscriptions/").text
    with queries(at_most=80) as asked:
        page = client.page(f"/console/bills/{bill.id}")
    assert sum("FROM dunning_holds" in statement for statement in asked) == 1, "on top and below it is the same"
    assert "付款提醒" in page.text and "写明 2026年12月10日 停用" in page.text
    clock.set(moment("2026-12-10 10:00"))
    sweep("2026-12-10 10:00")
    stopped = client.page("/console/subscriptions/")
    assert "服务已停用" in stopped.text and "付清后立即恢复" in stopped.text
    assert told_to_wait(client.page(f"/console/bills/{bill.id}"))


def told_to_wait(page: Any) -> bool:
    return "最早 2027年1月18日 通知终止" in page.text
