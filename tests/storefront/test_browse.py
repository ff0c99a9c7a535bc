"""The list: words, choices, counts, orders and what it says when nothing is left, over HTTP."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from market import db, recommended, search
from market.catalog import Category, Offering, OfferingStatus, offering_changed
from market.providers import ProviderStatus
from tests.builders.accounts import EARLY, a_sector, an_actor, an_administrator
from tests.builders.catalog import a_category, a_meter, a_plan, a_provider, an_offering, complete_facts
from tests.conftest import PRESENT


def stock(slug: str, *, price: str = "50.00", trial: int = 0, category: str = "storage", **facts: Any) -> Offering:
    quiet = {"name_en": slug, "tagline_zh": "好用", "tagline_en": "Good", "description_zh": "好用", "description_en": "Good",
             "benefits_zh": ["好"], "benefits_en": ["Good"], "start_steps_zh": ["订阅"], "start_steps_en": ["Go"], "subcategory": ""}  # fmt: skip
    offering = an_offering(slug=slug, category=category, plans=False, facts=complete_facts(**(quiet | facts)))
    a_plan(offering, monthly=price, trial_days=trial)
    return offering


@pytest.fixture
def stocked(app) -> None:
    """Five services, in the index."""
    with db.transaction():
        a_sector("textiles", "纺织服装", "Textiles")
        a_category("payment")
        stock("copies", name_zh="文件备份", trial=30, keywords=["误删恢复"], sectors=["textiles"], availability="99.95")
        stock("object", name_zh="文件存储空间", keywords=["对象存储", "OSS"], price="150.00", data_location=["cn"])
        stock("texts", name_zh="企业短信", keywords=["SMS"], price="600.00", support_hours_zh="每天 24 小时", certificates=[])
        stock("till", name_zh="门店收银", category="payment", support_hours_zh="工作日 9:00–18:00", support_hours_en="Working days")
        gone = stock("gone", name_zh="停售备份")
        gone.status = OfferingStatus.SUSPENDED
    for _document in search.rebuild():
        pass


def names(text: str) -> list[str]:
    """Which of the five are shown, in their order."""
    found = {name: text.index(name) for name in ("文件备份", "文件存储空间", "企业短信", "门店收银", "停售备份") if name in text}
    return sorted(found, key=found.__getitem__)


def shown(client, query: str) -> list[str]:
    page = client.page(f"/offerings/?{query}")
    return [link.text for link in page.all("a") if link.get("href", "").startswith("/offerings/") and "?" not in link.get("href", "")] and names(
        " ".join("".join(each.itertext()) for each in page.all("h3", **{"class": "name"}))
    )


def counts(html: str) -> dict[tuple[str, str], int]:
    found = re.findall(r'name="(\w+)" value="([\w.-]+)"[^>]*>.*?<span class="n">(\d+)', html)
    return {(key, value): int(number) for key, value, number in found}


@pytest.mark.every_database
def test_a_word_finds_what_is_called_otherwise_and_says_why(client, stocked) -> None:
    page = client.page("/offerings/?q=备份")
    assert shown(client, "q=备份") == ["文件备份", "文件存储空间"]
    assert "名称里有“备份”" in page.text and "关键词里有“对象存储”（您搜的是“备份”）" in page.text
    assert "<mark>备份</mark>" in client.get("/offerings/?q=备份").get_data(as_text=True)
    assert "付钱不能让服务排得更前" in page.text


@pytest.mark.every_database
def test_sounds_signs_and_other_languages_find_it_too(client, stocked) -> None:
    for query in ("q=beifen", "q=bf", "q=备份 -存储", "q=%22文件备份%22", "q=备份 -oss"):
        assert shown(client, query) == ["文件备份"], query
    assert shown(client, "q=text messages") == ["企业短信"]


@pytest.mark.every_database
def test_every_group_counts_what_it_would_leave(client, stocked) -> None:
    html = client.get("/offerings/").get_data(as_text=True)
    expected = {
        ("category", "storage"): 3, ("category", "payment"): 1, ("budget", "50"): 2, ("budget", "200"): 3, ("budget", "1000"): 4,
        ("trial", "1"): 1, ("billing", "month"): 4, ("local", "1"): 3, ("local", "cn"): 4, ("cert", "djbh3"): 3,
        ("uptime", "99.9"): 4, ("uptime", "99.95"): 1, ("support", "always"): 1, ("support", "daily"): 3, ("sector", "textiles"): 4,
        ("fapiao", "special"): 4,
    }  # fmt: skip
    found = counts(html)
    assert {key: found.get(key) for key in expected} == expected
    assert len([key for key in found if key[0] == "provider"]) == 4
    narrowed = counts(client.get("/offerings/?q=备份&budget=50").get_data(as_text=True))
    assert narrowed["budget", "200"] == 2 and narrowed["trial", "1"] == 1 and ("support", "always") not in narrowed


@pytest.mark.every_database
def test_what_is_recommended_today_can_be_chosen(client, stocked, clock) -> None:
    with db.transaction():
        edition = recommended.add_edition(
            slug="2026", name_zh="目录", name_en="Edition", starts_on=EARLY.date(), ends_on=PRESENT.date(), by=an_actor(), at=EARLY
        )
        offering = db.session.query(Offering).filter_by(slug="till").one()
        entry = recommended.nominate(
            offering, edition, reason_zh="好", reason_en="Good", user=an_administrator(), by=an_actor(), at=EARLY
        )
        recommended.approve(entry, user=an_administrator(), by=an_actor(), at=EARLY)
    assert shown(client, "recommended=1") == ["门店收银"]
    clock.set(PRESENT + timedelta(days=2))
    assert "没有符合" in client.page("/offerings/?recommended=1").text


def test_nothing_found_says_what_to_drop_and_what_then_appears(client, stocked) -> None:
    text = client.page("/offerings/?q=备份&budget=50&support=always").text
    assert "没有同时满足这 3 个条件的服务" in text
    assert "去掉“24 小时有人”，有 1 项" in text and "会看到：" in text


def test_where_dropping_one_does_not_help_the_fewest_are_named_that_do(client, stocked) -> None:
    page = client.page("/offerings/?q=备份&budget=50&support=always&sector=textiles&recommended=1")
    assert "没有同时满足这 5 个条件的服务" in page.text and "这几个一起去掉就有结果" in page.text
    assert "去掉“在推荐目录里”和“24 小时有人”，有 1 项" in page.text and "会看到：文件备份" in page.text
    assert "文件备份" in page.follow("去掉").text


def test_a_slip_of_the_keyboard_is_offered_another_spelling(client, stocked) -> None:
    page = client.page("/offerings/?q=被份&sort=price")
    assert "您要找的是不是：备份" in page.text
    assert "文件备份" in page.follow("备份").text
    assert "您要找的是不是" not in client.page("/offerings/?q=zzzzzzz").text


def test_what_may_not_be_seen_is_in_no_list_count_or_suggestion(client, stocked) -> None:
    with db.transaction():
        hidden = a_provider(status=ProviderStatus.SUSPENDED, name="隐身公司")
        stocked_there = an_offering(hidden, slug="hidden", facts=complete_facts(name_zh="独门秘籍"))
        offering_changed.send(stocked_there, at=EARLY)
    for address in ("/offerings/?q=停售备份", "/offerings/?q=独门秘籍", "/offerings/?q=独门秘集", "/offerings/", "/sitemap.xml"):
        html = client.get(address).get_data(as_text=True).replace("q=", "")
        for secret in ("/offerings/gone", "/offerings/hidden", ">停售备份", ">独门秘籍", "隐身公司"):
            assert secret not in html, (address, secret)


def test_one_that_is_suspended_after_the_index_was_made_is_gone_at_once(client, stocked) -> None:
    with db.transaction():
        offering = db.session.query(Offering).filter_by(slug="copies").one()
        offering.status = OfferingStatus.SUSPENDED
        offering_changed.send(offering, at=EARLY)
    assert shown(client, "q=备份") == ["文件存储空间"]


def test_equals_take_turns_by_the_day_and_prices_do_not(client, app, clock) -> None:
    with db.transaction():
        for number in range(8):
            stock(f"same-{number}", name_zh="同样的服务", price=f"{80 - number}.00")
    for _document in search.rebuild():
        pass
    seen = set()
    for day in range(5):
        clock.set(PRESENT + timedelta(days=day))
        order = re.findall(r'href="/offerings/(same-\d)"', client.get("/offerings/?q=同样").get_data(as_text=True))
        assert sorted(order) == sorted(f"same-{number}" for number in range(8))
        seen.add(tuple(order))
        by_price = re.findall(r'href="/offerings/(same-\d)"', client.get("/offerings/?q=同样&sort=price").get_data(as_text=True))
        assert by_price == [f"same-{number}" for number in range(7, -1, -1)]
    assert len(seen) > 1


@pytest.mark.parametrize(
    "query",
    ["q=-", "q=--", "q=%22%22", "q=AND", "q=%27 OR 1=1 --", "q=😀", "q=%25", "q=%00", "category=%00x", "q=%FF%FE", "q=(((", "q=:*", "page=9999999",
     "page=-3", "page=%FF", "sort=%FF", "provider=nobody", "budget=-1", "budget=1e9", "local=1&local=cn", "q=-备份&page=7"],
)  # fmt: skip
def test_any_address_answers_with_a_useful_page(client, stocked, query) -> None:
    page = client.page(f"/offerings/?{query}")
    assert page.all("input", id="q")


@pytest.mark.every_database
def test_more_results_and_more_words_cost_no_more_statements(client, app, queries) -> None:
    with db.transaction():
        provider = a_provider()
        for number in range(14):
            offering = an_offering(provider, slug=f"one-{number}", plans=False, facts=complete_facts(name_zh=f"备份{number}"))
            a_plan(offering, monthly="9.00", per_unit="0.10")
    for _document in search.rebuild():
        pass
    client.get("/offerings/?q=备份")
    for query in ("q=备份", "q=备份 自动 每天", "q=备份&page=2&sort=price&trial=1"):
        with queries(at_most=22):
            client.get(f"/offerings/?{query}")


@pytest.mark.every_database
def test_the_list_can_be_ordered_by_what_ones_own_usage_costs(client, app) -> None:
    with db.transaction():
        for slug, name, fee, price in (("flat", "包月甲", "100.00", "0.01"), ("used", "按量乙", "10.00", "1.00")):
            offering = an_offering(slug=slug, plans=False, facts=complete_facts(name_zh=name))
            meter = a_meter(offering.provider, "space", unit_zh="GB", unit_en="GB")
            a_plan(offering, monthly=fee, per_unit=price, meter=meter)
    address = "/offerings/?category=storage&subcategory=backup&use=amount.GB&sort=mine&amount="
    text = client.page(f"{address}10").text
    assert text.index("按量乙") < text.index("包月甲") and "按您的用量约 ¥20.00/月" in text and "按您的用量约 ¥100.10/月" in text
    text = client.page(f"{address}1,000").text
    assert text.index("包月甲") < text.index("按量乙") and "按您的用量约 ¥1,010.00/月" in text
    for nonsense in ("abc", "-1", "1e999", "NaN", "%F0%9F%98%80"):
        assert "用量填数字" in client.page(address + nonsense).text
    assert "按您的用量" not in client.page("/offerings/?use=amount.GB&amount=10").text


def test_a_city_or_sector_that_gets_another_name_has_it_on_the_next_page(client: Any) -> None:
    with db.transaction():
        an_offering(slug="backup")
    client.page("/offerings/")
    with db.transaction():
        db.session.scalars(select(Category).where(Category.parent_slug.is_(None))).all()[0].name_zh = "别的叫法"
    assert "别的叫法" in client.page("/offerings/").text
