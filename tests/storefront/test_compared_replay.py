"""Comparing on real use: the firm's own last months or a file, who is offered it, and that it agrees with the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from market import db
from market.accounts import Role
from market.catalog import Offering, Plan
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_charge, a_meter, a_plan, a_provider, an_offering, complete_facts
from tests.builders.metering import report
from tests.scenarios.stories import Story, a_story
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.pages import Page, text_of

MINE = "安澜文件备份"


def a_rival(slug: str, price: str, *, subcategory: str = "backup", extra: str = "") -> None:
    """A service for the story's three kinds of use, from another provider; `extra` is counted by nobody else."""
    seller = a_provider(name=f"{slug}公司")
    facts = complete_facts(name_zh=f"示例{slug}", name_en=slug) | {"subcategory": subcategory}
    plan = a_plan(an_offering(seller, slug=slug, plans=False, facts=facts), name_zh="随用版")
    for name, unit, each in (("外网流量", "GB", price), ("访问次数", "次", "0.00")):
        meter = a_meter(seller, name, name_zh=name, name_en=name, unit_zh=unit, unit_en=unit)
        a_charge(plan, {"model": "per_unit", "unit_price": each}, name_zh=name, meter=meter)
    stored = a_meter(seller, "kept", name_zh="备份空间", unit_zh="GB", unit_en="GB", aggregation="time_weighted", time_base="period")
    a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, name_zh="备份空间", meter=stored)
    if extra:
        a_charge(plan, {"model": "per_unit", "unit_price": "5.00"}, name_zh=extra, meter=a_meter(seller, "x", name_zh=extra, unit_zh="台", unit_en="device"))


def a_world() -> Story:
    """October and November are used and billed; rivals, of which one prices what nobody measured and one is of another kind."""
    with db.transaction():
        story = a_story()
        report(story.backup, story.stored, 800, at=moment("2026-10-01 12:00"))
        report(story.backup, story.traffic, 250, at=moment("2026-10-20 12:00"))
        a_rival("cheap", "0.02")
        a_rival("dear", "0.13")
        a_rival("devices", "0.03", extra="备份设备")
        a_rival("letters", "0.01", subcategory="sms")
        an_issued_bill(story.organization, OCTOBER)
        an_issued_bill(story.organization, NOVEMBER)
        a_member(story.organization, Role.VIEWER, user=a_user(email="viewer@example.com"))
        an_organization(name="示例茶行", owner=a_user(email="other@example.com"))
    return story


@pytest.fixture
def story(client: Client, clock: FakeClock, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """It is 10 December."""
    story: Story = kept(a_world)
    clock.set(moment("2026-12-10 12:00"))
    return story


def row(page: Page, label: str) -> list[str]:
    """What the columns say in the table of amounts."""
    found = next(each for each in page.one("section", **{"aria-labelledby": "paid-h"}).iter("tr") if text_of(each).startswith(label))
    return [text_of(cell) for cell in found.iter("td")]


RIVALS = "/compare/?s=cheap&s=devices"


def test_a_member_sees_her_own_months_and_what_makes_the_difference(client: Client, story: Story) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    page = client.page(RIVALS)
    assert "这一块只有贵企业能看金额的人看得到" in page.text and "现在付的金额，和已经出的账单一分不差。" in page.text
    assert "能比的账单月只有 2 个" in page.text
    assert "示例cheap · 随用版”只要 ¥20.87，比现在的" in page.text
    now, cheap, devices = row(page, "一共")
    assert "少 ¥" in cheap and "最低" in cheap and "算不出来" in devices and "少" not in now
    assert "¥8.00" not in now and len(row(page, "2026年10月")) == 3
    assert "按“备份设备”（台）收费，您的用量里没有这一项。" in page.text, "why it cannot be priced"
    assert "250 GB × ¥0.02" in row(page, "外网流量")[1]
    guessed = client.page(f"{RIVALS}&use=mine&g.amount.台=3")
    assert "¥" in row(guessed, "一共")[2] and "有些用量是您估的" in guessed.text
    assert "不是数字" in client.page(f"{RIVALS}&use=mine&g.amount.台=x", status=422).text


def test_its_amounts_are_those_of_the_console_to_the_fen(client: Client, story: Story) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    shown = client.page(RIVALS)
    lines = client.page("/console/replay/").follow(MINE).follow("逐行看")
    foot = [text_of(cell) for cell in lines.one("tfoot").iter("td")]
    now, cheap, _devices = row(shown, "一共")
    assert now.startswith(foot[0]) and cheap.startswith(foot[1]) and foot[2] in cheap
    for label in ("每月固定费用", "备份空间", "外网流量"):
        there = next(each for each in lines.all("tr") if text_of(each).startswith(label))
        for cell, said in zip(row(shown, label)[:2], there.iter("td"), strict=False):
            assert cell.startswith(text_of(said).split("2026")[0]), label


def test_nobody_else_sees_any_of_it(client: Client, story: Story) -> None:
    page = client.page(f"{RIVALS}&use=mine&of={story.backup.public_id}")
    assert "登录以后才能按贵企业的用量算" in page.text and MINE not in page.text and "第一年一共" in page.text
    tag = client.get(RIVALS).headers["ETag"]
    client.sign_in("owner@example.com", PASSWORD)
    mine = client.get(RIVALS, headers={"If-None-Match": tag})
    assert mine.status_code == 200 and mine.headers["Cache-Control"] == "no-store" and "ETag" not in mine.headers
    client.sign_in("viewer@example.com", PASSWORD)
    viewer = client.page(f"{RIVALS}&use=mine")
    assert "只有能看贵企业金额的人" in viewer.text and MINE not in viewer.text
    client.sign_in("other@example.com", PASSWORD)
    other = client.page(f"{RIVALS}&use=mine&of={story.backup.public_id}")
    assert "还没有用满一个账单月的同类服务" in other.text and MINE not in other.text


def test_what_was_typed_is_still_what_is_priced(client: Client, story: Story) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    assert "第一年一共" in client.page(f"{RIVALS}&use=typed").text
    assert "第一年一共" in client.page(f"{RIVALS}&u.amount.GB=250").text
    assert client.page(RIVALS).follow("自己填一个用量").follow("最近几个月的真实用量").one("section", **{"aria-labelledby": "paid-h"}) is not None
    assert "它是另一类服务，您在“安澜文件备份”的用量不能按它的价格算。" in client.page("/compare/?s=cheap&s=letters").text


def test_what_she_has_stands_in_its_own_column(client: Client, story: Story) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    with db.transaction():
        slug = db.session.scalar(select(Offering.slug).join(Plan).where(Plan.id == story.backup.plan_id))
    page = client.page(f"/compare/?s=cheap&s={slug}")
    assert len(row(page, "一共")) == 2 and "少" in row(page, "一共")[0] and "少" not in row(page, "一共")[1]


def test_a_file_is_priced_in_every_column_and_forgotten(client: Client, story: Story) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    address = "/compare/file/?s=cheap&s=dear"
    page = client.page(address)
    lines = "month,what,quantity\n2026-10,外网流量,100\n2026-10,访问次数,5\n2026-10,备份空间,600\n"
    told = page.submit(button="算一算，比一比", text=lines)
    assert row(told, "一共") == ["¥8.00 最低", "¥19.00多 ¥11.00"] and "600 GB × ¥0.01 → ¥6.00" in told.text
    assert "2026-10,备份空间,600" not in client.page(address).text
    wrong = page.submit(button="算一算，比一比", text="month,what,quantity\n2026-10,别的,1\n")
    assert wrong.status == 422 and "第 2 行的 what" in wrong.text
    client.sign_in("viewer@example.com", PASSWORD)
    client.page(address, status=403)


def test_more_columns_ask_no_more_of_the_database(client: Client, story: Story, queries: Callable[..., Any]) -> None:
    client.sign_in("owner@example.com", PASSWORD)
    client.page(RIVALS)
    with queries(at_most=99) as two:
        client.get(RIVALS)
    with db.transaction():
        a_rival("third", "0.04")
        a_rival("fourth", "0.05")
    with queries(at_most=len(two)):
        client.get(f"{RIVALS}&s=third&s=fourth")
