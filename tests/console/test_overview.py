"""The first page of the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market import db, subscriptions
from market.accounts.models import Role
from market.billing import credit_notes
from market.billing.credit_notes import Amount
from market.kit.period import month
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.builders.billing import an_issued_bill, moment
from tests.builders.catalog import a_plan, an_offering
from tests.builders.credit_notes import a_note, paid
from tests.builders.subscriptions import a_subscription, the_request

NOV_5 = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)


@pytest.fixture
def firm(database):
    with db.transaction():
        organization = an_organization()
        for role in (Role.OWNER, Role.VIEWER):
            a_member(organization, role, user=a_user(email=f"{role}@example.com"))
        return organization


def test_an_empty_account_shows_the_first_steps(firm, client):
    client.sign_in("owner@example.com", PASSWORD)
    page = client.page("/console/")
    assert "从这三步开始" in page.text
    assert "还没有动态" in page.text


def test_it_answers_what_to_do_and_what_it_costs(firm, client, queries):
    with db.transaction():
        plan = a_plan(an_offering(plans=False), monthly="99.00", per_unit="0.50", meter="storage")
        a_subscription(plan, organization=firm)
        failed = a_subscription(plan, organization=firm, started_at=None)
        subscriptions.fail(the_request(failed), reason="没有空位", by=an_actor(), at=NOV_5)
        trial = a_plan(an_offering(plans=False), monthly="9.00", trial_days=14)
        a_subscription(trial, organization=firm, started_at=datetime(2026, 11, 10, 2, 0, tzinfo=UTC))
    client.sign_in("owner@example.com", PASSWORD)
    page = client.page("/console/")
    for words in ("没有开通成功", "的试用还剩 5 天", "¥99.00", "12月1日", "2 项", "没有欠款", "下单订阅"):
        assert words in page.text, words
    with queries(at_most=19):
        client.get("/console/")


def test_a_viewer_sees_no_trail(firm, client):
    client.sign_in("viewer@example.com", PASSWORD)
    assert "最近动态" not in client.page("/console/").text


def test_strangers_are_sent_to_sign_in(firm, client):
    assert client.page("/console/").path == "/sign-in"


def test_what_only_a_colleague_can_do_is_not_among_ones_own_tasks(firm, client):
    with db.transaction():
        for role in (Role.PURCHASER, Role.FINANCE):
            a_member(firm, role, user=a_user(email=f"{role}@example.com"))
        a_subscription(a_plan(an_offering(plans=False), monthly="99.00"), organization=firm, started_at=moment("2026-10-01 08:00"))
        bill = an_issued_bill(firm)
    for role, heading in ((Role.FINANCE, "要您处理的"), (Role.PURCHASER, "等同事处理")):
        client.sign_in(f"{role}@example.com", PASSWORD)
        page = client.page("/console/")
        assert [name for name in ("要您处理的", "等同事处理") if name in page.text] == [heading]
        assert bill.number in page.text


def test_a_refund_is_named_by_its_amount(firm, client):
    with db.transaction():
        a_subscription(a_plan(an_offering(plans=False), monthly="150.00"), organization=firm, started_at=moment("2026-10-01 08:00"))
        a_note(paid(an_issued_bill(firm)), Amount(5000))
        credit_notes.ask(firm, 3000, request_key="back", by=an_actor(organization=firm), at=NOV_5)
    client.sign_in("owner@example.com", PASSWORD)
    for path in ("/console/", "/console/activity/"):
        page = client.page(path)
        assert "申请了退款" in page.text and "¥30.00" in page.text, path


def test_several_overdue_bills_cost_no_more_statements_than_one(firm, client, clock, queries):
    with db.transaction():
        a_subscription(a_plan(an_offering(plans=False), monthly="99.00"), organization=firm, started_at=moment("2026-08-01 08:00"))
        an_issued_bill(firm, month("2026-08"))
    clock.set(moment("2026-12-20 12:00"))
    client.sign_in("owner@example.com", PASSWORD)
    client.page("/console/")
    with queries(at_most=60) as one:
        assert client.page("/console/").text.count("已逾期") == 1
    with db.transaction():
        for label in ("2026-09", "2026-10"):
            an_issued_bill(firm, month(label))
    with queries(at_most=len(one)):
        assert client.page("/console/").text.count("已逾期") == 3
