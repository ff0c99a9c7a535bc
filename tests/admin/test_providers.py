"""`/admin/providers`: who sells and under which papers."""

from __future__ import annotations

from datetime import date

import pytest

from market import db, providers
from market.accounts import Role
from market.providers import ProviderStatus
from tests.builders.catalog import a_licence, a_provider, an_offering


def made(status=ProviderStatus.APPROVED, **columns):
    with db.transaction():
        provider = a_provider(status=status, **columns)
        a_licence(provider, valid_until=date(2026, 10, 1))
        return provider.id


def status_of(id):
    with db.transaction(readonly=True):
        return db.session.get_one(providers.Provider, id).status


def test_an_expired_licence_stands_out_in_the_list(enter):
    made(name="示例云")
    page = enter().page("/admin/providers/")
    assert "2026年10月1日 已到期" in page.text
    assert page.follow("示例云").heading == "示例云"


@pytest.mark.every_database
def test_no_provider_of_a_kind_is_told_from_none_at_all(enter):
    client = enter()
    assert "还没有服务商" in client.page("/admin/providers/").text
    made()
    assert "没有这种状态的服务商" in client.page("/admin/providers/?status=suspended").text


@pytest.mark.every_database
def test_the_list_costs_the_same_for_one_and_for_many(enter, queries):
    for _ in range(5):
        made()
    client = enter()
    with queries(at_most=8):
        client.get("/admin/providers/")


def test_an_applicant_is_taken_in(enter):
    id = made(ProviderStatus.APPLIED)
    page = enter().page(f"/admin/providers/{id}").submit("/approve")
    assert "现在可以销售服务" in page.text
    assert status_of(id) is ProviderStatus.APPROVED


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [(ProviderStatus.APPLIED, "refuse", ProviderStatus.REFUSED), (ProviderStatus.APPROVED, "suspend", ProviderStatus.SUSPENDED)],
)
def test_a_no_needs_a_reason(enter, before, verb, after):
    id = made(before)
    client = enter()
    asked = client.page(f"/admin/providers/{id}").submit(f"/{verb}", reason="")
    assert (asked.status, status_of(id)) == (422, before)
    done = client.page(f"/admin/providers/{id}").submit(f"/{verb}", reason="许可证过期")
    assert "许可证过期" in done.text
    assert status_of(id) is after


def test_a_suspended_providers_offering_cannot_be_bought_until_it_is_back(enter):
    with db.transaction():
        offering = an_offering(slug="daily")
        id = offering.provider_id
    client = enter()
    client.page(f"/admin/providers/{id}").submit("/suspend", reason="许可证过期")
    assert "daily" not in client.get("/offerings/").get_data(as_text=True)
    client.page(f"/admin/providers/{id}").submit("/approve")
    assert status_of(id) is ProviderStatus.APPROVED


def test_an_auditor_reads_and_does_not_decide(enter):
    id = made()
    assert "暂停销售" not in enter(Role.AUDITOR).page(f"/admin/providers/{id}").text


def test_overdue_looks_stand_out_and_are_done(enter):
    id = made(name="示例云", recheck_due_on=date(2026, 11, 1))
    with db.transaction():
        a_provider(name="示例另一家", recheck_due_on=date(2027, 5, 1))
    client = enter()
    assert "复核已过期限" in client.page("/admin/").text
    page = client.page("/admin/providers/?show=recheck")
    assert page.text.index("示例云") < page.text.index("示例另一家") and "1 家已过期限" in page.text
    shown = page.follow("示例云")
    until = next(box.get("name") for box in shown.all("input") if (box.get("name") or "").startswith("until-"))
    late = shown.submit(button="已重新核对", note="对照了原件", **{until: "2026-10-01"})
    assert late.status == 422 and "已经过期" in late.text
    wrong = shown.submit(button="已重新核对", note="", **{until: "明年"})
    assert wrong.status == 422 and "写成 2026-12-01 的样子" in wrong.text and "写一两句" in wrong.text
    done = shown.submit(button="已重新核对", note="对照了原件", **{until: "2028-10-01"})
    assert "下次最晚 2027年5月20日" in done.text and "对照了原件" in done.text
    with db.transaction(readonly=True):
        assert db.session.get_one(providers.Provider, id).recheck_due_on == date(2027, 5, 20)
