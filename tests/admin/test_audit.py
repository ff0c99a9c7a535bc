"""`/admin/audit`: the trail."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from market import audit, db
from tests.builders.catalog import a_provider

DAY = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)


def done(action="provider.suspended", *, who="甲", name="示例云", at=DAY, **more):
    with db.transaction():
        by = audit.Actor("user", 1, who, None, "192.0.2.7")
        return audit.record(action, a_provider(name=name), by=by, at=at, **more).id


def row_id(action):
    with db.transaction(readonly=True):
        return db.session.scalars(audit.events(action=action)).first().id


def test_coming_in_is_itself_in_the_trail(enter):
    assert "的记录" in enter().page("/admin/audit/").text


def test_a_row_is_a_sentence_with_its_reason(enter):
    done(reason="许可证过期")
    text = enter().page("/admin/audit/").text
    assert "甲 暂停了服务商：示例云" in text
    assert "“许可证过期”" in text


@pytest.mark.every_database
def test_filters_are_in_the_address_and_stay_in_the_form(enter):
    done()
    done("bill.paid", name="另一家", at=datetime(2026, 11, 12, 2, 0, tzinfo=UTC))
    client = enter()
    for address, shown in (
        ("?about=provider", ["示例云"]), ("?q=另一", ["另一家"]), ("?from=2026-11-12", ["另一家"]),
        ("?until=2026-11-10", ["示例云"]), ("?from=2026-11-12&until=2026-11-10", ["示例云", "另一家"]), ("?from=never", ["示例云", "另一家"]),
    ):  # fmt: skip
        text = client.page(f"/admin/audit/{address}").text
        assert [name for name in ("示例云", "另一家") if name in text] == shown, address
    page = client.page("/admin/audit/?about=provider&q=示例&from=2026-11-01")
    assert page.one("input", name="q").get("value") == "示例"
    assert page.one("input", name="from").get("value") == "2026-11-01"


def test_nothing_found_is_told_from_nothing_there(enter):
    done()
    page = enter().page("/admin/audit/?about=payment")
    assert "没有符合条件的记录" in page.text


def test_a_wildcard_is_only_a_character(enter):
    done(name="100% 示例")
    client = enter()
    assert "100% 示例" in client.page("/admin/audit/?q=100%25").text
    assert "没有符合条件的记录" in client.page("/admin/audit/?q=%25%25").text


def test_every_row_has_a_page_of_its_own_with_before_and_after(enter):
    done(before={"status": "approved", "name": "旧"}, after={"status": "suspended", "name": "新"})
    text = enter().page(f"/admin/audit/{row_id('provider.')}").text
    for words in ("状态", "已入驻", "已暂停", "2026-11-10 10:00:00 +08:00", "192.0.2.7", "provider.suspended"):
        assert words in text


def test_a_row_without_changes_and_one_that_does_not_exist(enter):
    done()
    client = enter()
    assert "没有改动内容" in client.page(f"/admin/audit/{row_id('provider.')}").text
    assert client.get("/admin/audit/99999").status_code == 404


@pytest.mark.every_database
def test_the_list_is_paged_and_costs_the_same_for_one_and_for_many(enter, queries):
    for number in range(35):
        done(name=f"示例{number}")
    client = enter()
    with queries(at_most=5):
        page = client.page("/admin/audit/?about=provider")
    with queries(at_most=6):
        assert "about=provider" in page.link("更早的") and "示例0" in page.follow("更早的").text


@pytest.mark.every_database
def test_the_office_reads_whom_somebody_acted_for_and_the_text_that_was_sealed(enter):
    with db.transaction():
        provider = a_provider(name="示例云")
        by = audit.Actor("user", 1, "甲", provider.organization_id, "192.0.2.7")
        audit.record("provider.edited", provider, by=by, at=DAY)
        firm = provider.organization.name
    client = enter()
    page = client.page("/admin/audit/?about=provider")
    assert f"甲（代 {firm}） 修改了服务商资料：示例云" in page.text
    with db.transaction(readonly=True):
        event = audit.event_by_id(row_id("provider.edited"))
        link, text = audit.link_of(event), audit.sealed_text(event)
        sealed = hashlib.sha256((link.previous_hash + text).encode()).hexdigest()
    page = client.page(f"/admin/audit/{event.id}")
    assert sealed in page.text and text in page.text and link.previous_hash in page.text
    assert "甲" in client.page(page.link("只看此人的记录")).text


@pytest.mark.every_database
def test_the_whole_trail_is_a_file_for_the_office(enter):
    done(reason="许可证过期")
    text = enter().get("/admin/audit/records.csv?about=provider").get_data(as_text=True)
    assert "许可证过期" in text and "192.0.2.7" in text
