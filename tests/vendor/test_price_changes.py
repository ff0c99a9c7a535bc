"""The provider's side of agreed plans, limits and new prices for old customers, and the firm's answer."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import db
from market.accounts.models import OrganizationKind, Role
from market.catalog.models import Offering, Plan, PlanStatus
from market.subscriptions import Subscription, prices
from tests.builders.accounts import PASSWORD, a_city, a_member, a_user, an_organization
from tests.builders.catalog import a_plan, a_provider, an_offering
from tests.builders.subscriptions import a_subscription


@pytest.fixture
def shop(database) -> Plan:
    with db.transaction():
        a_city()
        seller = an_organization(kind=OrganizationKind.PROVIDER, name="示例服务商")
        a_member(seller, Role.PRODUCT, user=a_user(email="product@example.com"))
        offering = an_offering(a_provider(organization=seller), slug="backup", plans=False)
        old = a_plan(offering, monthly="30.00")
        firm = an_organization(name="示例五金厂")
        firm.uscc = "91440106MA00000314"
        a_member(firm, user=a_user(email="owner@example.com"))
        a_subscription(old, organization=firm)
        old.status = PlanStatus.RETIRED
        db.session.flush()
        a_plan(offering, monthly="60.00", version_number=2)
        return old


def test_a_price_change_from_the_announcement_to_the_answer(shop, app, client):
    client.sign_in("product@example.com", PASSWORD)
    path = f"/vendor/offerings/{shop.offering_id}/price-changes"
    page = client.page(f"{path}/").follow("宣布改价")
    assert "30.00 → 60.00" in page.text and "合计每月约多 ¥30.00" in page.text
    early = page.submit(button="宣布，通知 1 份订阅", reason_zh="涨价", effective_on="2026-11-21")
    assert early.status == 422 and "生效日太早" in early.text
    page = page.submit(button="宣布，通知 1 份订阅", reason_zh="机房电费上涨", effective_on="2026-12-01")
    assert "没表态" in page.text
    buyer = app.test_client()
    buyer.sign_in("owner@example.com", PASSWORD)
    assert "宣布改价" in buyer.page("/console/").text
    mine = buyer.page("/console/").follow("看改价")
    assert "机房电费上涨" in mine.text and "每月约多 ¥30.00" in mine.text
    left = mine.submit(button="不接受")
    assert "用到 2026年11月30日 停用" in left.text
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Subscription)).one().cancel_at is not None
    back = left.submit(button="接受新价格")
    assert "您已接受新价格" in back.text
    page = client.page(page.path).submit(button="撤回")
    assert "已撤回" in page.text
    assert "这次改价已经撤回" in buyer.page(back.path).text


def test_an_agreed_plan_from_a_code_to_a_list(shop, client):
    client.sign_in("product@example.com", PASSWORD)
    page = client.page(f"/vendor/offerings/{shop.offering_id}/private-plans/").follow("商定价格")
    wrong = page.submit(button="按商定的价格开售", codes="91440106MA0000ZZZZ")
    assert wrong.status == 422 and "91440106MA0000ZZZZ" in wrong.text
    sheet = page.submit(button="按商定的价格开售", codes="91440106MA00000314", name_zh="五金厂商定版", name_en="Agreed",
                        quantity_unit_zh="台", quantity_unit_en="device", quantity_minimum="5", notice_days="60")  # fmt: skip
    assert sheet.heading == "五金厂商定版" and "示例五金厂" in sheet.text
    assert "名单是空的" in sheet.submit(button="移出名单").text
    assert "停售" in client.page(sheet.path).submit(button="停售这个商定套餐").text
    with db.transaction(readonly=True):
        plan = db.session.scalars(select(Plan).where(Plan.private)).one()
        assert plan.status is PlanStatus.RETIRED
        assert (plan.quantity_unit_en, plan.quantity_minimum, plan.notice_days) == ("device", 5, 60)


def test_limits_are_set_and_lifted(shop, client):
    client.sign_in("product@example.com", PASSWORD)
    address = f"/vendor/offerings/{shop.offering_id}/limits"
    assert client.page(address).submit(button="保存名额", limit_total="0").status == 422
    client.page(address).submit(button="保存名额", limit_total="5", limit_per_organization="2")
    with db.transaction(readonly=True):
        offering = db.session.get_one(Offering, shop.offering_id)
        assert (offering.limit_total, offering.limit_per_organization) == (5, 2)
    client.page(address).submit(button="保存名额", limit_total="", limit_per_organization="")
    with db.transaction(readonly=True):
        assert db.session.get_one(Offering, shop.offering_id).limit_total is None


def test_the_contract_is_read_by_both_parties(shop, app, client):
    client.sign_in("owner@example.com", PASSWORD)
    with db.transaction(readonly=True):
        subscription = db.session.scalars(select(Subscription)).one()
        number = prices.versions_in_use(db.session.get_one(Offering, shop.offering_id))
    assert number
    page = client.page("/console/contracts/1")
    assert "¥30.00/月" in page.text and subscription.terms_hash in page.text and "已核对" in page.text
    seller = app.test_client()
    seller.sign_in("product@example.com", PASSWORD)
    assert "示例五金厂" in seller.page("/vendor/contracts/1").text
