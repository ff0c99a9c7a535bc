"""Finding a service, reading its page, working out its price: as a visitor, over HTTP."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from market import catalog, db, recommended, search
from market.catalog import Offering, OfferingStatus
from market.providers import ProviderStatus
from tests.builders.accounts import EARLY, a_city, an_actor, an_administrator
from tests.builders.catalog import (
    a_category,
    a_charge,
    a_licence,
    a_meter,
    a_plan,
    a_provider,
    an_offering,
    complete_facts,
)
from tests.conftest import PRESENT
from tests.support.clock import FakeClock

RESTORED = {"model": "per_unit", "unit_price": "0.60", "included": "20"}


def offer(slug: str, *, category: str = "storage", facts: dict[str, Any] | None = None, **plan: Any) -> Offering:
    """A live offering with one plan: ¥99.00 a month and ¥0.50 a GB beyond 200 GB, if nothing else is said."""
    offering = an_offering(slug=slug, category=category, plans=False, facts=complete_facts(**(facts or {})))
    meter = a_meter(offering.provider, "storage", name_zh="存放空间", name_en="Space", unit_zh="GB", unit_en="GB")
    terms = {"monthly": "99.00", "per_unit": "0.50", "included": "200", "meter": meter} | plan
    a_plan(offering, **terms)
    return offering


@pytest.fixture
def backup(app) -> str:
    """The slug of a backup service in Guangzhou, whose usage charge is `space`."""
    with db.transaction():
        a_city()
        offering = an_offering(slug="backup", plans=False)
        meter = a_meter(offering.provider, "space", name_zh="存放空间", name_en="Space", unit_zh="GB", unit_en="GB")
        small = a_plan(offering, slug="small", monthly="99.00", trial_days=30, name_zh="标准版", name_en="Standard")
        a_charge(small, {"model": "per_unit", "unit_price": "0.50", "included": "200"}, meter=meter, slug="space", typical="486")
        large = a_plan(offering, slug="large", yearly="1188.00", once="200.00", name_zh="包年版", name_en="Yearly")
        tiers = [{"up_to": "1000", "unit_price": "0.30", "flat": "0"}, {"up_to": None, "unit_price": "0.20", "flat": "0"}]
        a_charge(large, {"model": "graduated", "tiers": tiers, "included": "0"}, meter=meter, slug="space", typical="486")
    return "backup"


# --- the list ----------------------------------------------------------------------------


def test_a_card_says_where_prices_start_what_is_included_and_what_more_costs(client, backup) -> None:
    text = client.page("/offerings/").text
    assert "¥99/月起" in text
    assert "存放空间含 200 GB，超出 ¥0.50/GB" in text
    assert "免费试用 30 天" in text and "广州市" in text and "等保三级" in text


def test_only_what_is_on_sale_is_listed(client, app) -> None:
    with db.transaction():
        offer("here", facts={"name_zh": "在售服务"})
        an_offering(slug="paused", status=OfferingStatus.SUSPENDED, facts=complete_facts(name_zh="暂停服务"))
        an_offering(a_provider(status=ProviderStatus.SUSPENDED), facts=complete_facts(name_zh="停业服务"))
    text = client.page("/offerings/").text
    assert "在售服务" in text and "暂停服务" not in text and "停业服务" not in text


def test_a_category_and_its_sub_category_narrow_the_list(client, app) -> None:
    with db.transaction():
        a_category("drive", parent="storage")
        offer("one", facts={"name_zh": "备份甲"})
        offer("two", facts={"name_zh": "网盘乙", "subcategory": "drive"})
        offer("three", category="payment", facts={"name_zh": "收款丙", "subcategory": ""})
    assert "收款丙" not in client.page("/offerings/?category=storage").text
    page = client.page("/offerings/?category=storage&subcategory=drive")
    assert "网盘乙" in page.text and "备份甲" not in page.text


def test_the_count_beside_a_choice_is_what_it_leaves(client, app) -> None:
    with db.transaction():
        offer("one", trial_days=30)
        offer("two", facts={"data_location": ["cn"]}, trial_days=30)
        offer("three", facts={"certificates": []})
    html = client.get("/offerings/?trial=1").get_data(as_text=True)
    assert "共 2 项" in html
    assert counts(html) >= {("trial", "1", 2), ("local", "1", 1), ("cert", "djbh3", 2), ("billing", "month", 2)}


def counts(html: str) -> set[tuple[str, str, int]]:
    found = re.findall(r'name="(\w+)" value="(\w+)"[^>]*>.*?<span class="n">(\d+)', html)
    return {(key, value, int(number)) for key, value, number in found}


def test_choices_of_one_group_add_up_and_those_of_two_narrow(client, app) -> None:
    with db.transaction():
        offer("monthly", facts={"name_zh": "按月甲"}, per_unit=None)
        offer("yearly", facts={"name_zh": "按年乙"}, monthly=None, per_unit=None, yearly="100.00")
    both = client.page("/offerings/?billing=month&billing=year").text
    assert "按月甲" in both and "按年乙" in both
    assert "没有同时满足这 2 个条件的服务" in client.page("/offerings/?billing=month&trial=1").text


def test_an_empty_result_says_which_choice_to_drop(client, app) -> None:
    with db.transaction():
        offer("one")
    page = client.page("/offerings/?billing=month&trial=1")
    assert "去掉“有免费试用”，有 1 项" in page.text
    assert "去掉“按月付费”" not in page.text


def test_the_list_can_be_ordered_by_the_usual_month(client, app) -> None:
    with db.transaction():
        offer("dear", facts={"name_zh": "贵的"}, monthly="200.00")
        offer("cheap", facts={"name_zh": "便宜的"}, monthly="20.00")
    text = client.page("/offerings/?sort=price").text
    assert text.index("便宜的") < text.index("贵的")
    text = client.page("/offerings/?sort=-price").text
    assert text.index("贵的") < text.index("便宜的")


@pytest.mark.every_database
def test_words_are_searched_in_the_index(client, app) -> None:
    with db.transaction():
        offer("one", facts={"name_zh": "文件备份", "keywords": ["机房搬迁"]})
        offering = offer("two", facts={"name_zh": "企业短信"})
        for each in (offering, db.session.query(Offering).filter_by(slug="one").one()):
            catalog.offering_changed.send(each, at=EARLY)
    search.refresh(PRESENT)
    page = client.page("/offerings/?q=机房搬迁")
    assert "文件备份" in page.text and "企业短信" not in page.text


def test_without_an_index_names_and_key_words_are_searched(client, app) -> None:
    with db.transaction():
        offer("one", facts={"name_zh": "文件备份", "keywords": ["误删恢复"]})
        offer("two", facts={"name_zh": "企业短信"})
    page = client.page("/offerings/?q=误删")
    assert "文件备份" in page.text and "企业短信" not in page.text


def test_search_words_that_are_too_long_are_told_so_and_kept(client, backup) -> None:
    page = client.page("/offerings/?q=" + "字" * 10_000, status=422)
    assert "搜索词最多 100 个字，现在有 10000 个" in page.text
    assert "字" * 10_000 in client.get("/offerings/?q=" + "字" * 10_000).get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    ["page=abc", "page=-1", "page=99999999999", "sort=nonsense", "category=nonsense", "cert=nonsense", "trial=2",
     "subcategory=backup", "q=%E2%80%8B", "q=%22%28AND%20OR", "q=*", "q=%20", "billing=%E2%80%8B", "page=1&page=2"],
)  # fmt: skip
def test_an_address_that_makes_no_sense_still_answers(client, backup, query) -> None:
    client.page(f"/offerings/?{query}")


def test_an_unknown_category_is_named(client, backup) -> None:
    assert "没有“garden”这个类别" in client.page("/offerings/?category=garden").text


@pytest.mark.every_database
def test_a_long_list_has_pages(client, app) -> None:
    with db.transaction():
        for number in range(15):
            offer(f"one-{number:02}", facts={"name_zh": f"服务{number:02}"})
    assert "服务14" in client.page("/offerings/").text
    page = client.page("/offerings/?page=2")
    assert "服务00" in page.text and "服务14" not in page.text


@pytest.mark.every_database
def test_a_longer_list_costs_no_more_statements(client, app, queries) -> None:
    with db.transaction():
        a_city()
        provider = a_provider()
        for number in range(12):
            offering = an_offering(provider, slug=f"one-{number}", plans=False)
            a_plan(offering, monthly="9.00", per_unit="0.10")
    client.get("/offerings/")
    with queries(at_most=14):
        client.get("/offerings/")


# --- one offering ------------------------------------------------------------------------


def test_the_page_holds_all_a_buyer_needs(client, backup) -> None:
    text = client.page("/offerings/backup").text
    for words in (
        "¥99.00/月起", "30 天，无需付款", "99.9%", "每月最多中断 43 分钟", "广州市", "数据不出境", "等保三级", "专票",
        "对公转账", "每天 8:00–22:00", "误删能找回", "需要实时同步", "装客户端", "示例-0001", "2028年6月30日",
        "原文件打包下载", "停用后 90 天内", "¥0.00，不收", "¥0.50", "¥1,188.00/年", "¥200.00（一次性）",
        "超出以后，按 GB 计", "0–1,000：¥0.30", "超过 1,000：¥0.20",
    ):  # fmt: skip
        assert words in text, words


def test_the_calculator_starts_with_the_usual_quantity_and_shows_its_working(client, backup) -> None:
    text = client.page("/offerings/backup").text
    assert "286 GB × ¥0.50" in text and "¥143.00" in text and "¥242.00" in text


def test_the_calculator_follows_the_address(client, backup) -> None:
    text = client.page("/offerings/backup?plan=small&space=1%2C000.5").text
    assert "800.5 GB × ¥0.50" in text and "¥499.25" in text


def test_a_yearly_plan_says_what_comes_after_the_first_month(client, backup) -> None:
    text = client.page("/offerings/backup?plan=large&space=0").text
    assert "第一个月预计" in text and "¥1,388.00" in text
    assert "以后每月约 ¥0.00，每年另付 ¥1,188.00；一次性费用只付一次。" in text


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [("-5", "不能小于 0"), ("abc", "不是数字"), ("1e400", "数量太大"), ("9" * 500, "数量太大"), ("0.1234567", "最多 6 位小数"),
     ("NaN", "不是数字"), ("１２", "不是数字"), ("<b>", "不是数字")],
)  # fmt: skip
def test_a_quantity_that_cannot_be_read_is_told_at_its_field_and_kept(client, backup, typed, complaint) -> None:
    response = client.get("/offerings/backup", query_string={"plan": "small", "space": typed})
    html = response.get_data(as_text=True)
    assert response.status_code == 422
    assert complaint in html and 'aria-invalid="true"' in html and "data-error-summary" in html
    assert f'value="{typed[:40].replace("<", "&lt;").replace(">", "&gt;")}"' in html


def test_two_kinds_of_use_in_one_unit_are_told_apart(client, app) -> None:
    with db.transaction():
        plan = offer("copies").plans[0]
        a_charge(plan, RESTORED, meter="egress", slug="egress", name_zh="找回流量", name_en="Restored")
    assert "找回流量含 20 次，超出 ¥0.60/" in client.page("/offerings/").text
    assert "Restored: 20 calls included, then ¥0.60/" in client.page("/offerings/?lang=en").text


def test_every_wrong_quantity_is_told_by_itself(client, app) -> None:
    with db.transaction():
        plan = offer("copies").plans[0]
        a_charge(plan, RESTORED, meter="egress", slug="egress")
        slugs = [charge.slug for charge in plan.charges if charge.meter is not None]
    assert len(slugs) == 2
    page = client.page("/offerings/copies?" + "&".join(f"{slug}=x" for slug in slugs), status=422)
    for slug in slugs:
        box, words = page.one("input", id=f"use-{slug}"), page.one("span", id=f"use-{slug}-error")
        assert box.get("aria-invalid") == "true" and box.get("aria-describedby") == words.get("id")
        # What htmx brings in place marks the box as well.
        assert f"#use-{slug}-error" in box.get("hx-select-oob") and words.get("data-error-of") == box.get("id")
    assert len(page.all("li", **{"class": "err"})) == 2


def test_a_part_of_a_month_is_explained_beside_the_prices(client, app) -> None:
    with db.transaction():
        offer("flat")
    assert "不满一个月时，月费和包含的用量按天折算，单价不变。" in client.page("/offerings/flat").text
    with db.transaction():
        offer("texts", per_unit=None, graduated=[("1000", "0.1"), (None, "0.05")])
    assert "不满一个月时，月费、包含的用量和分档界限都按天折算，单价不变。" in client.page("/offerings/texts").text


def test_an_amount_beyond_reason_is_refused(client, backup) -> None:
    page = client.page("/offerings/backup?plan=small&space=999999999999", status=200)
    assert "¥499,999,999,998.50" in page.text
    with db.transaction():
        offer("gold", per_unit="999999999", included="0")
    page = client.page("/offerings/gold?storage-per-unit=999999999999", status=422)
    assert "超过一万亿元" in page.text


def test_an_empty_box_counts_as_nothing(client, backup) -> None:
    assert "¥99.00" in client.page("/offerings/backup?plan=small&space=").text


def test_an_unknown_plan_is_named_and_the_first_one_stands_in(client, backup) -> None:
    page = client.page("/offerings/backup?plan=gone&space=500", status=422)
    assert "没有“gone”这个套餐" in page.text and "300 GB × ¥0.50" in page.text


def test_subscribing_carries_the_calculation_along(client, backup) -> None:
    html = client.get("/offerings/backup").get_data(as_text=True)
    assert 'formaction="/offerings/backup/subscribe"' in html and "免费试用 30 天" in html


@pytest.mark.parametrize(
    ("status", "words"), [(OfferingStatus.SUSPENDED, "这项服务暂停订阅"), (OfferingStatus.RETIRED, "这项服务已下架")]
)
def test_what_is_not_on_sale_keeps_its_page_without_a_button(client, app, status, words) -> None:
    with db.transaction():
        an_offering(slug="old", status=status)
    html = client.get("/offerings/old").get_data(as_text=True)
    assert words in html and "formaction" not in html and "误删能找回" in html


def test_nothing_of_a_suspended_provider_can_be_bought(client, app) -> None:
    with db.transaction():
        an_offering(a_provider(status=ProviderStatus.SUSPENDED), slug="old")
    assert "formaction" not in client.get("/offerings/old").get_data(as_text=True)


def test_a_draft_has_no_page(client, app) -> None:
    with db.transaction():
        an_offering(slug="draft", status=OfferingStatus.UNLISTED)
    client.page("/offerings/draft", status=404)


def test_an_expired_certificate_is_marked_and_no_longer_counts(client, app, clock: FakeClock) -> None:
    with db.transaction():
        old = {"type": "djbh3", "number": "旧", "valid_until": "2026-11-19"}
        provider = a_provider()
        a_licence(provider, name_zh="示例许可证", valid_until=clock.now().date())
        an_offering(provider, slug="old", facts=complete_facts(certificates=[old]))
    text = client.page("/offerings/old").text
    assert "已过期" in text and "快到期" in text
    assert "等保三级" not in client.page("/offerings/").text.partition("筛选条件")[0]


def test_a_recommendation_links_to_its_reason(client, app) -> None:
    with db.transaction():
        offering = offer("backup")
        edition = recommended.add_edition(
            slug="2026", name_zh="2026 年推荐目录", name_en="2026 edition",
            starts_on=EARLY.date(), ends_on=PRESENT.date().replace(month=12), by=an_actor(), at=EARLY,
        )  # fmt: skip
        entry = recommended.nominate(
            offering, edition, reason_zh="价格写得全", reason_en="Complete prices", user=an_administrator(), by=an_actor(), at=EARLY
        )
        recommended.approve(entry, user=an_administrator(), by=an_actor(), at=EARLY)
    assert "推荐目录" in client.page("/offerings/").text
    assert "价格写得全" in client.page("/offerings/backup").text
    assert "价格写得全" in client.page("/recommended/").text


def test_the_page_speaks_english(client, backup) -> None:
    text = client.page("/offerings/backup?lang=en").text
    assert "Sample Backup" in text and "Get deleted files back" in text and "286 GB × ¥0.50" in text


def test_machines_read_prices_and_place(client, backup) -> None:
    html = client.get("/offerings/backup").get_data(as_text=True)
    product, crumbs = [json.loads(text) for text in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)]
    fee = product["offers"][0]["priceSpecification"][0]
    assert (product["@type"], fee["price"], fee["priceCurrency"], fee["unitCode"]) == ("Product", "99.00", "CNY", "MON")
    assert crumbs["itemListElement"][-1]["item"] == "http://localhost/offerings/backup"
    assert '<link rel="canonical" href="http://localhost/offerings/backup">' in html


def test_text_of_a_provider_cannot_leave_its_element(client, app) -> None:
    with db.transaction():
        an_offering(slug="evil", facts=complete_facts(name_zh="</script><script src=//x.invalid>", tagline_zh='"><b>'))
    html = client.get("/offerings/evil").get_data(as_text=True)
    assert "<script src=//x.invalid>" not in html and '"><b>' not in html


def test_a_page_costs_few_statements(client: FlaskClient, backup, queries) -> None:
    client.get("/offerings/backup")
    with queries(at_most=12):
        client.get("/offerings/backup")


def test_a_changed_guess_is_answered_with_the_parts_that_change_and_one_statement(client: FlaskClient, backup, queries) -> None:
    client.get("/offerings/backup", headers={"HX-Request": "true"})
    with queries(at_most=1):
        answer = client.get("/offerings/backup?plan=small&space=486", headers={"HX-Request": "true"})
    html = answer.get_data(as_text=True)
    for part in ('id="calc"', 'id="est"', 'id="cta-price"', 'id="use-space-error"', "286 GB × ¥0.50", "¥242.00"):
        assert part in html, part
    guessed = client.get("/offerings/backup?space=x", headers={"HX-Request": "true", "HX-Target": "est"}).get_data(as_text=True)
    assert 'id="est"' in guessed and 'data-error-of="use-space"' in guessed and 'id="calc"' not in guessed
    assert "<h1" not in html and client.get("/offerings/none", headers={"HX-Request": "true"}).status_code == 404
    assert client.get("/offerings/backup?space=x", headers={"HX-Request": "true"}).status_code == 422


def test_a_percentage_asks_for_amount_and_number_and_says_both(client: FlaskClient, backup) -> None:
    with db.transaction():
        offering = an_offering(slug="till", plans=False)
        plan = a_plan(offering, slug="share")
        takings = a_meter(offering.provider, "takings", name_zh="收款", name_en="Takings", unit_zh="元", unit_en="CNY")
        terms = {"model": "percentage", "percent": "0.6", "fee": "0.1", "included": "0", "maximum": "500.00"}
        a_charge(plan, terms, meter=takings, slug="takings", typical="88000", typical_count=1204)
    page = client.page("/offerings/till")
    assert "1,204 笔 × ¥0.10 + 0.6% × ¥88,000.00" in page.text and "每期最多收 ¥500.00" in page.text
    assert "交易金额的 0.6%，每笔另加 ¥0.10" in page.text and "0.6%的交易金额，另加 ¥0.10/笔" in page.text
    assert page.one("input", id="use-takings-count").get("value") == "1204"
    assert "10 笔 × ¥0.10 + 0.6% × ¥100.00" in client.page("/offerings/till?takings=100&takings.count=10").text
    assert client.page("/offerings/till?takings=100&takings.count=1.5", status=422).one("input", id="use-takings-count").get("aria-invalid")
    assert "0.6% of each transaction plus ¥0.10" in client.page("/offerings/till?lang=en", headers={"Accept-Language": "en"}).text


def test_a_plan_that_is_too_small_says_so_and_which_ones_are_not(client: FlaskClient, app) -> None:
    with db.transaction():
        offering = an_offering(slug="seats", plans=False)
        for position, (name, most) in enumerate((("小组版", 23), ("部门版", 60), ("集团版", None))):
            a_plan(
                offering, slug=f"p{position}", name_zh=name, monthly="10.00", position=position, quantity_unit_zh="人",
                quantity_unit_en="person", quantity_minimum=5, quantity_step=5, quantity_maximum=most,
            )  # fmt: skip
    page = client.page("/offerings/seats?plan=p0&plan.quantity=25", status=422)
    said = "这个套餐最多订 20，装不下 25。 装得下的套餐：部门版、集团版。"
    assert said in page.text and not page.all("strong", class_="price")
    assert "能订多少5 到 20 人每次加 55 到 60 人每次加 55 人 起每次加 5" in "".join(page.one("section", id="prices").itertext()).replace("\n", "")
    assert "¥300.00" in client.page("/offerings/seats?plan=p1&plan.quantity=30").text
