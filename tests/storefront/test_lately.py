"""On an offering's page: what the visitor's own use would have cost here, and who is told."""

from __future__ import annotations

import pytest

from market import db
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.billing import moment
from tests.builders.catalog import a_charge, a_plan, an_offering, complete_facts
from tests.builders.metering import report
from tests.scenarios.stories import Story, a_story
from tests.support.client import Client
from tests.support.clock import FakeClock


@pytest.fixture
def story(client: Client, clock: FakeClock) -> Story:
    """It is 10 December; the firm backs up elsewhere, and `rival` sells the same for a fee of ¥5.00."""
    with db.transaction():
        story = a_story()
        report(story.backup, story.traffic, 250, at=moment("2026-10-20 12:00"))
        plan = a_plan(an_offering(slug="rival", plans=False, facts=complete_facts(name_zh="低价存储")), monthly="5.00")
        for meter in (story.stored, story.traffic, story.requests):
            a_charge(plan, {"model": "per_unit", "unit_price": "0.00"}, meter=meter)
        a_member(story.organization, Role.VIEWER, user=a_user(email="viewer@example.com"))
    clock.set(moment("2026-12-10 12:00"))
    return story


def test_who_may_see_amounts_is_told_and_nobody_else(client: Client, story: Story) -> None:
    assert "放在这里要付多少" not in client.page("/offerings/rival").text
    client.sign_in("owner@example.com", PASSWORD)
    page = client.page("/offerings/rival")
    assert "您在“安澜文件备份”的用量，放在这里要付多少" in page.text
    assert "¥10.00" in page.text and "少 ¥213.00" in page.text
    assert page.follow("和所有服务商的同类套餐比").heading == "安澜文件备份：换个套餐要多少钱"
    client.sign_in("viewer@example.com", PASSWORD)
    assert "放在这里要付多少" not in client.page("/offerings/rival").text
