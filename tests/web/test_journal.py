"""The pages of the trail: whose rows, in which words, found how, paged by place."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from market import audit, db
from market.accounts.models import OrganizationKind
from market.catalog import Meter
from market.providers import Provider
from market.web import changes
from tests.builders.accounts import PASSWORD, a_member, a_user, an_administrator, an_organization, the_office
from tests.builders.catalog import a_provider
from tests.builders.worlds import a_world
from tests.support.client import Client

DAY = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def firm(database: None) -> Any:
    """A firm whose owner is 示例老板, with the office and a provider that act upon it."""
    with db.transaction():
        firm = an_organization(name="示例食品有限公司")
        a_member(firm, user=a_user(email="owner@example.com", name="示例老板"))
        return firm


@pytest.fixture
def owner(firm: Any, client: Client) -> Client:
    client.sign_in("owner@example.com", PASSWORD)
    return client


def person(organization: Any, name: str) -> audit.Actor:
    user = a_user(name=name)
    a_member(organization, user=user)
    return audit.Actor("user", user.id, name, organization.id, "192.0.2.9")


def done(action: str, subject: Any, by: audit.Actor, **more: Any) -> int:
    event = audit.record(action, subject, **{"by": by, "at": DAY, **more})
    db.session.flush()
    return event.id


def rows(page: Any) -> list[str]:
    texts = (" ".join("".join(item.itertext()).split()) for item in page.all("li"))
    return [text for text in texts if "的记录" in text]


def test_a_row_is_a_sentence_and_its_page_says_all(owner: Client, firm: Any) -> None:
    with db.transaction():
        by = person(firm, "示例采购")
        audit.record(
            "organization.changed", firm, by=by, at=DAY, before={"name": "旧名"}, after={"name": "新名"}, reason="迁址"
        )
    page = owner.page("/console/activity/?about=organization")
    assert "示例采购 修改了企业资料：示例食品有限公司“迁址”" in rows(page)[0]
    assert "来自 192.0.2.9" in rows(page)[0]
    shown = page.follow("2026-11-10 10:00:00 +08:00")
    for words in ("旧名", "新名", "迁址", "192.0.2.9", "已封存为第", "看原始记录", '"name":"新名"'):
        assert words in shown.text
    with db.transaction(readonly=True):
        event = audit.newest(1, audit.Narrowed(firm.id, ("organization",)))[0]
        link = audit.link_of(event)
    assert link is not None and link.hash in shown.text and f"第 {link.position} 号" in shown.text


def test_what_others_did_to_the_firm_is_told_without_their_names_and_addresses(owner: Client, firm: Any) -> None:
    with db.transaction():
        office, seller = the_office(), a_provider(name="示例云").organization
        ids = [
            done("organization.changed", firm, person(office, "管理员甲"), organization_id=firm.id, after={"reviewer": 5}),
            done("organization.changed", firm, person(seller, "工程师乙"), organization_id=firm.id),
            done("organization.changed", firm, audit.system("billing"), organization_id=firm.id),
        ]
        names = [office.name, seller.name, "系统"]
    page = owner.page("/console/activity/?about=organization")
    assert all(name in row for name, row in zip(reversed(names), rows(page), strict=True))
    for text in (page.text, *(owner.page(f"/console/activity/{id}").text for id in ids), file(owner)):
        for secret in ("管理员甲", "工程师乙", "192.0.2.9", "审核员"):
            assert secret not in text
    for words in ("管理员甲", "工程师乙"):
        assert "没有符合条件的记录" in owner.page(f"/console/activity/?q={words}").text


def file(client: Client) -> str:
    return client.get("/console/activity/records.csv").get_data(as_text=True)


def test_a_provider_sees_what_its_people_did_for_a_customer(client: Client, firm: Any) -> None:
    with db.transaction():
        seller = a_provider(name="示例云").organization
        by = person(seller, "工程师乙")
        id = done("subscription.activated", firm, by, organization_id=firm.id)
        a_member(seller, user=a_user(email="vendor@example.com"))
    client.sign_in("vendor@example.com", PASSWORD)
    assert "工程师乙 开通成功" in rows(client.page("/vendor/activity/?about=subscription"))[0]
    assert "192.0.2.9" in client.page(f"/vendor/activity/{id}").text


def test_another_firms_row_does_not_exist(owner: Client) -> None:
    with db.transaction():
        other = an_organization()
        id = done("organization.changed", other, person(other, "别人"))
    assert owner.get(f"/console/activity/{id}").status_code == 404
    assert owner.get("/console/activity/999999999999999999").status_code == 404
    assert "别人" not in owner.page("/console/activity/").text + file(owner)
    # Nor can it be told from the place where a page begins.
    assert owner.page(f"/console/activity/?before={id}").text == owner.page("/console/activity/?before=999999").text


@pytest.mark.every_database
def test_every_filter_narrows_and_stays_in_the_form_and_in_the_file(owner: Client, firm: Any) -> None:
    with db.transaction():
        anna = person(firm, "示例安娜")
        done("organization.changed", firm, anna)
        done("member.added", firm, person(firm, "示例本"), at=DAY + timedelta(days=3))
        done("bill.issued", firm, audit.system("billing"), organization_id=firm.id, label="2026-0001")
    for query, names in (
        ("about=member", ["示例本"]), (f"who={anna.id}", ["示例安娜"]), ("who=system", ["2026-0001"]), ("q=安娜", ["示例安娜"]),
        ("q=2026-00", ["2026-0001"]), ("from=2026-11-13&until=2026-11-13", ["示例本"]), ("until=2026-11-12", ["示例安娜", "2026-0001"]),
    ):  # fmt: skip
        page = owner.page(f"/console/activity/?{query}")
        listed = " ".join(rows(page))
        assert [name for name in ("示例安娜", "示例本", "2026-0001") if name in listed] == names, query
        written = owner.get(page.link("下载 CSV 文件")).get_data(as_text=True)
        assert [name for name in ("示例安娜", "示例本", "2026-0001") if name in written] == names, query
    page = owner.page(f"/console/activity/?who={anna.id}&q=示例")
    assert page.one("input", name="q").get("value") == "示例"
    assert any(option.get("value") == str(anna.id) and option.get("selected") is not None for option in page.all("option"))


@pytest.mark.parametrize(
    "query", ["about=x", "who=x", "who=0", "who=99999999999999999999", "before=x", "after=-1", "from=never", "q=" + "长" * 500]
)
def test_nonsense_in_the_address_is_as_good_as_nothing(owner: Client, firm: Any, query: str) -> None:
    assert owner.page(f"/console/activity/?{query}").heading == "操作记录"


@pytest.mark.every_database
def test_pages_follow_each_other_without_loss_both_ways(owner: Client, firm: Any) -> None:
    with db.transaction():
        by = person(firm, "示例采购")
        for number in range(65):
            done("bill.issued", firm, by, label=f"号{number:03}", at=DAY + timedelta(minutes=number // 2))
    page = owner.page("/console/activity/?about=bill")
    seen, pages = [], [rows(page)]
    while "更早的" in page.text:
        page = page.follow("更早的")
        pages.append(rows(page))
    seen = [row for one in pages for row in one]
    assert [len(one) for one in pages] == [30, 30, 5]
    assert all(f"号{64 - place:03}" in row for place, row in enumerate(seen))
    page = page.follow("更新的")
    assert rows(page) == pages[1]
    assert rows(page.follow("更新的")) == pages[0] and rows(page.follow("最新的")) == pages[0]


@pytest.mark.every_database
def test_the_file_is_safe_and_in_local_time(owner: Client, firm: Any) -> None:
    with db.transaction():
        done("bill.issued", firm, person(firm, "=HYPERLINK(1)"), label="+1", reason="@x", after={"a": 1})
    answer = owner.get("/console/activity/records.csv?about=bill")
    assert answer.mimetype == "text/csv" and answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff编号,时间,操作人")
    ((_id, at, who, _for, what, code, about, why, address, before, after),) = list(csv.reader(io.StringIO(text)))[1:]
    assert (at, who, about, why) == ("2026-11-10 10:00:00 +08:00", "'=HYPERLINK(1)", "'+1", "'@x")
    assert (what, code, address, before, after) == ("账单定稿", "bill.issued", "192.0.2.9", "", '{"a": 1}')


@pytest.mark.every_database
def test_a_page_and_a_file_cost_the_same_for_one_row_and_for_many(owner: Client, firm: Any, queries: Any) -> None:
    with db.transaction():
        office, other = person(the_office(), "甲"), person(an_organization(kind=OrganizationKind.PROVIDER), "乙")
        for number in range(40):
            done("bill.issued", firm, (office, other)[number % 2], organization_id=firm.id)
    with queries(at_most=6):
        page = owner.page("/console/activity/?about=bill")
    with queries(at_most=7):
        owner.get(page.link("更早的"))
    with queries(at_most=9):
        file(owner)


def test_somebody_forgotten_is_nowhere_named_and_the_chain_holds(owner: Client, firm: Any, app: Any) -> None:
    with db.transaction():
        user = a_user(name="示例离职")
        by = audit.Actor("user", user.id, user.name, firm.id, "192.0.2.44")
        ids = [done("organization.changed", firm, by), done("member.added", user, by, organization_id=firm.id)]
        audit.forget(user, by=audit.system("test"), at=DAY)
        admin = an_administrator().email
    texts = [owner.page("/console/activity/").text, file(owner), *(owner.page(f"/console/activity/{id}").text for id in ids)]
    assert "已注销的用户" in texts[0]
    office = app.test_client()
    office.sign_in(admin, PASSWORD)
    texts += [office.page(f"/admin/audit/{id}").text for id in ids]
    for text in texts:
        assert "示例离职" not in text and "192.0.2.44" not in text
    with db.transaction(readonly=True):
        report = audit.verify()
    assert report.whole and report.erased == 3


def test_the_trail_speaks_of_things_by_their_names_and_of_values_in_words(client: Client, database: None) -> None:
    with db.transaction():
        world = a_world()
    client.sign_in(world.seller.email, PASSWORD)
    with db.transaction():
        meter = db.session.get_one(Meter, world.seller.things["vendor.meters"]["id"])
        by = audit.Actor("user", 0, "示例经理", meter.provider_id, "192.0.2.9")
        after = {"remembered": True, "paid_fen": 123456, "role": "owner", "scopes": ["events:write"]}
        id = done("meter.added", meter, by, organization_id=a_firm_of(meter), after=after)
        name, slug = meter.name_zh, meter.slug
    shown = client.page(f"/vendor/activity/{id}").text
    assert f"：{name}" in shown and f"：{slug}" not in shown
    for words in ("保持登录", "是", "¥1,234.56", "老板（所有者）", "上报用量"):
        assert words in shown


def a_firm_of(meter: Meter) -> int:
    return db.session.get_one(Provider, meter.provider_id).organization_id


def test_what_a_plan_costs_and_when_a_change_begins_read_like_pages(app: Flask, database: None) -> None:
    plan = audit.AuditEvent(
        subject_type="Plan", subject_id=0, before={"charges": {}},
        after={"charges": {"fee": {"model": "flat", "interval": "month", "amount": "49.00"}, "half-written": {"model": "flat"}}},
    )  # fmt: skip
    change = audit.AuditEvent(
        subject_type="Subscription", subject_id=0, before={},
        after={"change": "pause", "on": "2026-11-30T16:00:00+00:00", "until": "2026-12-31"},
    )  # fmt: skip
    with app.test_request_context(), db.transaction(readonly=True):
        (charges,) = changes.changes(plan, office=True)
        assert charges.new.splitlines() == ["fee：¥49.00/月", 'half-written：{"model": "flat"}']
        told = [(each.label, each.new) for each in changes.changes(change, office=True)]
    assert told == [("改什么", "暂停"), ("生效时间", "2026年12月1日 00:00"), ("有效期至", "2026年12月31日")]
