"""`/admin/organizations`: every firm."""

from __future__ import annotations

import pytest

from market import db
from market.accounts import Role
from tests.builders.accounts import a_city, a_member, an_organization


def made(name, **columns):
    with db.transaction():
        a_city()
        organization = an_organization(name=name, city_code="440100", **columns)
        a_member(organization)
        return organization.id


def test_firms_are_listed_with_city_and_members(enter):
    made("示例陶瓷有限公司")
    page = enter().page("/admin/organizations/")
    assert "广州市" in page.text
    shown = page.follow("示例陶瓷有限公司")
    assert "老板（所有者）" in shown.text


@pytest.mark.every_database
def test_words_and_kind_narrow_the_list(enter):
    made("示例陶瓷有限公司")
    client = enter()
    assert "示例陶瓷" in client.page("/admin/organizations/?q=陶瓷&kind=buyer").text
    assert "没有符合条件的企业" in client.page("/admin/organizations/?q=陶瓷&kind=provider").text


def test_the_list_costs_the_same_for_one_and_for_many(enter, queries):
    for number in range(5):
        made(f"示例{number}")
    client = enter()
    with queries(at_most=6):
        client.get("/admin/organizations/")


def test_curators_have_no_business_here(enter):
    assert enter(Role.CURATOR).get("/admin/organizations/").status_code == 403
