"""`/admin/policies`: announcing a version, after a look at what changes, seven days ahead."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import db, policies
from market.accounts import Role
from market.audit import AuditEvent
from market.policies import Subject
from tests.builders.accounts import PASSWORD, a_member, a_user, the_office
from tests.builders.policies import a_policy, both_policies, words
from tests.support.client import Client
from tests.support.pages import Page


@pytest.fixture
def office(client: Client) -> Client:
    """An administrator who may announce, on a marketplace with both policies."""
    with db.transaction():
        both_policies()
        user = a_member(the_office(), Role.SUPER, user=a_user())
    client.sign_in(user.email, PASSWORD)
    return client


def fill(office: Client, **changes: str) -> Page:
    return office.page("/admin/policies/rules/new").submit(button="看对照", **(words(2) | {"effective_on": "2026-12-01"} | changes))


def numbers() -> list[int]:
    with db.transaction(readonly=True):
        return [version.number for version in policies.versions(Subject.RULES)]


@pytest.mark.every_database
def test_a_version_is_looked_at_beside_the_old_one_and_then_announced(office: Client) -> None:
    preview = fill(office)
    assert preview.heading == "公布前核对：平台规则第 2 版" and numbers() == [1]
    removed, added = (" ".join("".join(each.itertext()) for each in preview.all(tag)) for tag in ("del", "ins"))
    assert "第 1 版的说明" in removed and "第 2 版的说明" in added and "About version 2" in added
    listed = preview.submit(button="公布第 2 版，2026年12月1日 起生效")
    assert "已公布平台规则第 2 版，2026年12月1日 起生效" in listed.text and "正在写" in listed.text
    assert numbers() == [2, 1]
    with db.transaction(readonly=True):
        entry = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "policy.announced").order_by(AuditEvent.id.desc())).first()
    assert entry is not None and entry.actor_kind == "user" and entry.after["number"] == 2
    assert "公布了规则或政策的新版本" in office.page("/admin/audit/").text


def test_going_back_from_the_preview_loses_nothing(office: Client) -> None:
    back = fill(office, text_zh='引号"和\n\n- <b>标记</b>').submit(button="返回修改")
    box = back.one("textarea", name="text_zh")
    assert (box.text or "").strip() == '引号"和\n\n- <b>标记</b>'
    assert back.one("input", name="effective_on").get("value") == "2026-12-01"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effective_on": "2026-11-26"}, "最早 2026-11-28 生效"),
        ({"effective_on": "2026-11-27"}, "最早 2026-11-28 生效"),
        ({"effective_on": "明天"}, "生效日期写成 2026-12-01 的样子"),
        ({"effective_on": ""}, "填写生效日期"),
        ({"effective_on": "9999-12-31"}, "一年以内"),
        ({"text_en": "  "}, "填写全文"),
        ({"text_zh": "长" * 60_001}, "全文最多 60,000 个字"),
        ({"changes_en": ""}, "用一两句英文写明改了什么"),
        (words(1), "和上一版一样"),
    ],
)
def test_what_must_be_changed_is_said_and_what_was_typed_stays(office: Client, changes: dict[str, str], said: str) -> None:
    page = fill(office, **changes)
    assert page.status == 422 and said in page.text
    assert (page.one("textarea", name="changes_zh").text or "").strip() == (words(2) | changes)["changes_zh"]
    assert numbers() == [1]


@pytest.mark.every_database
def test_the_second_of_two_who_write_at_once_sees_the_first_and_loses_nothing(office: Client) -> None:
    preview = fill(office, text_zh="我的写法")
    with db.transaction():
        a_policy()
    refused = preview.submit(button="公布第 2 版，2026年12月1日 起生效")
    assert refused.status == 409 and "另一位管理员公布了第 2 版" in refused.text
    assert (refused.one("textarea", name="text_zh").text or "").strip() == "我的写法"
    again = refused.submit(button="看对照").submit(button="公布第 3 版，2026年12月1日 起生效")
    assert again.status == 200 and numbers() == [3, 2, 1]


@pytest.mark.parametrize("after", ["", "x", "-1", "99999999999999999999"])
def test_a_forged_number_is_no_version(office: Client, after: str) -> None:
    assert fill(office, after=after).status in (409, 422)
    assert numbers() == [1]


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REVIEWER])
def test_others_of_the_office_read_only(client: Client, role: Role) -> None:
    with db.transaction():
        both_policies()
        user = a_member(the_office(), role, user=a_user())
    client.sign_in(user.email, PASSWORD)
    page = client.page("/admin/policies/")
    assert "第 1 版" in page.text and "公布新版本" not in page.text
    assert client.get("/admin/policies/rules/new").status_code == 403


def test_the_office_only_notes_a_change_it_has_made_itself(office: Client) -> None:
    with db.transaction():
        a_policy()
    page = office.page("/admin/policies/")
    assert "平台规则第 2 版将于" in page.text and "怎么离开" not in page.text and "同意第 2 版" not in page.text
    assert "将于" not in page.submit(button="知道了").text
