"""Plans through the form: every charge model, buttons without script, refusals, versions."""

from __future__ import annotations

import pytest

from market import catalog, db
from market.accounts.models import Role
from market.catalog.models import OfferingStatus, PlanStatus
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.catalog import a_meter, a_plan, a_provider, an_offering
from tests.support.pages import _filled as filled

WORDS = {"name_zh": "团队版", "name_en": "Team", "slug": "team"}
USED = {"charges-1-meter": "gb", "charges-1-typical": "1,250"}
CHARGES = {
    "per_unit": ({"charges-1-unit_price": "¥0.02"}, "25.00"),
    "package": ({"charges-1-package_size": "500", "charges-1-package_price": "4"}, "12.00"),
    "graduated": (
        {"charges-1-tiers-0-up_to": "1000", "charges-1-tiers-0-unit_price": "0.02", "charges-1-tiers-1-unit_price": "0.01"},
        "22.50",
    ),
    "volume": (
        {"charges-1-tiers-0-up_to": "1000", "charges-1-tiers-0-unit_price": "0.02", "charges-1-tiers-1-unit_price": "0.01"},
        "12.50",
    ),
    "percentage": (
        {"charges-1-percent": "0.6%", "charges-1-fee": "0.1", "charges-1-typical_count": "30", "charges-1-discount": "10", "charges-1-maximum": "9"},
        "9.00",
    ),
}  # fmt: skip


@pytest.fixture
def offering(database):
    """A draft without plans, of a provider with a meter and a product manager."""
    with db.transaction():
        provider = a_provider()
        a_member(provider.organization, Role.PRODUCT, user=a_user(email="product@example.com"))
        a_meter(provider, "gb", name_zh="占用空间", name_en="Space", unit_zh="GB", unit_en="GB")
        return an_offering(provider, status=OfferingStatus.UNLISTED, plans=False)


@pytest.fixture
def vendor(offering, client):
    client.sign_in("product@example.com", PASSWORD)
    return client


@pytest.fixture
def plans(offering):
    return f"/vendor/offerings/{offering.id}/plans"


def stored(offering):
    with db.transaction(readonly=True):
        return catalog.offering_of(offering.provider, offering.id).plans


def with_charge(vendor, plans, kind, **values):
    """A new plan with a monthly fee and one more charge, not saved yet."""
    page = vendor.page(f"{plans}/new").submit(button="添加收费项目", new_kind=kind, **WORDS, **{"charges-0-amount": "10"})
    return page.submit(button="重新算示例账单", **values)


@pytest.mark.parametrize("kind", CHARGES)
def test_the_example_bill_of_every_model_is_worked_out_before_and_after_saving(vendor, plans, offering, kind):
    values, amount = CHARGES[kind]
    page = with_charge(vendor, plans, kind, **USED, **values)
    assert page.status == 200 and f"¥{amount}" in page.text, page.text
    page = page.submit(button="保存套餐")
    assert page.path == f"{plans}/" and f"¥{amount}" in page.text
    (plan,) = stored(offering)
    assert plan.charges[1].terms["model"] == kind and plan.charges[1].typical == "1250"
    again = vendor.page(f"{plans}/team").submit(button="保存套餐")
    assert again.path == f"{plans}/" and stored(offering)[0].charges[1].terms == plan.charges[1].terms


@pytest.mark.parametrize("kind", ["month", "year", "once"])
def test_fixed_fees(vendor, plans, offering, kind):
    page = vendor.page(f"{plans}/new").submit(button="添加收费项目", new_kind=kind, **WORDS, **{"charges-0-amount": "10"})
    page = page.submit(button="保存套餐", **{"charges-1-amount": "1,234.5", "charges-1-name_zh": "设备", "charges-1-name_en": "Device"})
    assert "¥1,244.50" in page.text
    assert [charge.terms["interval"] for charge in stored(offering)[0].charges] == ["month", kind]


def test_what_is_wrong_stands_at_its_box_and_everything_typed_stays(vendor, plans, offering):
    values, _amount = CHARGES["graduated"]
    page = with_charge(vendor, plans, "graduated", **USED, **values)
    page = page.submit(button="添加一行")
    tier = {"charges-1-tiers-1-up_to": "900", "charges-1-tiers-1-unit_price": "0.015"}
    page = page.submit(button="保存套餐", trial_days="x", name_en="", **{"charges-0-amount": "十元"}, **tier)
    assert page.status == 422 and not stored(offering)
    for box in ("charges-1-tiers-1-up_to", "charges-0-amount", "trial_days", "name_en"):
        assert page.one("input", id=box).get("aria-invalid") == "true", box
    assert "收费项目 2“占用空间”，第 2 档，到多少：第 2 档的上限须大于 1000" in page.text
    assert page.one("input", id="charges-0-amount").get("value") == "十元"
    assert page.one("input", id="charges-1-tiers-0-up_to").get("value") == "1000"


def test_everything_wrong_is_said_in_one_round(vendor, plans, offering):
    page = with_charge(vendor, plans, "package", **USED)
    wrong = {"charges-0-amount": "", "charges-1-package_size": "x", "charges-1-package_price": "-1", "charges-1-included": "y"}
    page = page.submit(button="保存套餐", name_zh="字" * 41, name_en="", **wrong)
    assert page.status == 422 and not stored(offering)
    for box in ("name_zh", "name_en", *wrong):
        assert page.one("input", id=box).get("aria-invalid") == "true", box
    example = page.submit(button="重新算示例账单")
    for box in wrong:
        assert example.one("input", id=box).get("aria-invalid") == "true", box


def test_a_percentage_and_its_limits_are_checked_box_by_box(vendor, plans, offering):
    wrong = {
        "charges-1-percent": "101", "charges-1-fee_minimum": "2", "charges-1-fee_maximum": "1", "charges-1-discount": "x",
        "charges-1-minimum": "5", "charges-1-maximum": "4", "charges-1-typical_count": "1.5",
    }  # fmt: skip
    page = with_charge(vendor, plans, "percentage", **USED, **wrong)
    assert page.status == 422
    for box in ("percent", "fee_maximum", "discount", "maximum", "typical_count"):
        assert page.one("input", id=f"charges-1-{box}").get("aria-invalid") == "true", box
    page = page.submit(button="保存套餐")
    assert page.status == 422 and not stored(offering)
    for box in ("percent", "fee_maximum", "discount", "maximum", "typical_count"):
        assert page.one("input", id=f"charges-1-{box}").get("aria-invalid") == "true", box


def test_a_plan_is_sold_in_the_numbers_its_provider_says(vendor, plans, offering):
    page = vendor.page(f"{plans}/new").submit(button="保存套餐", **WORDS, **{"charges-0-amount": "10"}, quantity_unit_zh="席", quantity_maximum="0")
    assert page.status == 422
    for box in ("quantity_unit_en", "quantity_maximum"):
        assert page.one("input", id=box).get("aria-invalid") == "true", box
    page = page.submit(button="保存套餐", quantity_unit_en="seat", quantity_minimum="5", quantity_maximum="100", quantity_step="5")
    (plan,) = stored(offering)
    assert (plan.quantity_unit_zh, plan.quantity_minimum, plan.quantity_maximum, plan.quantity_step) == ("席", 5, 100, 5)
    vendor.page(f"{plans}/team").submit(button="保存套餐", quantity_maximum="")
    assert stored(offering)[0].quantity_maximum is None and stored(offering)[0].quantity_minimum == 5


def test_how_early_a_new_price_is_told_is_said_in_the_plan_and_a_week_at_least(vendor, plans, offering):
    page = vendor.page(f"{plans}/new").submit(button="保存套餐", **WORDS, **{"charges-0-amount": "10"}, notice_days="6")
    assert page.status == 422 and page.one("input", id="notice_days").get("aria-invalid") == "true"
    page = page.submit(button="保存套餐", notice_days="30")
    assert stored(offering)[0].notice_days == 30 and "改价提前 30 天通知" in page.text
    assert vendor.page(f"{plans}/team").one("input", id="notice_days").get("value") == "30"


def test_empty_tiers_do_not_count_and_errors_still_find_their_row(vendor, plans):
    values, _amount = CHARGES["volume"]
    page = with_charge(vendor, plans, "volume", **USED, **values).submit(button="添加一行")
    page = page.submit(button="保存套餐", **{"charges-1-tiers-2-unit_price": "eins"})
    assert page.status == 422 and page.one("input", id="charges-1-tiers-2-unit_price").get("aria-invalid") == "true"


def test_charges_and_tiers_are_taken_away_by_buttons(vendor, plans):
    values, _amount = CHARGES["volume"]
    page = with_charge(vendor, plans, "volume", **USED, **values)
    page = vendor.send("POST", page.path, _filled(page) + [("do", "untier-1-0")])
    assert page.status == 200 and page.one("input", id="charges-1-tiers-0-unit_price").get("value") == "0.01"
    page = vendor.send("POST", page.path, _filled(page) + [("do", "remove-0")])
    assert page.one("input", id="charges-0-typical").get("value") == "1,250" and not page.all("input", id="charges-0-amount")


def _filled(page):
    """What the form would send, without a button."""
    return list(filled(page.form(button="保存套餐")))


@pytest.mark.parametrize("do", ["remove-99", "untier-0-0", "tier-0", "untier-", "add", "x-y", "remove--1"])
def test_odd_buttons_change_nothing(vendor, plans, do):
    page = vendor.page(f"{plans}/new")
    page = vendor.send("POST", page.path, [*_filled(page), ("new_kind", "nothing"), ("do", do)])
    assert page.status == 200


@pytest.mark.parametrize("count", ["", "-1", "9" * 30, "zwei", "500"])
def test_a_tampered_count_is_no_accident(vendor, plans, count):
    page = vendor.page(f"{plans}/new")
    data = [pair for pair in _filled(page) if pair[0] != "charges"] + [("charges", count), ("do", "save")]
    assert vendor.send("POST", page.path, data).status == 422


def test_a_meter_must_be_chosen(vendor, plans):
    page = with_charge(vendor, plans, "per_unit", **{"charges-1-unit_price": "1"})
    assert page.status == 422 and page.one("select", id="charges-1-meter").get("aria-invalid") == "true"
    assert page.submit(button="保存套餐").status == 422


def test_two_charges_on_one_meter_get_names_of_their_own(vendor, plans, offering):
    page = with_charge(vendor, plans, "per_unit", **USED, **{"charges-1-unit_price": "1"})
    page = page.submit(button="添加收费项目", new_kind="package")
    page.submit(button="保存套餐", **{"charges-2-meter": "gb", "charges-2-package_size": "10", "charges-2-package_price": "1"})
    assert [charge.slug for charge in stored(offering)[0].charges] == ["fee-month", "gb", "gb-2"]


@pytest.mark.every_database
def test_a_double_click_writes_one_plan_and_a_taken_code_is_refused(vendor, plans, offering, clock):
    for _click in range(2):
        page = vendor.page(f"{plans}/new").submit(button="保存套餐", **WORDS, **{"charges-0-amount": "10"})
        assert page.path == f"{plans}/"
    assert len(stored(offering)) == 1
    clock.forward(minutes=5)
    page = vendor.page(f"{plans}/new").submit(button="保存套餐", **WORDS, **{"charges-0-amount": "10"})
    assert page.status == 422 and page.one("input", id="slug").get("aria-invalid") == "true"


def test_a_draft_is_deleted_and_the_last_plan_on_sale_stays(vendor, offering, plans):
    vendor.page(f"{plans}/new").submit(button="保存套餐", **WORDS, **{"charges-0-amount": "10"})
    page = vendor.page(f"{plans}/team/drop")
    assert "不能找回" in page.text
    assert "草稿已删除" in page.submit().text and not stored(offering)
    with db.transaction():
        live = an_offering(offering.provider)
    page = vendor.page(f"/vendor/offerings/{live.id}/plans/basic/drop").submit()
    assert page.status == 409 and "最后一个在售套餐" in page.text
    with db.transaction():
        a_plan(catalog.offering_of(offering.provider, live.id), slug="other", per_unit="1")
    page = vendor.page(f"/vendor/offerings/{live.id}/plans/basic/drop").submit()
    assert "套餐已停售" in page.text
    assert {plan.slug: plan.status for plan in stored(live)} == {"basic": PlanStatus.RETIRED, "other": PlanStatus.PUBLISHED}


def test_an_unknown_plan_is_not_found(vendor, plans):
    assert vendor.get(f"{plans}/nothing").status_code == 404


def test_a_part_of_the_usage_is_priced_as_the_form_says(vendor, plans, offering):
    with db.transaction():
        a_meter(offering.provider, "builds", unit_zh="分钟", unit_en="minute", dimensions=["machine"], rounding="up")
    used = {"charges-1-meter": "builds", "charges-1-typical": "12.5", "charges-1-unit_price": "2"}
    part = {"charges-1-filter_property": "machine", "charges-1-filter_values": "large， xlarge"}
    page = with_charge(vendor, plans, "per_unit", **used, **part)
    assert "只计 machine 为 large、xlarge 的用量；用量 12.5 分钟，取整为 13 分钟；13 分钟 × ¥2.00" in page.text
    assert page.submit(button="保存套餐").status == 200
    [plan] = stored(offering)
    assert plan.charges[1].filter == catalog.Filter("machine", ("large", "xlarge"))
    assert vendor.page(f"{plans}/team").one("input", id="charges-1-filter_values").get("value") == "large, xlarge"


def test_a_part_that_the_meter_does_not_tell_apart_is_refused_at_its_box(vendor, plans, offering):
    with db.transaction():
        a_meter(offering.provider, "builds", dimensions=["machine"])
    part = {"charges-1-filter_property": "machine", "charges-1-filter_values": "large"}
    page = with_charge(vendor, plans, "per_unit", **USED, **part, **CHARGES["per_unit"][0]).submit(button="保存套餐")
    assert page.status == 422 and "这个计量项不按“machine”分组" in page.text
