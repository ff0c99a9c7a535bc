"""A provider's lines on everybody's bills."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from market import billing, db
from market.accounts import Organization, Role
from market.accounts.models import OrganizationKind
from market.providers.models import Provider
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.billing import NOVEMBER, OCTOBER, an_issued_bill, moment
from tests.builders.catalog import a_plan
from tests.builders.metering import report
from tests.builders.subscriptions import a_subscription
from tests.scenarios.stories import Story, a_story, a_usual_october
from tests.support.client import Client


def a_story_for_the_seller() -> Story:
    """A billed October and a draft of November; the firm also buys from somebody else."""
    with db.transaction():
        story = a_story(started="2026-10-01 00:30")
        a_usual_october(story)
        a_subscription(a_plan(monthly="77.00"), organization=story.organization, started_at=moment("2026-10-01 00:30"))
        an_issued_bill(story.organization, OCTOBER)
        report(story.backup, story.traffic, 50, at=moment("2026-10-30 12:00"), recorded=moment("2026-11-10 12:00"))
        billing.close(story.organization, NOVEMBER, now=NOVEMBER.end)
        seller = db.session.get_one(Organization, db.session.get_one(Provider, story.backup.provider_id).organization_id)
        seller.kind = OrganizationKind.PROVIDER
        for role in (Role.FINANCE, Role.DEVELOPER):
            a_member(seller, role, user=a_user(email=f"{role.value}@example.com"))
    return story


@pytest.fixture
def story(client: Client, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """The seller's finance has signed in."""
    story: Story = kept(a_story_for_the_seller)
    client.sign_in("finance@example.com", PASSWORD)
    return story


def test_the_lines_of_a_month_add_up_to_what_the_bills_say(client: Client, story: Story) -> None:
    page = client.page("/vendor/lines/?month=2026-10")
    assert page.text.count("¥221.93") == 2  # the lines, and the bills' own tax split
    assert "77.00" not in page.text and "¥82.50" in page.text
    draft = client.page("/vendor/lines/")  # the newest month
    assert "补报和更正" in draft.text and "未出账" in draft.text
    assert client.page("/vendor/lines/?month=all&kind=adjustment").text.count("为什么是") == 1
    assert "没有符合条件的账单行" in client.page("/vendor/lines/?month=2026-10&state=draft").text


def test_a_line_says_why_and_shows_events_to_whoever_may_see_them(client: Client, story: Story) -> None:
    with db.transaction(readonly=True):
        bill = billing.bill_for(story.organization, OCTOBER)
        assert bill is not None
        traffic = next(line.id for line in bill.lines if line.label["charge_zh"] == "外网流量")
        foreign = next(line.id for line in bill.lines if line.gross_fen == 7700)
    page = client.page(f"/vendor/lines/{traffic}")
    assert "核对过了，金额一致" in page.text and "165 GB × ¥0.50" in page.text
    assert not page.all("a", string="2026年10月12日")
    client.page(f"/vendor/lines/{foreign}", status=404)
    client.page(f"/vendor/lines/{traffic}/days/2026-10-12", status=403)
    client.post("/sign-out")
    client.sign_in("developer@example.com", PASSWORD)
    assert "当天用量 200 GB" in client.page(f"/vendor/lines/{traffic}/days/2026-10-12").text
    client.page("/vendor/lines/", status=403)


def test_the_file_has_the_same_lines(client: Client, story: Story) -> None:
    answer = client.get("/vendor/lines/lines.csv?month=all")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["账期"], row["种类"], row["含税（¥）"]) for row in rows][:4] == [
        ("2026-10", "本期费用", "99.00"), ("2026-10", "本期费用", "32.90"), ("2026-10", "本期费用", "82.50"), ("2026-10", "本期费用", "7.53"),
    ]  # fmt: skip
    assert rows[-1]["种类"] == "补报和更正" and rows[-1]["从"] == "2026-10-01" and rows[-1]["含税（¥）"] == "25.00"
