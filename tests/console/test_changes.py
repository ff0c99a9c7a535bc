"""Changing, pausing and taking back, by the firm itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from market import accounts, db, subscriptions
from market.subscriptions import ChangeStatus, Subscription, SubscriptionStatus
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.billing import an_issued_bill
from tests.builders.catalog import a_plan, an_offering
from tests.builders.subscriptions import a_subscription

NOV_20 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SEATS = {"quantity_unit_zh": "席", "quantity_unit_en": "seats", "quantity_maximum": 50}


@pytest.fixture
def firm(database):
    with db.transaction():
        organization = an_organization(name="示例五金厂")
        for role in accounts.roles_of(organization.kind):
            a_member(organization, role, user=a_user(email=f"{role}@example.com", name=f"示例{role}"))
        return organization


@pytest.fixture
def plans(firm):
    """A plan of 30 yuan a seat, and a dearer and a cheaper one of the same offering."""
    with db.transaction():
        offering = an_offering(plans=False)
        seats = a_plan(offering, slug="seats", name_zh="席位版", monthly="30.00", **SEATS)
        dear = a_plan(offering, slug="pro", name_zh="专业版", monthly="300.00", position=1)
        cheap = a_plan(offering, slug="light", name_zh="轻量版", monthly="3.00", position=2)
        return seats, dear, cheap


@pytest.fixture
def bought(firm, plans) -> int:
    with db.transaction():
        id = a_subscription(plans[0], organization=firm).id
        an_issued_bill(firm)
        return id


@pytest.fixture
def owner(bought, client):
    client.sign_in("owner@example.com", PASSWORD)
    return client


def stand(id: int) -> tuple[str, int, SubscriptionStatus]:
    with db.transaction(readonly=True):
        one = db.session.get_one(Subscription, id)
        subscriptions.load_changes(one)
        return one.plan.slug, one.quantity, one.status


def changes(id: int) -> list[tuple[str, date, str | None, int | None]]:
    """(status, Guangdong day, plan, quantity) of everything that was asked for."""
    with db.transaction(readonly=True):
        return [
            (one.status.value, subscriptions.span.periods.local_day(one.effective_at), one.plan and one.plan.slug, one.quantity)
            for one in subscriptions.changes_of(db.session.get_one(Subscription, id))
        ]


def test_more_seats_at_once_with_both_previews_before(owner, bought):
    page = owner.page("/console/subscriptions/").follow("换套餐")
    assert "选另一个套餐，或改一下数量" in page.text
    page = page.submit(button="重新计算", quantity="11")
    # 11 of 30 days with ten more seats at 30 yuan; the month is 30 yuan without them.
    for words in ("2026年11月20日 起按新的计费", "多 ¥110.00", "30.00 → 140.00", "2026年12月1日 起按新的计费", "多 ¥300.00", "30.00 → 330.00"):
        assert words in page.text, words
    assert 'value="now" checked' in page.html
    page = page.submit(button="确认更改，今天付 ¥0.00")
    assert "已更改：数量改为 11，从今天起计费" in page.text and "11 席" in page.text
    assert stand(bought)[:2] == ("seats", 11)
    assert "改了数量" in page.text


def test_a_festival_is_planned_up_and_down_and_can_be_taken_back(owner, bought):
    page = owner.page(f"/console/subscriptions/{bought}/change?plan={plan_id(bought)}&quantity=8&when=day&on=2026-12-10&until=2026-12-13")
    page = page.submit(button="确认更改，今天付 ¥0.00", reason="双十二")
    assert "已安排：2026年12月10日 起数量改为 8" in page.text and "双十二" in page.text
    assert changes(bought) == [
        ("planned", date(2026, 12, 10), None, 8), ("planned", date(2026, 12, 14), None, 1),
    ]  # fmt: skip
    assert stand(bought)[1] == 1
    for id in (1, 2):
        page = page.submit(f"/changes/{id}/withdraw")
    assert {each[0] for each in changes(bought)} == {ChangeStatus.WITHDRAWN.value}
    assert "已经安排的更改" not in page.text


def plan_id(id: int) -> int:
    with db.transaction(readonly=True):
        return db.session.get_one(Subscription, id).plan_id


def test_a_cheaper_plan_comes_at_the_periods_end_after_its_terms_were_read(owner, bought, plans):
    page = owner.page(f"/console/subscriptions/{bought}/change").submit(button="重新计算", plan=str(plans[2].id))
    assert 'value="period_end" checked' in page.html
    assert "¥3.00/月" in page.text and "条款指纹" in page.text
    refused = page.submit(button="确认更改，今天付 ¥0.00")
    assert refused.status == 422 and "先看一遍新套餐的价格和条款" in refused.text
    page = refused.submit(button="确认更改，今天付 ¥0.00", agree="y")
    assert "2026年12月1日 起换成“轻量版”" in page.text
    assert changes(bought) == [("planned", date(2026, 12, 1), "light", None)] and stand(bought)[0] == "seats"


def test_a_choice_that_was_not_shown_is_shown_first(owner, bought, plans):
    page = owner.page(f"/console/subscriptions/{bought}/change").submit(button="重新计算", quantity="4")
    page = page.submit(button="确认更改，今天付 ¥0.00", quantity="40")
    assert page.status == 422 and "您改了选择" in page.text and "30.00 → 459.00" in page.text
    assert changes(bought) == []
    assert "确认更改" in page.text


def test_a_stale_page_says_what_happened_and_keeps_what_was_typed(owner, bought, client):
    page = owner.page(f"/console/subscriptions/{bought}/change").submit(button="重新计算", quantity="7")
    with db.transaction():
        one = subscriptions.subscription_of(firm_of(bought), bought)
        subscriptions.change(one, quantity=3, when="now", by=an_actor(), at=NOV_20)
    page = page.submit(button="确认更改，今天付 ¥0.00", reason="加人")
    assert page.status == 409
    assert "您看页面的这段时间" in page.text and "改了数量" in page.text
    assert page.one("input", name="quantity").get("value") == "7" and page.one("textarea", name="reason").text.strip() == "加人"
    assert "确认更改" in page.submit(button="确认更改，今天付 ¥0.00").path or stand(bought)[1] == 7


def firm_of(id: int):
    return db.session.get_one(accounts.Organization, db.session.get_one(Subscription, id).organization_id)


def test_two_presses_of_the_button_are_one_change(owner, bought):
    page = owner.page(f"/console/subscriptions/{bought}/change").submit(button="重新计算", quantity="5")
    for _ in range(2):
        assert page.submit(button="确认更改，今天付 ¥0.00").path == f"/console/subscriptions/{bought}"
    assert [each[3] for each in changes(bought)] == [5]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"quantity": "51"}, "最多订 50，装不下 51"),
        ({"quantity": "0"}, "1 到 50"),
        ({"quantity": "五个"}, "写成 120 的样子"),
        ({"quantity": "2", "when": "day", "on": "2026-11-01"}, "选今天以后的一天"),
        ({"quantity": "2", "when": "day", "on": ""}, "填写从哪天起"),
        ({"quantity": "2", "when": "day", "on": "2040-01-01"}, "三年"),
        ({"quantity": "2", "when": "now", "until": "2026-11-01"}, "选开始的那天或以后的一天"),
        ({"quantity": "2", "plan": "987654321"}, "请另选一个"),
        ({"quantity": "2", "when": "someday"}, "选择从什么时候起"),
    ],
)
def test_what_cannot_be_is_said_at_its_box(owner, bought, typed, words):
    page = owner.page(f"/console/subscriptions/{bought}/change").submit(button="重新计算", quantity="2")
    page = page.submit(button="确认更改，今天付 ¥0.00", **typed)
    assert page.status == 422 and words in page.text
    assert changes(bought) == []


def test_what_would_need_an_owner_is_refused_to_a_purchaser(owner, bought, client):
    with db.transaction():
        firm_of(bought).approval_above_fen = 200_00
    client.sign_in("purchaser@example.com", PASSWORD)
    page = client.page(f"/console/subscriptions/{bought}/change").submit(button="重新计算", quantity="20")
    page = page.submit(button="确认更改，今天付 ¥0.00")
    assert page.status == 409 and "老板" in page.text
    assert changes(bought) == []


@pytest.mark.parametrize("role", ["technician", "finance", "viewer"])
def test_only_owner_and_purchaser_change(bought, client, role):
    client.sign_in(f"{role}@example.com", PASSWORD)
    for path in ("change", "pause"):
        client.page(f"/console/subscriptions/{bought}/{path}", status=403)


def test_a_pause_is_given_its_end_later_and_another_one(owner, bought, clock):
    with db.transaction():
        subscriptions.pause(db.session.get_one(Subscription, bought), when="now", by=an_actor(), at=NOV_20)
    page = owner.page(f"/console/subscriptions/{bought}").follow("安排哪天恢复")
    assert page.submit(button="确认恢复", on="2026-11-19").status == 422
    page = page.submit(button="确认恢复", on="2026-12-20")
    assert "2026年12月20日 起 恢复使用" in page.text and "安排哪天恢复" not in page.text
    clock.set(datetime(2026, 11, 21, 2, tzinfo=UTC))
    subscriptions.apply_due(clock.now())
    page = owner.page(f"/console/subscriptions/{bought}")
    assert "已安排 2026年12月20日 恢复" in page.text
    page = page.follow("选一天恢复").submit(button="确认恢复", on="2026-12-01")
    assert "已安排 2026年12月1日 恢复" in page.text
    with db.transaction(readonly=True):
        planned = [one for one in subscriptions.changes_of(db.session.get_one(Subscription, bought)) if one.status is ChangeStatus.PLANNED]
    assert [one.effective_at.date() for one in planned] == [date(2026, 11, 30)]


def test_a_pause_with_its_end_and_going_on_before(owner, bought, clock):
    page = owner.page(f"/console/subscriptions/{bought}").follow("暂停")
    for words in ("2026年11月21日 起暂停", "少 ¥10.00", "2026年12月1日 起暂停"):
        assert words in page.text, words
    page = page.submit(button="确认暂停，今天付 ¥0.00", until="2026-12-09", reason="淡季")
    assert "已安排暂停：2026年11月21日 起不再收月费" in page.text and "2026年12月10日 起" in page.text
    clock.set(datetime(2026, 11, 22, 2, 0, tzinfo=UTC))
    subscriptions.apply_due(clock.now())
    page = owner.page(f"/console/subscriptions/{bought}")
    assert "已暂停" in page.text and "恢复后的第一份账单" in page.text
    page = page.submit("/resume")
    assert stand(bought)[2] is SubscriptionStatus.ACTIVE
    assert "恢复了使用" in page.text


def test_strangers_find_nothing_to_change(owner, plans):
    with db.transaction():
        other = a_subscription(plans[0]).id
    for path in ("change", "pause"):
        owner.page(f"/console/subscriptions/{other}/{path}", status=404)
