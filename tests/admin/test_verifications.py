"""`/admin/verifications`: who waits, the licence beside the facts, the decision."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from market import db
from market.accounts import CheckStatus, Organization, Role
from market.notifications import Email
from tests.builders.accounts import a_city, a_member, an_organization
from tests.builders.documents import PDF, a_picture, an_application

MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def waiting(name="示例五金", at=FRIDAY, data=b""):
    with db.transaction():
        a_city()
        firm = an_organization(name=name, city_code="440100")
        return an_application(firm, user=a_member(firm), at=at, data=data).id


def status():
    with db.transaction(readonly=True):
        return db.session.query(Organization).filter(Organization.name == "示例五金").one().check_status


def test_the_queue_begins_with_who_waits_longest_and_tells_who_waits_too_long(enter):
    waiting("示例新来", FRIDAY), waiting("示例久等", MONDAY)
    page = enter().page("/admin/verifications/")
    assert page.text.index("示例久等") < page.text.index("示例新来")
    assert page.text.count("超过期限") == 1
    overview = enter().page("/admin/")
    assert "企业核验" in overview.text and "示例久等" in overview.text


def test_the_licence_stands_beside_the_facts(enter):
    id = waiting()
    with db.transaction():
        an_organization(name="示例五金")
    client = enter()
    page = client.page("/admin/verifications/").follow("示例五金")
    assert "代码的两个校验位都对" in page.text and "有 1 家同名的企业" in page.text and "没有别的企业交过同一份文件" in page.text
    picture = f"/admin/verifications/{id}/document"
    assert page.all("img", src=picture) and client.get(picture).data == a_picture()


def test_a_pdf_is_linked_not_shown(enter):
    id = waiting(data=PDF)
    page = enter().page(f"/admin/verifications/{id}")
    assert not page.all("img", src=f"/admin/verifications/{id}/document") and "下载 PDF" in page.text


def test_a_firm_is_verified_until_the_licences_last_day(enter):
    waiting()
    client = enter()
    page = client.page("/admin/verifications/").follow("示例五金")
    done = page.submit(button="通过核验", licence_until="2027-03-31")
    assert "已核验“示例五金”" in done.text and "都核验完了" in done.text
    with db.transaction(readonly=True):
        firm = db.session.query(Organization).filter(Organization.name == "示例五金").one()
        assert (firm.check_status, firm.verified_until) == (CheckStatus.VERIFIED, date(2027, 3, 31))
    assert "通过" in client.page("/admin/verifications/?show=decided").text


@pytest.mark.every_database
def test_usual_and_own_reasons_are_sent_as_they_are(enter):
    id = waiting()
    page = enter().page(f"/admin/verifications/{id}")
    page.submit(button="退回", common=["unreadable", "name"], words="左上角被手挡住了。")
    assert status() is CheckStatus.REFUSED
    with db.transaction(readonly=True):
        letter = db.session.query(Email).filter(Email.key.startswith("verification_decided")).one()
    reason = "照片看不清，请在光线好的地方重新拍，四角要完整。\n企业名称和执照上的不一样，请先在企业资料里改成和执照一致。\n左上角被手挡住了。"
    assert reason in letter.body


@pytest.mark.parametrize(
    ("button", "fields", "said"),
    [("退回", {}, "写明原因"), ("退回", {"common": ["alchemy"], "words": "  "}, "写明原因"), ("退回", {"words": "长" * 1001}, "最多 1000 个字"),
     ("通过核验", {"licence_until": "2020-01-01"}, "已经过去"), ("通过核验", {"licence_until": "明天"}, "写成 2026-12-01 的样子")],
)  # fmt: skip
def test_what_cannot_be_decided_is_said_in_words(enter, button, fields, said):
    page = enter().page(f"/admin/verifications/{waiting()}").submit(button=button, **fields)
    assert page.status == 422 and said in page.text
    assert status() is CheckStatus.CHECKING


def test_whoever_decides_second_is_told(enter):
    id = waiting()
    first, second = (enter().page(f"/admin/verifications/{id}") for _ in range(2))
    first.submit(button="通过核验")
    late = second.submit(button="退回", words="看不清")
    assert late.status == 422 and "已经有结果" in late.text and "已经核验通过" in late.text
    assert status() is CheckStatus.VERIFIED


def test_auditors_look_and_curators_do_not(enter):
    id = waiting()
    auditor = enter(Role.AUDITOR)
    assert "退回，发送原因" not in auditor.page(f"/admin/verifications/{id}").text
    assert auditor.get(f"/admin/verifications/{id}/document").status_code == 200
    for role in (Role.CURATOR, Role.FINANCE):
        assert enter(role).get(f"/admin/verifications/{id}/document").status_code == 403


def test_the_list_costs_the_same_for_one_and_for_many(enter, queries):
    for number in range(5):
        waiting(f"示例{number}")
    client = enter()
    with queries(at_most=4):
        client.get("/admin/verifications/")
