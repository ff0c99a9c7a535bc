"""Month end for administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market import db, subscriptions
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, a_user, the_office
from tests.builders.billing import OCTOBER, after_grace, closed
from tests.scenarios.stories import Story, a_story, a_usual_october
from tests.support.client import Client
from tests.support.clock import FakeClock


def a_story_for_the_office() -> Story:
    """October is not billed yet; an administrator may close months, another look at them."""
    with db.transaction():
        story = a_story()
        a_usual_october(story)
        a_member(the_office(), Role.FINANCE, user=a_user(email="finance@example.com"))
        a_member(the_office(), Role.AUDITOR, user=a_user(email="auditor@example.com"))
    return story


@pytest.fixture
def story(client: Client, clock: FakeClock, kept: Callable[[Callable[[], Any]], Any]) -> Story:
    """October's days of grace are just over; an administrator who may close months has signed in."""
    story: Story = kept(a_story_for_the_office)
    clock.set(after_grace(OCTOBER))
    client.sign_in("finance@example.com", PASSWORD)
    return story


def test_what_is_late_is_shown_and_closed_by_the_button(client: Client, story: Story) -> None:
    page = client.page("/admin/bills/")
    assert "1 家企业的账单过了宽限期还没有定稿" in page.text
    assert "还没有轮到" in page.text
    after = page.submit(button="现在结账")
    assert "没有积压" in after.text
    month = after.follow("2026年10月")
    assert "221.93" in month.text
    bill = month.follow(story.organization.name)
    assert "BL-202610-000001" in bill.text


@pytest.mark.every_database
def test_pressing_twice_makes_no_second_bill(client: Client, story: Story) -> None:
    page = client.page("/admin/bills/")
    page.submit(button="现在结账")
    assert "全部 1" in page.submit(button="现在结账").follow("2026年10月").text


def test_what_failed_says_why(client: Client, story: Story) -> None:
    with db.transaction():
        broken = subscriptions.subscription_of(story.organization, story.backup.id)
        broken.plan.charges[0].terms = {"model": "unknown"}
    page = client.page("/admin/bills/").submit(button="现在结账")
    assert "InvalidTerms" in page.text


@pytest.mark.every_database
def test_a_state_without_bills_says_so(client: Client, story: Story) -> None:
    closed(OCTOBER)
    assert "没有这种状态的账单" in client.page("/admin/bills/months/2026-10?status=paid").text
    assert "这个月没有账单" in client.page("/admin/bills/months/2020-01").text
    client.page("/admin/bills/months/2020-99", status=422)


@pytest.mark.every_database
def test_an_auditor_reads_but_does_not_close(client: Client, story: Story) -> None:
    other = client.application.test_client()
    assert isinstance(other, Client)
    other.sign_in("auditor@example.com", PASSWORD)
    assert not other.page("/admin/bills/").all("form", action="/admin/bills/close")


def test_the_file_is_there_for_administrators_too(client: Client, story: Story) -> None:
    closed(OCTOBER)
    bill = client.page("/admin/bills/months/2026-10").link(story.organization.name)
    assert client.get(f"{bill}/bill.pdf").data.startswith(b"%PDF")
    assert client.get("/admin/bills/999999").status_code == 404
