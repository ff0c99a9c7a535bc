"""What was agreed on with one firm shows to that firm and to nobody else, wherever plans are shown; limits show to all."""

from __future__ import annotations

import pytest

from market import catalog, db
from market.catalog.models import Plan
from tests.builders.accounts import PASSWORD, a_city, a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_plan, a_private_plan, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription

PAGE = "/offerings/backup"
CHECK = f"{PAGE}/subscribe"


@pytest.fixture
def agreed(database) -> Plan:
    with db.transaction():
        a_city()
        base = a_plan(an_offering(slug="backup", plans=False), monthly="99.00", per_unit="0.50", meter="storage")
        firms = {name: an_organization(name=name) for name in ("示例五金厂", "示例茶行")}
        a_member(firms["示例五金厂"], user=a_user(email="owner@example.com"))
        a_member(firms["示例茶行"], user=a_user(email="stranger@example.com"))
        return a_private_plan(base, [firms["示例五金厂"]], monthly="77.00", name="五金厂商定版")


def test_its_firm_sees_it_computes_with_it_and_orders_it(agreed, client):
    client.sign_in("owner@example.com", PASSWORD)
    assert "¥77.00" in client.page(f"{PAGE}?plan={agreed.slug}").text
    page = client.page(f"{CHECK}?plan={agreed.slug}")
    assert "五金厂商定版" in page.text and "给贵企业的商定价" in page.text
    assert page.submit(button="确认订阅", agree="y").heading == "已收到您的订阅"


@pytest.mark.parametrize("who", ["", "stranger@example.com"])
def test_nobody_else_finds_a_trace(agreed, client, who):
    if who:
        client.sign_in(who, PASSWORD)
    for address in (PAGE, f"{PAGE}?plan={agreed.slug}", "/offerings/", "/offerings/?q=五金", "/"):
        html = client.get(address).get_data(as_text=True)
        assert "77.00" not in html and "五金厂商定版" not in html, address
    assert client.get(f"{CHECK}/contract?plan={agreed.slug}").status_code in (303, 404)


def test_a_strangers_order_of_it_is_not_one(agreed, client):
    client.sign_in("stranger@example.com", PASSWORD)
    page = client.page(f"{CHECK}?plan={agreed.slug}")
    assert "五金厂" not in page.text
    answer = client.page(CHECK).submit(button="确认订阅", agree="y", plan=agreed.slug)
    assert answer.status == 409 and "停售" in answer.text


def test_what_is_left_is_told_before_anybody_orders(agreed, client):
    with db.transaction():
        plan = db.session.get_one(Plan, agreed.id)
        offering = db.session.get_one(catalog.Offering, plan.offering_id)
        catalog.set_limits(offering, total=2, per_organization=1, by=an_actor(), at=ORDERED)
    assert "还剩 2 份" in client.page(PAGE).text
    with db.transaction():
        base = next(one for one in catalog.offering_by_slug("backup").live_plans)
        for _ in range(2):
            a_subscription(base)
    page = client.page(PAGE)
    assert "名额已经订满" in page.text and "看同类服务" in page.text
    client.sign_in("owner@example.com", PASSWORD)
    check = client.page(CHECK)
    assert "名额已经订满" in check.text
    assert check.one("button", name="confirm").get("disabled") is not None
