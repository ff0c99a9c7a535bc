"""The running bill in the console."""

from __future__ import annotations

import csv
import io

import pytest

from market import db
from tests.builders.accounts import PASSWORD, a_user, an_organization
from tests.builders.billing import OCTOBER, an_issued_bill, moment
from tests.builders.metering import report
from tests.scenarios.stories import Story, a_story, a_usual_october
from tests.support.client import Client
from tests.support.clock import FakeClock


@pytest.fixture
def story(client: Client, clock: FakeClock) -> Story:
    """It is 21 October, noon; the owner has signed in."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
    clock.set(moment("2026-10-21 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    return story


@pytest.mark.usefixtures("story")
class TestRunningMonth:
    def test_every_line_shows_its_working(self, client: Client) -> None:
        page = client.page("/console/usage/")
        for text in ("1 个月 × ¥99.00", "套餐内 200 GB", "第 1 档（0–50 万次）：50 万次 × ¥0.10 = ¥5.00", "数据截至 2026年10月21日 12:00"):
            assert text in page.text

    def test_it_says_where_the_month_is_going(self, client: Client) -> None:
        assert "按现在的用法，2026年10月 预计 ¥" in client.page("/console/usage/").text

    def test_the_days_are_a_table_too(self, client: Client) -> None:
        rows = client.page("/console/usage/").one("details", class_="tog").findall(".//tbody/tr")
        assert len(rows) == 21

    def test_the_daily_file_opens_in_a_spreadsheet(self, client: Client) -> None:
        answer = client.get("/console/usage/daily.csv?month=2026-10")
        text = answer.get_data(as_text=True)
        assert text.startswith("\ufeff日期,")
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert [row["当日用量"] for row in rows if row["收费项目"] == "外网流量"][:6] == ["0", "0", "0", "0", "120.5", "0"]

    def test_few_questions_are_asked(self, client: Client, queries: object) -> None:
        with queries(at_most=32):  # type: ignore[operator]  # a fixture
            client.page("/console/usage/")

    @pytest.mark.parametrize("month", ["2026-13", "nonsense", "0000-00"])
    def test_what_is_no_month_is_refused_in_words(self, client: Client, month: str) -> None:
        assert "不是月份" in client.page(f"/console/usage/?month={month}", status=422).text

    def test_a_month_without_anything_says_so(self, client: Client) -> None:
        assert "没有用量和费用" in client.page("/console/usage/?month=2025-01").text


def test_an_issued_month_shows_its_bill_and_no_outlook(client: Client, story: Story, clock: FakeClock) -> None:
    with db.transaction():
        bill = an_issued_bill(story.organization, OCTOBER)
        report(story.backup, story.traffic, 300, at=moment("2026-11-02 12:00"))
    clock.set(moment("2026-11-10 12:00"))
    page = client.page("/console/usage/?month=2026-10")
    assert f"账单 {bill.number}" in page.text
    assert "预计" not in page.text
    now = client.page("/console/usage/").text
    assert "主要是外网流量多了" in now


def test_the_newcomer_is_told_where_to_begin(client: Client) -> None:
    with db.transaction():
        an_organization(owner=a_user(email="new@example.com"))
    client.sign_in("new@example.com", PASSWORD)
    assert "去看看有哪些服务" in client.page("/console/usage/").text
