"""The usage page: the running bill, where it goes, why it changed, and who may see what of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from market import db
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import an_event, ingest, report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story, a_usual_october
from tests.support.client import Client
from tests.support.clock import FakeClock


def a_usual_story() -> Story:
    """October's usage."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
    return story


def a_story_until_november() -> Story:
    """October is billed, November has used more traffic, most of it on one day."""
    story = a_usual_story()
    with db.transaction():
        an_issued_bill(story.organization, OCTOBER)
        for day in (2, 4, 6, 8, 10):
            report(story.backup, story.traffic, 400 if day == 8 else 40, at=moment(f"2026-11-{day:02} 12:00"))
    return story


@pytest.fixture
def story(client: Client, clock: FakeClock, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """It is 21 October, noon; the owner has signed in."""
    story: Story = kept(a_usual_story)
    clock.set(moment("2026-10-21 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    return story


@pytest.fixture
def november(client: Client, clock: FakeClock, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """It is 12 November, noon; the owner has signed in."""
    story: Story = kept(a_story_until_november)
    clock.set(moment("2026-11-12 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    return story


def rows_of(client: Client, address: str) -> list[dict[str, str]]:
    """A file of ours, read as a spreadsheet would."""
    answer = client.get(address)
    assert answer.mimetype == "text/csv"
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.usefixtures("story")
class TestRunningMonth:
    def test_every_line_shows_its_working(self, client: Client) -> None:
        page = client.page("/console/usage/")
        for text in ("1 个月 × ¥99.00", "套餐内 200 GB", "第 1 档（0–50 万次）：50 万次 × ¥0.10 = ¥5.00", "数据截至 2026年10月21日 12:00"):
            assert text in page.text
        assert "最近一笔 2026年10月20日 12:00" in page.text

    def test_it_says_where_the_month_is_going_and_from_what(self, client: Client) -> None:
        text = client.page("/console/usage/").text
        assert "按最近 7 天的用法，2026年10月 预计 ¥" in text
        assert "用量按 10月14日 到现在的平均，一直算到 10月31日" in text

    def test_the_days_are_a_table_too_and_the_expected_ones_say_so(self, client: Client) -> None:
        rows = client.page("/console/usage/").one("details", class_="tog").findall(".//tbody/tr")
        assert len(rows) == 31
        assert ["预计" in "".join(row.itertext()) for row in rows] == [False] * 21 + [True] * 10

    def test_the_daily_file_opens_in_a_spreadsheet(self, client: Client) -> None:
        rows = rows_of(client, "/console/usage/table.csv?month=2026-10")
        assert [row["安澜文件备份 外网流量（GB）"] for row in rows][:6] == ["0", "0", "0", "0", "120.5", "0"]
        assert rows[0]["日期"] == "2026-10-01"
        assert rows[0]["费用（¥）"] == "99.00"

    def test_the_mean_of_a_day_that_is_not_over_is_the_mean_so_far(self, client: Client, clock: FakeClock) -> None:
        clock.set(moment("2026-10-21 12:34"))
        for query in ("", "by=hour"):
            rows = rows_of(client, f"/console/usage/table.csv?{query}")
            assert rows[-1]["安澜文件备份 备份空间（GB）"] == "800"

    def test_the_lines_are_a_file_too(self, client: Client) -> None:
        rows = rows_of(client, "/console/usage/lines.csv?month=2026-10")
        [traffic] = [row for row in rows if row["项目"] == "外网流量"]
        assert (traffic["已用"], traffic["套餐包含"], traffic["超出部分"], traffic["费用（¥）"]) == ("365", "200", "165", "82.50")

    @pytest.mark.every_database
    def test_narrowed_to_one_meter_everything_speaks_of_it_alone(self, client: Client, story: Story) -> None:
        of = f"{story.backup.public_id}/traffic"
        page = client.page(f"/console/usage/?of={of}")
        assert "合计（含税）¥82.50" in page.text
        assert "1 个月 × ¥99.00" not in page.text
        [line] = rows_of(client, f"/console/usage/lines.csv?of={of}")
        assert line["项目"] == "外网流量"

    def test_two_of_one_service_are_told_apart_by_the_end_of_their_numbers(self, client: Client, story: Story) -> None:
        with db.transaction():
            second = a_subscription(story.backup.plan, organization=story.organization)
        for address in ("/console/usage/", "/console/days/"):
            assert f"编号末四位 {second.public_id[-4:]}" in client.page(address).html

    def test_the_hours_of_a_day_come_from_its_events(self, client: Client, story: Story) -> None:
        page = client.page("/console/usage/?by=hour&day=2026-10-20")
        assert "10月20日 每小时" in page.text
        rows = rows_of(client, "/console/usage/table.csv?by=hour&day=2026-10-20")
        used = [row["安澜文件备份 访问次数（万次）"] for row in rows]
        assert (len(used), used[12], set(used[:12] + used[13:])) == (24, "181.672", {"0"})
        assert {row["安澜文件备份 备份空间（GB）"] for row in rows} == {"800"}
        assert "费用（¥）" not in rows[0]

    @pytest.mark.every_database
    def test_today_has_the_hours_that_have_begun(self, client: Client) -> None:
        assert len(rows_of(client, "/console/usage/table.csv?by=hour")) == 12

    @pytest.mark.parametrize(("query", "most"), [("", 25), ("by=month", 26), ("by=hour", 31), ("month=2026-09", 11)])
    def test_few_questions_are_asked(self, client: Client, queries: Any, query: str, most: int) -> None:
        with queries(at_most=most):
            client.page(f"/console/usage/?{query}")

    @pytest.mark.parametrize("month", ["2026-13", "nonsense", "0000-00"])
    def test_what_is_no_month_is_refused_in_words(self, client: Client, month: str) -> None:
        assert "不是月份" in client.page(f"/console/usage/?month={month}", status=422).text

    @pytest.mark.parametrize("query", ["by=never", "day=31-31-31&by=hour", "day=1999-01-01&by=hour", "by=hour&day=2026-10-30"])
    def test_other_nonsense_shows_what_there_is(self, client: Client, query: str) -> None:
        assert "合计（含税）" in client.page(f"/console/usage/?{query}").text

    @pytest.mark.parametrize("month", ["2025-01", "2027-01"])
    def test_a_month_without_anything_says_so(self, client: Client, month: str) -> None:
        assert "没有用量和费用" in client.page(f"/console/usage/?month={month}").text

    def test_a_strangers_subscription_is_not_found(self, client: Client) -> None:
        with db.transaction():
            other = a_subscription().public_id
        client.page(f"/console/usage/?of={other}", status=404)


@pytest.mark.usefixtures("november")
class TestWhyItRose:
    def test_the_sentence_names_the_cause_and_the_day(self, client: Client) -> None:
        text = client.page("/console/usage/").text
        assert "前 11 天比 2026年10月同期多 ¥180.00。" in text
        assert "主要原因：外网流量多用了 439.5 GB，超过了套餐包含的 200 GB（+¥180.00）。" in text
        assert "其中 11月8日 一天用了 400 GB，是平常的 10 倍。" in text

    def test_the_day_leads_to_its_hours(self, client: Client) -> None:
        assert "11月8日 每小时" in client.page("/console/usage/").follow("看那一天的明细").text

    def test_the_month_before_is_drawn_and_written(self, client: Client) -> None:
        assert "2026年10月同日累计（¥）" in client.page("/console/usage/").text
        assert 'polyline class="prev"' in client.get("/console/usage/").get_data(as_text=True)

    def test_an_issued_month_is_shown_as_billed_without_an_outlook(self, client: Client) -> None:
        page = client.page("/console/usage/?month=2026-10")
        assert "账单 BL-202610" in page.text
        assert "预计" not in page.text

    def test_months_stand_side_by_side_as_they_were_billed(self, client: Client) -> None:
        rows = rows_of(client, "/console/usage/table.csv?by=month")
        assert [row["月份"] for row in rows] == ["2026-10", "2026-11"]
        assert [row["安澜文件备份 外网流量（GB）"] for row in rows] == ["365", "560"]


def test_usage_reported_after_the_bill_is_told_in_dated_lines_and_marked(client: Client, story: Story, clock: FakeClock) -> None:
    """In the month it was used and in the one that charges it."""
    with db.transaction():
        an_issued_bill(story.organization, OCTOBER)
        seller = story.backup.provider
        late = an_event(story.backup, story.traffic, 100, at=moment("2026-10-18 09:00"))
        ingest(seller, [late], now=moment("2026-11-09 15:00"), closed={story.organization.id: OCTOBER.end})
    clock.set(moment("2026-11-12 12:00"))
    october = client.page("/console/usage/?month=2026-10")
    assert "补报 10月18日 的外网流量，1 条" in october.text
    assert "11月9日 收到补报 1 条" in "".join(october.one("details", class_="tog").itertext())
    november = client.page("/console/usage/")
    assert "补报 10月18日 的外网流量，1 条" in november.text
    assert "补记 2026年10月 的用量" in november.text


def test_a_second_service_is_named_as_the_reason(client: Client, november: Story) -> None:
    with db.transaction():
        plan = a_plan(monthly="500.00")
        a_subscription(plan, organization=november.organization, user=november.owner, started_at=moment("2026-11-05 09:00"))
    page = client.page("/console/usage/")
    assert "主要原因：“示例云备份”是新开通的" in page.text
    assert "“安澜文件备份”的外网流量" in page.text


@pytest.mark.every_database
def test_what_is_paid_once_is_named_when_the_next_month_is_cheaper(client: Client, story: Story, clock: FakeClock) -> None:
    with db.transaction():
        plan = a_plan(monthly="10.00", once="3800.00")
        a_subscription(plan, organization=story.organization, user=story.owner, started_at=moment("2026-10-05 09:00"))
        an_issued_bill(story.organization, OCTOBER)
    clock.set(moment("2026-11-12 12:00"))
    page = client.page("/console/usage/")
    assert "为什么变便宜了" in page.text
    assert "是上个月的一次性费用（−¥3,800.00）。" in page.text


def test_a_meter_that_tells_devices_apart_names_the_one(client: Client, clock: FakeClock) -> None:
    """In the list of this month, and as the reason for a day that stands out."""
    with db.transaction():
        story = a_story(dimensions=["device"])
        seller, events = story.backup.provider, []
        for month, days in ((10, range(2, 12)), (11, range(2, 12))):
            for day in days:
                peak = (month, day) == (11, 8)
                data = {"value": 900 if peak else 40, "device": "CAIWU-02" if peak else "FRONT-01"}
                events.append(an_event(story.backup, story.traffic, at=moment(f"2026-{month}-{day:02} 12:00"), data=data))
        for event in events:
            ingest(seller, [event], now=moment("2026-11-12 08:00"))
    clock.set(moment("2026-11-12 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    assert "大部分来自 CAIWU-02（900 GB）" in client.page("/console/usage/").text
    table = client.page(f"/console/usage/?of={story.backup.public_id}/traffic").one("table", class_="bars")
    assert [" ".join(" ".join(row.itertext()).split()) for row in table.findall(".//tbody/tr")] == ["CAIWU-02 900 GB", "FRONT-01 360 GB"]


@pytest.mark.usefixtures("november")
class TestWithoutMoney:
    @pytest.fixture(autouse=True)
    def _technician(self, client: Client, november: Story) -> None:
        with db.transaction():
            person = a_member(november.organization, Role.TECHNICIAN)
        client.sign_in(person.email, PASSWORD)

    @pytest.mark.parametrize("query", ["", "by=hour&day=2026-11-08", "by=month", "month=2026-10"])
    def test_technicians_see_units_only(self, client: Client, query: str) -> None:
        page = client.page(f"/console/usage/?{query}")
        assert "GB" in page.text
        assert "¥" not in page.text

    @pytest.mark.parametrize("name", ["table", "lines"])
    def test_and_so_do_their_files(self, client: Client, name: str) -> None:
        text = client.get(f"/console/usage/{name}.csv").get_data(as_text=True)
        assert "GB" in text
        assert "¥" not in text


class TestBeginnings:
    def test_the_newcomer_is_told_where_to_begin(self, client: Client) -> None:
        with db.transaction():
            an_organization(owner=a_user(email="new@example.com"))
        client.sign_in("new@example.com", PASSWORD)
        assert "去看看有哪些服务" in client.page("/console/usage/").text

    def test_the_first_day_promises_nothing(self, client: Client, clock: FakeClock) -> None:
        with db.transaction():
            a_story()
        clock.set(moment("2026-10-01 11:00"))
        client.sign_in("owner@example.com", PASSWORD)
        page = client.page("/console/usage/")
        assert "用满 2 天后，这里会推算月底一共多少钱。" in page.text
        assert "最近没有上报" in page.text
        assert "比 2026年9月" not in page.text


def test_nothing_grows_with_the_number_of_events(client: Client, story: Story, queries: Any) -> None:
    """Counters and indexes answer: as many statements with a hundred events as with five."""
    with queries(at_most=60) as before:
        client.page("/console/usage/")
    with db.transaction():
        for minute in range(100):
            report(story.backup, story.requests, 1, at=moment(f"2026-10-19 {minute // 60:02}:{minute % 60:02}"))
    with queries(at_most=60) as after:
        client.page("/console/usage/")
    assert len(after) == len(before)
