"""`/admin/recommended`: two people, a reason, and the public sees it."""

from __future__ import annotations

from datetime import date

import pytest

from market import db, recommended
from market.accounts import Role
from market.recommended import EntryStatus
from tests.builders.catalog import an_offering, complete_facts
from tests.builders.recommended import an_edition, an_entry

TODAY = date(2026, 11, 20)


def offered(**facts):
    with db.transaction():
        an_edition(name_zh="示例第二期")
        offering = an_offering(facts=complete_facts(**facts) if facts else None)
        return offering.id, offering.slug


def entry_status(id):
    with db.transaction(readonly=True):
        return db.session.get_one(recommended.Entry, id).status


def test_without_an_edition_there_is_one_thing_to_do(enter):
    page = enter().page("/admin/recommended/")
    assert "没有进行中的一期" in page.text
    assert page.follow("新建一期").heading == "新建一期推荐目录"


@pytest.mark.every_database
def test_an_edition_is_made_and_shown(enter):
    page = enter().page("/admin/recommended/editions/new").submit(
        name_zh="2027 年第一期", name_en="First of 2027", slug="2027-1", starts_on="2026-11-01", ends_on="2027-05-31"
    )
    assert "2027 年第一期" in page.text
    assert "2027年5月31日" in page.text


@pytest.mark.parametrize(
    ("values", "words"),
    [({"ends_on": "2025-01-01"}, "结束日期不能早于开始日期"), ({"starts_on": "soon"}, "2026-12-01 的样子"), ({"name_zh": " "}, "填写中文名称")],
)
def test_an_edition_that_cannot_be_is_asked_again_with_what_was_typed(enter, values, words):
    typed = {"name_zh": "第一期", "name_en": "First of 2027", "slug": "2027-1", "starts_on": "2026-11-01", "ends_on": "2027-05-31"}
    page = enter().page("/admin/recommended/editions/new").submit(**(typed | values))
    assert page.status == 422
    assert words in page.text
    assert "First of 2027" in page.html


@pytest.mark.every_database
def test_one_nominates_and_another_one_lists(enter):
    _, slug = offered(name_zh="每日备份")
    anna, ben = enter(name="安"), enter(name="本")
    candidates = anna.page("/admin/recommended/candidates?q=每日")
    form = candidates.follow("提名 每日备份")
    done = form.submit("/nominate", reason_zh="小企业用得上，价格写得全。", reason_en="")
    assert "您提名的，由别人决定" in done.text
    entry = done.follow("每日备份")
    assert "提名和批准要由两个人来做" in entry.text
    assert "同意，列入推荐目录" not in entry.text
    listed = ben.page(entry.path).submit("/approve")
    assert "在目录中 1 项" in listed.text
    assert "小企业用得上" in ben.page(f"/offerings/{slug}").text


def test_who_nominated_cannot_approve_past_the_page(enter):
    id, _ = offered()
    anna = enter()
    anna.page(f"/admin/recommended/candidates/{id}/nominate").submit("/nominate", reason_zh="好")
    answer = anna.post("/admin/recommended/1/approve", data={"csrf_token": token(anna)})
    assert answer.status_code == 403
    assert entry_status(1) is EntryStatus.NOMINATED


def token(client):
    page = client.page("/admin/recommended/editions/new")
    return page.all("input", name="csrf_token")[0].get("value")


def test_a_nomination_needs_a_reason(enter):
    id, _ = offered()
    page = enter().page(f"/admin/recommended/candidates/{id}/nominate").submit("/nominate", reason_zh=" ", reason_en="kept")
    assert page.status == 422
    assert "写一句推荐理由" in page.text
    assert "kept" in page.html


@pytest.mark.parametrize(
    ("status", "verb", "after"),
    [(EntryStatus.NOMINATED, "decline", EntryStatus.DECLINED), (EntryStatus.LISTED, "withdraw", EntryStatus.WITHDRAWN)],
)
def test_declining_and_withdrawing_say_why(enter, status, verb, after):
    with db.transaction():
        id = an_entry(status=status).id
    client = enter()
    asked = client.page(f"/admin/recommended/{id}").submit(f"/{verb}", reason="")
    assert (asked.status, entry_status(id)) == (422, status)
    done = client.page(f"/admin/recommended/{id}").submit(f"/{verb}", reason="证书快到期")
    assert "证书快到期" in done.text
    assert entry_status(id) is after


def test_what_is_nominated_or_listed_is_no_candidate(enter):
    with db.transaction():
        entry = an_entry(an_offering(facts=complete_facts(name_zh="已在目录")))
        id = entry.offering_id
    client = enter()
    assert "已在目录" not in [text.strip() for text in client.page("/admin/recommended/candidates").one("main").itertext()]
    assert client.get(f"/admin/recommended/candidates/{id}/nominate").status_code == 404


def test_without_an_edition_nobody_can_be_nominated(enter):
    assert enter().get("/admin/recommended/candidates").status_code == 409


def test_the_pages_cost_the_same_for_one_and_for_many(enter, queries):
    with db.transaction():
        edition = an_edition()
        for status in (EntryStatus.LISTED, EntryStatus.NOMINATED, EntryStatus.DECLINED) * 3:
            an_entry(edition=edition, status=status)
        for _ in range(5):
            an_offering()
    client = enter()
    with queries(at_most=6):  # two of them: is there a change of the rules to tell of, and the number in the menu
        client.get("/admin/recommended/")
    with queries(at_most=5):  # two of them: is there a change of the rules to tell of, and the number in the menu
        client.get("/admin/recommended/candidates")


@pytest.mark.parametrize(("role", "status"), [(Role.AUDITOR, 200), (Role.REVIEWER, 403), (Role.FINANCE, 403)])
def test_who_reads_the_catalogues_desk(enter, role, status):
    assert enter(role).get("/admin/recommended/").status_code == status


def test_an_auditor_reads_and_does_not_decide(enter):
    with db.transaction():
        id = an_entry(status=EntryStatus.NOMINATED).id
    client = enter(Role.AUDITOR)
    assert "同意，列入推荐目录" not in client.page(f"/admin/recommended/{id}").text
    assert client.get("/admin/recommended/candidates").status_code == 403


def test_the_second_of_two_decisions_is_told_that_things_have_changed(enter):
    with db.transaction():
        id = an_entry(status=EntryStatus.NOMINATED).id
    one, two = enter(), enter()
    page = two.page(f"/admin/recommended/{id}")
    one.page(f"/admin/recommended/{id}").submit("/approve")
    late = page.submit("/approve")
    assert late.status == 409
    assert "页面显示之后情况变了" in late.text
