"""The pages of a replay: the firm's own months on other plans, a guess, a file; and what is said where nothing can be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any

import pytest

from market import db, subscriptions
from market.catalog import Aggregation, Plan, TimeBase
from market.subscriptions import Subscription
from tests.builders.accounts import PASSWORD, an_actor
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_charge, a_meter, a_plan, a_provider, an_offering, complete_facts
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.pages import Page


def a_rival(name: str, price: str, *, unit: str = "GB", **columns: Any) -> Plan:
    """A plan of another provider for the story's three kinds of use."""
    seller = a_provider(name=f"{name}公司", name_en=f"{name} Ltd")
    plan = a_plan(an_offering(seller, plans=False, facts=complete_facts(name_zh=name, name_en=name)), name_zh="随用版", **columns)
    space = a_meter(seller, "kept", name_zh="存放空间", unit_zh=unit, unit_en=unit, aggregation=Aggregation.TIME_WEIGHTED, time_base=TimeBase.PERIOD)
    a_charge(plan, {"model": "per_unit", "unit_price": price}, meter=space)
    for slug, each in (("流量", "GB"), ("访问", "次")):
        a_charge(plan, {"model": "per_unit", "unit_price": "0.00"}, meter=a_meter(seller, slug, name_zh=slug, unit_zh=each, unit_en=each))
    return plan


def a_story_with_a_rival() -> Story:
    """October and November are billed, and a rival has the same for ¥0.01 a GB."""
    with db.transaction():
        story = a_story()
        report(story.backup, story.stored, 800, at=moment("2026-10-01 12:00"))
        report(story.backup, story.traffic, 250, at=moment("2026-10-20 12:00"))
        a_rival("低价存储", "0.01")
        an_issued_bill(story.organization, OCTOBER)
        an_issued_bill(story.organization, NOVEMBER)
    return story


@pytest.fixture
def story(client: Client, clock: FakeClock, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """It is 10 December; October and November are billed, and a rival has the same for ¥0.01 a GB."""
    story: Story = kept(a_story_with_a_rival)
    clock.set(moment("2026-12-10 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    return story


def test_the_firm_sees_what_each_service_could_cost(client: Client, story: Story) -> None:
    page = client.page("/console/replay/")
    assert "低价存储 · 随用版" in page.text and "2026年10月 到 2026年11月" in page.text
    assert words(page.one("tbody")).count("安澜文件备份") == 1


def test_a_subscription_is_told_what_it_would_have_paid_and_why(client: Client, story: Story) -> None:
    page = client.page("/console/replay/").follow("安澜文件备份")
    assert "只要 ¥15.87" in page.text and "现在的套餐这一行，和已经出的账单一分不差。" in page.text
    lines = page.follow("逐行看")
    assert "按您的“备份空间”算" in lines.text and "787.096774 GB × ¥0.01" in lines.text
    assert "¥15.87" in words(lines.one("tfoot"))


def test_what_was_paused_is_paused_everywhere_and_said(client: Client, story: Story, clock: FakeClock) -> None:
    with db.transaction():
        one, by = db.session.get_one(Subscription, story.backup.id), an_actor()
        subscriptions.load_changes(one)
        clock.set(moment("2026-12-01 09:00"))
        for what, day in ((subscriptions.pause, 11), (subscriptions.resume, 21)):
            what(one, when=date(2026, 12, day), by=by, at=moment("2026-12-01 09:00"))
    clock.set(moment("2027-01-10 12:00"))
    page = client.page(f"/console/replay/{story.backup.id}")
    assert "其中有 10 天暂停了。别的套餐也按同样的日子暂停来算。" in page.text
    lines = page.follow("逐行看")
    assert "暂停的 2026年12月11日 到 2026年12月20日：" in lines.text and "2026年12月1日 到 2026年12月10日：" in lines.text


def test_a_plan_that_cannot_hold_the_firm_is_not_ranked(client: Client, story: Story) -> None:
    with db.transaction():
        a_rival("小团队", "0.00", quantity_unit_zh="人", quantity_unit_en="person", quantity_minimum=1, quantity_maximum=50)
    address = f"/console/replay/{story.backup.id}"
    told = client.page(f"{address}?g.units.人=51")
    assert "它最多订 50 人，装不下您的 51 人。" in told.text and "小团队 · 随用版" not in words(told.one("section", id="plans"))
    assert "小团队 · 随用版" in words(client.page(f"{address}?g.units.人=50").one("section", id="plans"))


def test_a_guess_makes_another_plan_comparable(client: Client, story: Story) -> None:
    with db.transaction():
        plan = a_rival("按人存储", "0.02")
        a_charge(plan, {"model": "per_unit", "unit_price": "5.00"}, meter=a_meter(plan.offering.provider, "people", name_zh="使用人数", unit_zh="人", unit_en="person", aggregation=Aggregation.MAX))
    address = f"/console/replay/{story.backup.id}"
    page = client.page(address)
    assert "它按“使用人数”（人）收费，您的用量里没有这一项。" in page.text
    told = client.page(f"{address}?g.peak.人=4")
    assert "有些用量是您估的" in told.text and "它按“使用人数”" not in told.text
    wrong = client.page(f"{address}?g.peak.人=许多", status=422)
    assert "使用人数，同时最多：“许多”不是数字" in wrong.text


def test_before_a_month_is_over_a_guess_is_offered_instead(client: Client, story: Story, clock: FakeClock) -> None:
    clock.set(moment("2026-10-25 12:00"))
    assert "还没有用满一个账单月" in client.page("/console/replay/").text
    page = client.page(f"/console/replay/{story.backup.id}")
    assert page.follow("先估一个用量来比").heading == "估一个用量来比"


def test_a_kind_of_service_that_does_not_exist_is_asked_for_again(client: Client, story: Story) -> None:
    page = client.page("/console/replay/guess?subcategory=archive")
    assert "请选择" in page.text and "能比的套餐" not in page.text


def test_a_guess_without_a_subscription(client: Client, story: Story) -> None:
    page = client.page("/console/replay/guess?subcategory=backup")
    assert "填好以后" in page.text
    told = client.page("/console/replay/guess?subcategory=backup&g.level.GB=600&g.amount.GB=10&g.amount.次=5")
    assert "低价存储 · 随用版" in told.text and "最便宜" in told.text and "600 GB × ¥0.01 → ¥6.00" in told.text


class TestFile:
    def send(self, client: Client, content: str) -> Page:
        page = client.page("/console/replay/upload?subcategory=backup")
        return page.submit("/console/replay/upload", subcategory="backup", text=content)

    def test_written_by_hand(self, client: Client, story: Story) -> None:
        lines = "月份,项目,数量\n2026-09,备份空间,600\n2026-10,备份空间,700\n"
        lines += "".join(f"2026-{month:02},{what},0\n" for month in (9, 10) for what in ("外网流量", "访问次数"))
        page = self.send(client, lines)
        for text in ("低价存储 · 随用版", "600 GB × ¥0.01 → ¥6.00", "2026-10,备份空间,700", "2026年9月 到 2026年10月 的 3 个项目"):
            assert text in page.text
        assert "备份空间,700" not in client.page("/console/replay/upload?subcategory=backup").text, "nothing of it is kept"

    def test_what_is_wrong_is_told_by_line_and_column(self, client: Client, story: Story) -> None:
        page = self.send(client, "month,what,quantity\n2026-13,备份空间,1\n2026-09,空气,1\n2026-09,备份空间,许多\n")
        for text in ("第 2 行的 month：", "第 3 行的 what：", "第 4 行的 quantity："):
            assert text in page.text

    def test_events_as_providers_send_them(self, client: Client, story: Story) -> None:
        row = "{0},example.traffic,a,2026-10-0{0}T10:00:00+08:00,{1}\n"
        lines = "id,type,subject,time,value\n" + row.format(5, 30) + row.format(6, 12) + row.format(6, 12)
        assert "2026-10,外网流量,42" in self.send(client, lines).text

    def test_a_file(self, client: Client, story: Story) -> None:
        form = client.page("/console/replay/upload").form("/console/replay/upload", None)
        token = next(each.get("value") for each in form.iter("input") if each.get("name") == "csrf_token")
        sent = {"csrf_token": token, "subcategory": "backup", "file": (BytesIO("month,what,quantity\n2026-09,备份空间,1".encode("gb18030")), "a.csv")}
        answer = client.post("/console/replay/upload", data=sent, content_type="multipart/form-data")
        assert answer.status_code == 200 and "2026-09,备份空间,1" in answer.get_data(as_text=True)


def words(element: Any) -> str:
    """What an element says."""
    return " ".join("".join(element.itertext()).split())


def test_another_firms_use_is_nobodys_business(client: Client, story: Story) -> None:
    with db.transaction():
        other = a_subscription(a_plan(monthly="1.00")).id
    client.page(f"/console/replay/{other}", status=404)
