"""How far the month end is, and dry runs, as administrators see them."""

from __future__ import annotations

from datetime import timedelta

from market import billing, db, subscriptions
from tests.admin.test_bills import story as story
from tests.builders.billing import OCTOBER, after_grace
from tests.scenarios.stories import Story
from tests.support.client import Client
from tests.support.pages import text_of


def test_progress_and_what_to_do_about_a_failure_are_shown(client: Client, story: Story) -> None:
    assert "还没有账单" in client.page("/admin/bills/month-end/").text
    with db.transaction():
        broken = subscriptions.subscription_of(story.organization, story.backup.id)
        right = broken.plan.charges[0].terms
        broken.plan.charges[0].terms = {"model": "unknown"}
    billing.close_due(after_grace(OCTOBER))
    page = client.page("/admin/bills/").follow("月结进度")
    assert "InvalidTerms" in page.text and "请服务商改正套餐" in page.text and "未知的计费方式：unknown" in page.text
    client.set_cookie("lang", "en")
    for address in ("/admin/bills/month-end/", "/admin/bills/"):
        told = text_of(client.page(address).one("table"))
        assert "unknown" in told and "计费方式" not in told, "a refusal is told in the language of the page"
    client.set_cookie("lang", "zh")
    tried = client.page(f"/admin/bills/month-end/dry-run?organization={story.organization.name}&month=2026-10", status=422)
    assert "算不出来：未知的计费方式：unknown" in tried.text
    with db.transaction():
        subscriptions.subscription_of(story.organization, story.backup.id).plan.charges[0].terms = right
    billing.close_due(after_grace(OCTOBER))
    done = client.page("/admin/bills/month-end/")
    assert "InvalidTerms" not in done.text and "100%" in done.text and "已完成" in done.text


def test_a_month_can_be_tried_out(client: Client, story: Story) -> None:
    form = client.page("/admin/bills/month-end/dry-run?organization=&month=2026-10", status=422)
    assert "没有找到唯一的一家企业" in form.text
    assert "2026-10 的样子" in client.page("/admin/bills/month-end/dry-run?organization=x&month=10", status=422).text
    found = client.page(f"/admin/bills/month-end/dry-run?organization={story.organization.name}&month=2026-10")
    assert "221.93" in found.text and "外网流量" in found.text and "10月31日" in found.text


def test_drafts_ask_for_no_money_yet(client: Client, story: Story) -> None:
    billing.close_due(OCTOBER.end + timedelta(hours=1))
    page = client.page("/admin/bills/")
    row = next(text_of(row) for row in page.all("tr") if text_of(row).startswith("2026年10月"))
    assert "221.93" not in row and row.count("0.00") == 4 and "草稿不算在内" in page.text
    billing.close_due(after_grace(OCTOBER))
    row = next(text_of(row) for row in client.page("/admin/bills/").all("tr") if text_of(row).startswith("2026年10月"))
    assert row.count("221.93") == 2, "billed and outstanding"
