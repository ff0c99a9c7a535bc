"""The budget as the firm sees it: setting it, how far the month is, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market import db
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.billing import moment
from tests.builders.budgets import a_budget, a_reservation
from tests.builders.metering import report
from tests.scenarios.stories import Story, a_story, a_usual_october
from tests.support.client import Client
from tests.support.clock import FakeClock


def october_so_far() -> Story:
    """¥186.50 by the 21st; the firm has a member of each role that matters."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        for role in (Role.FINANCE, Role.PURCHASER, Role.TECHNICIAN):
            a_member(story.organization, role, user=a_user(email=f"{role.value}@example.com"))
    return story


@pytest.fixture
def story(client: Client, clock: FakeClock, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """It is 21 October, noon; the owner has signed in."""
    story: Story = kept(october_so_far)
    clock.set(moment("2026-10-21 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    return story


def set_to(story: Story, yuan: str, alerts: tuple[int, ...] = (80, 100)) -> None:
    with db.transaction():
        a_budget(story.organization, yuan, alerts, at=moment("2026-10-21 11:00"))


def test_it_is_set_from_the_usage_page_with_two_clicks(client: Client, story: Story) -> None:
    page = client.page("/console/usage/").follow("设每月预算").submit(button="保存预算", amount_fen="1,000")
    assert "每月预算已设为 ¥1,000.00。" in page.text
    assert "预算还剩" in page.text and "没有预算 → ¥1,000.00" in page.text
    assert "预算 ¥1,000.00" in client.page("/console/usage/").text


def test_below_what_is_gone_it_is_refused_with_the_reason_and_what_was_typed_stays(client: Client, story: Story) -> None:
    page = client.page("/console/budget/").submit(button="保存预算", amount_fen="1.5")
    assert page.status == 422 and "预算不能低于本月已产生的 ¥" in page.text
    assert page.one("input", name="amount_fen").get("value") == "1.5"
    later = page.submit(button="保存预算", amount_fen="50", starts="next")
    assert "从 2026年11月1日 起，每月预算改为 ¥50.00。" in later.text


@pytest.mark.parametrize("typed", ["", "x", "0", "-5", "99999999999999"])
def test_what_is_no_amount_is_refused_at_its_field(client: Client, story: Story, typed: str) -> None:
    page = client.page("/console/budget/").submit(button="保存预算", amount_fen=typed)
    assert page.status == 422
    assert page.one("input", name="amount_fen").get("aria-invalid") == "true"


def test_the_page_says_what_happens_and_who_has_asked(client: Client, story: Story) -> None:
    assert "最近还没有来问的" in client.page("/console/budget/").text
    set_to(story, "1000")
    with db.transaction():
        a_reservation(story.backup, 12_345, at=moment("2026-10-21 11:30"))
    text = client.page("/console/budget/").text
    for words in ("没有先来问的服务商：不会停", "最近来问过的：", "服务商已预留的", "123.45", "到 80%，¥800.00：本月还没到"):
        assert words in text


def test_it_can_be_removed_and_the_history_says_by_whom(client: Client, story: Story) -> None:
    set_to(story, "1000")
    page = client.page("/console/budget/").submit(button="取消预算")
    assert "已取消每月预算。" in page.text and "¥1,000.00 → 没有预算" in page.text


def test_near_it_the_overview_says_so_and_over_it_the_pages_do_not_promise_a_stop(client: Client, story: Story) -> None:
    assert "快到每月预算" not in client.page("/console/").text
    set_to(story, "500", (50, 100))
    with db.transaction():
        report(story.backup, story.traffic, 300, at=moment("2026-10-21 11:30"))
    assert "快到每月预算 ¥500.00 了" in client.page("/console/").text
    with db.transaction():
        report(story.backup, story.traffic, 900, at=moment("2026-10-21 11:40"))
    overview = client.page("/console/")
    assert "每月预算 ¥500.00 已用完" in overview.text and "其余照常计费" in overview.text
    assert "预算 ¥500.00 已用完" in client.page("/console/usage/").text
    assert "已超出 ¥" in overview.follow("调整预算").text


class TestUsagePage:
    def test_lines_are_drawn_where_there_is_a_budget_only(self, client: Client, story: Story) -> None:
        assert 'class="cap"' not in client.page("/console/usage/").html
        set_to(story, "400")
        html = client.page("/console/usage/").html
        assert 'class="cap"' in html and 'class="alert"' in html
        assert "停止新增用量" not in html

    @pytest.mark.parametrize("query", ["month=2026-09", "of={sub}"], ids=["another month", "a part"])
    def test_a_part_or_another_month_has_none(self, client: Client, story: Story, query: str) -> None:
        set_to(story, "400")
        page = client.page(f"/console/usage/?{query.format(sub=story.backup.public_id)}")
        assert 'class="cap"' not in page.html and "预算还剩" not in page.text


@pytest.mark.parametrize(("who", "sees", "sets"), [("finance", True, True), ("purchaser", True, False), ("technician", False, False)])
def test_who_sees_it_and_who_sets_it(client: Client, story: Story, who: str, sees: bool, sets: bool) -> None:
    set_to(story, "1000")
    client.sign_in(f"{who}@example.com", PASSWORD)
    page = client.page("/console/budget/", status=200 if sees else 403)
    assert ("保存预算" in page.text) is sets
    if sets:
        assert "已设为 ¥900.00" in page.submit(button="保存预算", amount_fen="900").text


@pytest.mark.every_database
def test_few_questions_are_asked(client: Client, story: Story, queries: Any) -> None:
    set_to(story, "1000")
    with queries(at_most=23):
        client.page("/console/budget/")
