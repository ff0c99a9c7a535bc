"""Reviews and reports on screen: written in the console, answered by the provider, read by everybody."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from market import db, quality
from market.accounts import Role
from market.catalog import Offering
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_administrator, an_organization
from tests.builders.catalog import a_plan
from tests.builders.quality import TEXT
from tests.builders.subscriptions import a_subscription
from tests.conftest import PRESENT
from tests.support.clock import FakeClock
from tests.support.pages import text_of

PASSWORD_OF = "owner@example.com"


@pytest.fixture
def used(app) -> Offering:
    """A service that the firm of owner@example.com has used since 1 October."""
    with db.transaction():
        plan = a_plan(per_unit="0.01")
        firm = an_organization(name="示例五金厂")
        owner = a_member(firm, user=a_user(email=PASSWORD_OF))
        a_subscription(plan, organization=firm, user=owner)
        offering = plan.offering
        a_member(offering.provider.organization, Role.OWNER, user=a_user(email="seller@example.com"))
    return offering


def signed_in(client: FlaskClient, email: str) -> FlaskClient:
    client.sign_in(email, PASSWORD)
    return client


def test_what_a_firm_writes_everybody_reads_with_the_months_of_use(client, used):
    page = signed_in(client, PASSWORD_OF).page("/console/reviews/").follow("写评价")
    refused = page.submit(button="发布评价", text="好")
    assert "选 1 到 5 颗星" in refused.text and "至少写 10 个字" in refused.text
    refused.submit(button="发布评价", stars="4", text=TEXT)
    section = text_of(client.page(f"/offerings/{used.slug}").one("section", id="reviews"))
    assert TEXT in section and "用了 1 个月时写的" in section and "4 星" in section
    assert "示例五金厂" not in section
    everything = client.page(f"/offerings/{used.slug}/reviews/").text
    assert TEXT in everything and "1 条评价" in everything


def test_a_reply_stands_under_the_review(client, used):
    page = signed_in(client, PASSWORD_OF).page(f"/console/reviews/{used.id}")
    page.submit(button="发布评价", stars="2", text="客服三天没有回电话，自己摸索好的。", named="y")
    client.page("/console/").submit(button="退出")
    page = signed_in(client, "seller@example.com").page("/vendor/reviews/").follow("2 星")
    page.submit(button="发布回复", text="抱歉，客服电话已改为每天都有人接。")
    text = client.page(f"/offerings/{used.slug}/reviews/").text
    assert "示例五金厂" in text and "服务商回复" in text and "客服电话已改为" in text


def test_a_problem_is_reported_without_signing_in_and_answered_under_a_link(client, used, clock: FakeClock):
    page = client.page(f"/offerings/{used.slug}/report")
    hurried = page.submit(button="提交反馈", kind="price", text="页面写 99 元，客服说 129 元。", website="")
    assert "提交得太快" in hurried.text and "客服说 129 元" in text_of(hurried.one("textarea"))
    clock.forward(seconds=20)
    sent = hurried.submit(button="提交反馈", kind="price", text="页面写 99 元，客服说 129 元。", website="")
    assert "已收到" in sent.text and client.page("/reports/nonsense", status=404)
    with db.transaction():
        report = quality.report_by_id(1)
        office = an_administrator()
        quality.answer(report, text="已请服务商改成 129 元。", user=office, by=an_actor(office), at=PRESENT)
    assert "已请服务商改成 129 元" in client.page(sent.path).text


def test_a_machine_that_fills_every_box_gets_the_form_back(client, used, clock: FakeClock):
    page = client.page(f"/offerings/{used.slug}/report")
    clock.forward(seconds=20)
    assert "再提交" in page.submit(button="提交反馈", kind="price", text="买链接买流量找我们。", website="https://spam.example").text


def test_an_address_that_reports_without_end_is_slowed_down(client, used, clock: FakeClock):
    answers = []
    for _ in range(9):
        page = client.page(f"/offerings/{used.slug}/report")
        clock.forward(seconds=20)
        form = {"kind": "other", "text": "同一句话写了一遍又一遍。", "opened": page.one("input", name="opened").get("value"),
                "csrf_token": page.one("input", name="csrf_token").get("value")}  # fmt: skip
        answers.append(client.post(f"/offerings/{used.slug}/report", data=form).status_code)
    assert answers == [303] * 8 + [429]
