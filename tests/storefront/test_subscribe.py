"""Ordering on one page."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from market import db, subscriptions
from market.accounts.models import Role
from market.catalog.models import Offering, OfferingRevision, OfferingStatus, Plan
from market.subscriptions import Subscription
from tests.builders.accounts import PASSWORD, a_city, a_member, a_user, an_actor, an_organization
from tests.builders.catalog import a_charge, a_meter, a_plan, an_offering
from tests.builders.subscriptions import ORDERED, a_subscription, the_request

CHECK = "/offerings/backup/subscribe"


@pytest.fixture
def shop(database) -> Plan:
    """A live offering with a fee and metered use, and a firm with an owner and a viewer."""
    with db.transaction():
        a_city()
        offering = an_offering(slug="backup", plans=False)
        plan = a_plan(offering, monthly="99.00", per_unit="0.50", meter="storage", included="200")
        firm = an_organization(name="示例五金厂")
        a_member(firm, user=a_user(email="owner@example.com", name="示例老板"))
        a_member(firm, Role.VIEWER, user=a_user(email="viewer@example.com"))
        return plan


@pytest.fixture
def owner(shop, client):
    client.post("/sign-in", data=_token(client) | {"email": "owner@example.com", "password": PASSWORD})
    return client


def test_where_each_transaction_costs_something_their_number_is_asked_and_kept(shop, owner):
    with db.transaction():
        terms = {"model": "percentage", "percent": "1", "fee": "0.10"}
        meter = a_meter(shop.offering.provider, "takings", unit_zh="元", unit_en="CNY")
        taken = a_plan(db.session.get_one(Offering, shop.offering_id), slug="taken", position=2)
        a_charge(taken, terms, meter=meter, slug="takings", typical="1000", typical_count=10)
    page = owner.page(f"{CHECK}?plan=taken")
    assert page.one("input", id="use-takings-count").get("value") == "10" and "¥11.00" in page.text
    page = page.submit(button="重新计算", **{"takings.count": "40"})
    assert "¥14.00" in page.text
    assert page.submit("/subscribe", agree="y", **{"takings.count": "x"}).status == 422
    page.submit("/subscribe", agree="y")
    with db.transaction(readonly=True):
        assert db.session.scalars(select(Subscription)).one().estimate == {"takings": "1000", "takings.count": "40"}


def _token(client) -> dict[str, str]:
    page = client.page("/sign-in")
    return {"csrf_token": page.all("input", name="csrf_token")[0].get("value") or ""}


def count() -> int:
    with db.transaction(readonly=True):
        return db.session.scalar(select(func.count(Subscription.id))) or 0


def test_everything_that_matters_stands_on_one_page(owner):
    page = owner.page(f"{CHECK}?plan=basic&storage-per-unit=486")
    for words in ("今天付 ¥0.00", "¥99.00/月", "¥0.50/次", "286 次 × ¥0.50", "¥242.00",
                  "2026年12月1日", "停用后 30 天内", "示例五金厂", "同意订阅", "不收费"):  # fmt: skip
        assert words in page.text, words
    assert page.one("input", name="agree").get("checked") is None
    assert page.one("input", name="storage-per-unit").get("value") == "486"


def test_the_page_asks_for_sign_in_and_comes_back_with_what_was_typed(shop, client):
    page = client.page(f"{CHECK}?plan=basic&storage-per-unit=486")
    assert page.path == "/sign-in"
    page = page.submit(email="owner@example.com", password=PASSWORD)
    assert page.path == CHECK
    assert page.one("input", name="storage-per-unit").get("value") == "486"


def test_one_tick_and_one_button_order_it(owner):
    page = owner.page(f"{CHECK}?storage-per-unit=486").submit(button="确认订阅", agree="y")
    assert page.heading == "已收到您的订阅"
    with db.transaction(readonly=True):
        subscription = db.session.scalars(select(Subscription)).one()
        assert subscription.estimate == {"storage-per-unit": "486"}
        assert subscription.status.value == "provisioning"


def test_without_the_tick_nothing_happens_and_everything_typed_stays(owner):
    page = owner.page(CHECK).submit(button="确认订阅", **{"storage-per-unit": "77"})
    assert page.status == 422
    assert "先看一遍价格和条款" in page.text
    assert page.one("input", name="storage-per-unit").get("value") == "77"
    assert count() == 0


@pytest.mark.parametrize("guess", ["很多", "-3", "0.1234567", "1e99"])
def test_a_guess_that_is_no_quantity_is_said_at_its_field(owner, guess):
    page = owner.page(CHECK).submit(button="确认订阅", agree="y", **{"storage-per-unit": guess})
    assert page.status == 422
    assert page.one("input", name="storage-per-unit").get("aria-invalid") == "true"
    assert page.one("input", name="storage-per-unit").get("value") == guess
    assert count() == 0


def test_a_guess_in_the_address_that_is_no_quantity_breaks_nothing(owner):
    page = owner.page(f"{CHECK}?storage-per-unit=%E5%BE%88%E5%A4%9A")
    assert "不是数字" in page.text


def test_recalculating_keeps_what_was_typed(owner):
    page = owner.page(CHECK).submit(button="重新计算", **{"storage-per-unit": "300"})
    assert page.path == CHECK
    assert "¥149.00" in page.text
    assert count() == 0


@pytest.mark.every_database
def test_pressing_twice_is_one_order(owner):
    page = owner.page(CHECK)
    first, second = (page.submit(button="确认订阅", agree="y") for _ in range(2))
    assert first.path == second.path
    assert count() == 1


@pytest.mark.every_database
def test_pressing_from_ten_browsers_at_once_is_one_order(owner, app):
    page = owner.page(CHECK)
    fields = [(field.get("name"), field.get("value")) for field in page.form(button="确认订阅").iter("input")]
    data = {name: value for name, value in fields if name and name != "agree"} | {"agree": "y"}
    cookies = owner.get_cookie("session").value
    start, answers = Barrier(10), []

    def press() -> None:
        rival = app.test_client()
        rival.set_cookie("session", cookies)
        start.wait()
        answers.append(rival.post(CHECK, data=data).status_code)

    threads = [Thread(target=press) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 10
    assert count() == 1


@pytest.mark.every_database
def test_terms_that_changed_meanwhile_are_shown_before_they_are_agreed(owner, shop):
    page = owner.page(CHECK)
    with db.transaction():
        live = db.session.scalars(select(OfferingRevision).where(OfferingRevision.offering_id == shop.offering_id)).one()
        live.facts = live.facts | {"export_days": 7}
    answer = page.submit(button="确认订阅", agree="y")
    assert answer.status == 409
    assert "服务条款更新了" in answer.text
    assert "停用后 7 天内" in answer.text
    assert answer.submit(button="确认订阅", agree="y").heading == "已收到您的订阅"


def test_a_plan_that_is_gone_is_said_and_the_present_one_shown(owner):
    assert "已经停售" in owner.page(f"{CHECK}?plan=old").text
    assert owner.page(CHECK).submit(button="确认订阅", agree="y", plan="old").status == 409


def test_an_offering_that_takes_no_orders_says_so(owner, shop):
    page = owner.page(CHECK)
    with db.transaction():
        db.session.get_one(Offering, shop.offering_id).status = OfferingStatus.SUSPENDED
    assert "现在不接受新订阅" in owner.page(CHECK).text
    assert page.submit(button="确认订阅", agree="y").status == 409


def test_an_offering_that_is_not_there_is_not_found(owner):
    owner.page("/offerings/none/subscribe", status=404)


def test_a_role_that_may_not_order_is_told(shop, client):
    client.sign_in("viewer@example.com", PASSWORD)
    client.page(CHECK, status=403)


def test_a_second_order_is_warned_about(owner, shop):
    owner.page(CHECK).submit(button="确认订阅", agree="y")
    assert "已经订阅了这项服务" in owner.page(CHECK).text


def test_the_result_page_follows_the_setting_up(owner):
    page = owner.page(CHECK).submit(button="确认订阅", agree="y")
    assert "开通中" in page.text
    polled = owner.get(page.path, headers={"HX-Request": "true"})
    assert polled.status_code == 200
    with db.transaction():
        subscription = db.session.scalars(select(Subscription)).one()
        subscriptions.complete(the_request(subscription), access={}, by=an_actor(), at=ORDERED)
    assert "已经开通" in owner.page(page.path).text
    assert owner.get(page.path, headers={"HX-Request": "true"}).status_code == 286


def test_another_firms_order_is_not_found(owner):
    with db.transaction():
        id = a_subscription().id
    owner.page(f"/subscribed/{id}", status=404)


@pytest.mark.every_database
def test_a_trial_is_explained(owner, shop):
    with db.transaction():
        plan = db.session.get_one(Plan, shop.id)
        plan.trial_days = 30
    page = owner.page(CHECK)
    assert "开通后 30 天不收费" in page.text
    assert "不会自己转成付费" in page.text


@pytest.mark.every_database
def test_a_charge_may_be_called_like_anything(owner, shop):
    with db.transaction():
        query = select(Plan).where(Plan.id == shop.id).options(
            selectinload(Plan.charges), joinedload(Plan.offering).joinedload(Offering.provider)
        )  # fmt: skip
        plan = db.session.scalars(query).one()
        for slug in ("data", "errors", "validate", "plan-b"):
            a_charge(plan, {"model": "per_unit", "unit_price": "0.01"}, meter=f"meter_{slug}", slug=slug)
    page = owner.page(CHECK)
    assert page.submit(button="确认订阅", agree="y").heading == "已收到您的订阅"


def test_the_check_page_asks_the_database_little(owner, queries):
    owner.page(CHECK)
    with queries(at_most=12):
        owner.get(CHECK)
