"""A provider's meters: making one, and what its page says."""

from __future__ import annotations

import pytest

from market import db
from market.accounts.models import Role
from tests.builders.accounts import PASSWORD, a_member, a_user
from tests.builders.catalog import a_meter, a_provider

METER = {
    "name_zh": "存放空间", "name_en": "Space", "slug": "space", "event_type": "storage.stored", "way": "hour",
    "value_property": "mb", "unit_zh": "GB·小时", "unit_en": "GB-hours", "unit_size": "1000",
}  # fmt: skip


@pytest.fixture
def vendor(database, client):
    with db.transaction():
        provider = a_provider()
        a_member(provider.organization, Role.PRODUCT, user=a_user(email="product@example.com"))
    client.sign_in("product@example.com", PASSWORD)
    return client


def test_a_new_meter_shows_an_event_it_would_count(vendor):
    page = vendor.page("/vendor/meters/new").submit(**METER)
    assert page.heading == "存放空间"
    for words in ("storage.stored", '"mb": 1', "按小时累计", "1,000", "建好以后含义不再变"):
        assert words in page.text, words


def test_a_name_taken_is_refused_and_what_was_typed_stays(vendor):
    vendor.page("/vendor/meters/new").submit(**METER)
    page = vendor.page("/vendor/meters/new").submit(**METER)
    assert page.status == 422 and page.one("input", id="event_type").get("value") == "storage.stored"


def test_a_strangers_meter_does_not_exist(vendor):
    with db.transaction():
        id = a_meter(a_provider()).id
    assert vendor.get(f"/vendor/meters/{id}").status_code == 404


@pytest.mark.parametrize("written", ["", "zero", "0", "1.5", "٣"])
def test_a_size_that_is_no_whole_number_is_told_in_the_readers_language(vendor, written):
    page = vendor.page("/vendor/meters/new").submit(**METER | {"unit_size": written})
    assert page.status == 422 and "填写几个上报单位等于 1 个计价单位，至少是 1。" in page.text
    assert page.one("input", id="unit_size").get("value") == written
