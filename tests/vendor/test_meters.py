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


def test_another_meaning_is_the_next_version_and_another_name_is_not(vendor):
    page = vendor.page("/vendor/meters/new").submit(**METER)
    renamed = page.follow("修改").submit(name_zh="备份空间")
    assert renamed.heading == "备份空间" and "第 2 版" not in renamed.text
    page = renamed.follow("修改").submit(unit_size="1024", dimensions="region，size", rounding="up")
    for words in ("第 2 版已建好", "量什么（第 2 版）", "region, size", "不满 1 个单位按 1 个算", '"region": "<…>"'):
        assert words in page.text, words
    assert "最新一版" in page.text and "不再计数" in page.text


@pytest.mark.every_database
def test_an_older_version_cannot_be_followed_twice(vendor):
    first = vendor.page("/vendor/meters/new").submit(**METER)
    editing = first.follow("修改")
    editing.submit(unit_size="1024")
    again = editing.submit(unit_size="2000")
    assert again.status == 422 and "已有新的一版" in again.text


@pytest.mark.parametrize(
    ("written", "words"),
    [("a, b, c, d, e, f", "最多按 5 个字段分组"), ("a, a", "同一个字段只写一次"), ("x=1", "字段名最多 60 个字符")],
)
def test_fields_to_group_by_are_few_and_named_plainly(vendor, written, words):
    page = vendor.page("/vendor/meters/new").submit(**METER | {"dimensions": written})
    assert page.status == 422 and words in page.text
    assert page.one("input", id="dimensions").get("value") == written
