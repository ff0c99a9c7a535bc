"""`/admin/audit`: the trail."""

from __future__ import annotations

from datetime import UTC, datetime

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


def test_an_empty_trail_says_so(enter):
    assert "还没有操作记录" in enter().page("/admin/audit/").text


def test_a_row_is_a_sentence_with_its_reason(enter):
    done(reason="许可证过期")
    text = enter().page("/admin/audit/").text
    assert "甲 暂停了服务商：示例云" in text
    assert "“许可证过期”" in text


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


def test_the_list_is_paged_and_costs_the_same_for_one_and_for_many(enter, queries):
    for number in range(35):
        done(name=f"示例{number}")
    client = enter()
    with queries(at_most=5):
        page = client.page("/admin/audit/?about=provider")
    assert "about=provider" in page.link("下一页")
