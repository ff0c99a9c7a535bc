"""Home, recommended catalogue, solutions, providers, help, and what machines are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from xml.etree.ElementTree import fromstring

import pytest

from market import catalog, db, resources
from market.catalog import Solution, SolutionPart
from market.config import Support
from market.providers import ProviderStatus
from market.recommended import EntryStatus
from market.storefront.help import TOPICS
from tests.builders.accounts import a_city, a_sector
from tests.builders.catalog import a_category, a_licence, a_plan, a_provider, an_offering, complete_facts
from tests.builders.recommended import an_edition, an_entry
from tests.support.pages import text_of


@pytest.fixture
def stocked(app) -> None:
    """One provider in Guangzhou with two services and a licence."""
    with db.transaction():
        a_city()
        provider = a_provider(name="示例云服务", slug="sample-cloud", phone="000-0000-0001")
        provider.organization.city_code = "440100"
        a_licence(provider, number="粤B2-00000001")
        for slug, name in (("backup", "示例备份"), ("drive", "示例网盘")):
            a_plan(an_offering(provider, slug=slug, plans=False, facts=complete_facts(name_zh=name)), monthly="50.00")


@pytest.mark.parametrize("path", ["/", "/offerings/", "/recommended/", "/solutions/", "/providers/", "/help/"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_stands_in_an_empty_marketplace(client, path, language) -> None:
    client.page(f"{path}?lang={language}")


def test_home_shows_true_counts_and_what_is_new(client, stocked) -> None:
    text = client.page("/").text
    assert "2 项服务，来自 1 家已核验的服务商" in text
    assert "示例备份" in text and "示例网盘" in text and "¥50/月起" in text


def test_the_count_on_a_category_says_what_is_counted(client, stocked) -> None:
    assert "2 项服务" in text_of(client.page("/").one("nav", **{"class": "cats"}))
    assert "2 services" in text_of(client.page("/?lang=en").one("nav", **{"class": "cats"}))


@pytest.mark.every_database
def test_home_sends_a_search_to_the_list(client, stocked) -> None:
    page = client.page("/").submit(q="网盘")
    assert page.path == "/offerings/" and "示例网盘" in page.text


def test_home_costs_the_same_whatever_it_shows(client, stocked, queries) -> None:
    client.get("/")
    with queries(at_most=14):
        client.get("/")


def test_a_provider_shows_who_it_is(client, stocked) -> None:
    text = client.page("/providers/sample-cloud").text
    for words in ("统一社会信用代码", "91440101MA", "粤B2-00000001", "广州市", "000-0000-0001", "示例备份", "示例网盘"):
        assert words in text, words


def test_the_list_of_providers_counts_what_they_sell(client, stocked) -> None:
    text = client.page("/providers/").text
    assert "示例云服务" in text and "2 项" in text


def test_a_suspended_provider_keeps_its_page_and_is_not_listed(client, app) -> None:
    with db.transaction():
        provider = a_provider(status=ProviderStatus.SUSPENDED, name="示例停业公司", slug="paused")
        an_offering(provider)
    assert "这家服务商已暂停销售" in client.page("/providers/paused").text
    assert "示例停业公司" not in client.page("/providers/").text


def test_who_has_only_applied_has_no_page(client, app) -> None:
    with db.transaction():
        a_provider(status=ProviderStatus.APPLIED, slug="new")
    client.page("/providers/new", status=404)


@pytest.mark.every_database
def test_a_solution_adds_up_what_its_parts_cost(client, stocked) -> None:
    with db.transaction():
        a_sector("textiles", "纺织服装", "Textiles")
        solution = Solution(slug="bundle", sector_slug="textiles", name_zh="服装一条线", name_en="One line", summary_zh="样衣和单据",
                            summary_en="Samples and papers", position=1, parts=[])  # fmt: skip
        db.session.add(solution)
        gone = an_offering(a_provider(status=ProviderStatus.SUSPENDED), facts=complete_facts(name_zh="停业服务"))
        slugs = ("backup", "drive")
        offerings = [row for row in db.session.query(type(gone)).all() if row.slug in slugs] + [gone]
        for position, offering in enumerate(offerings):
            solution.parts.append(
                SolutionPart(offering=offering, reason_zh=f"第{position}步", reason_en="A step", position=position)
            )
    assert "服装一条线" in client.page("/solutions/").text
    text = client.page("/solutions/bundle").text
    assert "¥100.00" in text and "第0步" in text and "有 1 项服务现在不能订阅" in text and "停业服务" not in text


@pytest.mark.parametrize("path", ["/offerings/none", "/providers/none", "/solutions/none", "/help/none"])
def test_what_does_not_exist_is_a_404(client, path) -> None:
    client.page(path, status=404)


@pytest.mark.parametrize("topic", [topic.slug for topic in TOPICS])
def test_every_help_topic_is_written(client, topic) -> None:
    assert len(client.page(f"/help/{topic}").text) > 300


def test_help_quotes_the_settings(client) -> None:
    assert "15 天内付清" in client.page("/help/payment").text
    assert "等 3 天" in client.page("/help/pricing").text


def test_the_sitemap_lists_every_public_page(client, stocked) -> None:
    response = client.get("/sitemap.xml")
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    found = [place.text for place in fromstring(response.data).iter(f"{space}loc")]
    assert {"http://localhost/", "http://localhost/offerings/backup", "http://localhost/providers/sample-cloud"} <= set(found)
    for address in found:
        client.page(address.removeprefix("http://localhost"))


def test_robots_are_told_what_is_private(client) -> None:
    text = client.get("/robots.txt").get_data(as_text=True)
    assert "Disallow: /console/" in text and "Sitemap: http://localhost/sitemap.xml" in text


def test_a_category_without_services_says_so(client, app) -> None:
    with db.transaction():
        a_category("payment")
    assert "这一类还没有服务上架" in client.page("/offerings/?category=payment").text


def test_earlier_editions_keep_their_reasons_and_later_ones_stay_secret(client, stocked) -> None:
    with db.transaction():
        backup, drive = (catalog.offering_by_slug(slug) for slug in ("backup", "drive"))
        over = an_edition(slug="2025", name_zh="示例 2025 年推荐目录", starts_on=date(2025, 1, 1), ends_on=date(2025, 12, 31))
        an_entry(backup, over, status=EntryStatus.EXPIRED, reason_zh="断网也能恢复。")
        an_entry(drive, over, status=EntryStatus.WITHDRAWN, reason_zh="手机上也能用。")
        an_entry(drive, over, status=EntryStatus.DECLINED, reason_zh="没有列入过。")
        an_edition(slug="2027", starts_on=date(2027, 1, 1), ends_on=date(2027, 12, 31))
        an_edition(slug="now")
    page = client.page("/recommended/").follow("示例 2025 年推荐目录")
    assert "断网也能恢复。" in page.text and "这一期结束前已撤下" in page.text and "没有列入过" not in page.text
    for slug in ("2027", "now", "nonsense"):
        client.page(f"/recommended/{slug}", status=404)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("为什么一直扣费", "没怎么用，为什么也有费用？"), ("抹零", "几分几厘的零头怎么算？"), ("会计 账单", "会计要看账单"), ("专票 抵扣", "专票怎么开")],
)
def test_help_answers_questions_in_ones_own_words(client, asked, expected) -> None:
    answers = client.page(f"/help/?q={asked}").one("section", **{"aria-labelledby": "asked"})
    assert text_of(next(answers.iter("summary"))).startswith(expected)


@pytest.mark.parametrize("asked", ["😀", "\x00", "-", "长" * 5000, "%FF%FE", "<script>"])
def test_help_has_a_way_on_where_it_has_no_answer(client, asked) -> None:
    page = client.page(f"/help/?q={asked}")
    assert page.link("写下您要做的事").startswith("/requirements/new")


def test_whom_to_call_is_shown_where_the_settings_name_somebody(client, settings):
    assert "平台客服电话" not in client.page("/help/").text
    named = replace(settings, support=Support("020-1234 5678", "Mo-Fr", "09:00", "18:00"))
    resources.install(named, with_clock=resources.clock)
    page = client.page("/help/")
    assert page.text.count("平台客服电话 020-1234 5678 工作日 09:00–18:00") == 2, "in the help centre and at the foot"
    assert len(page.all("a", href="tel:02012345678")) == 2
