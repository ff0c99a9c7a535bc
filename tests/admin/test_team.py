"""The administrators: the last super stays, and whoever has no second step is marked."""

from __future__ import annotations

from market import accounts, db
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, a_user, an_administrator, the_office
from tests.support.client import Client


def test_a_super_invites_removes_and_stays(client: Client) -> None:
    with db.transaction():
        boss, auditor = an_administrator(), a_member(the_office(), Role.AUDITOR, user=a_user(name="示例审计"))
        place = next(each.id for each in accounts.members_of(the_office()) if each.user_id == auditor.id)
    client.sign_in(boss.email, PASSWORD)
    page = client.page("/admin/team/")
    assert "管理员与权限" in page.heading and "没有开启，不能进后台" in page.text and "已开启" in page.text
    page = client.page("/admin/team/invite?role=reviewer").submit(button="发送邀请", email="new@example.com")
    assert "已邀请 new@example.com" in page.text
    assert "已移除 示例审计" in client.page(f"/admin/team/{place}/remove").submit(button="移除").text
    page = client.page("/admin/team/leave")
    assert "至少要有一位超级管理员" in page.text and "确认退出" not in page.text


def test_an_auditor_sees_the_team_and_changes_nothing(client: Client) -> None:
    with db.transaction():
        auditor = an_administrator(Role.AUDITOR)
    client.sign_in(auditor.email, PASSWORD)
    assert "移除" not in client.page("/admin/team/").text
    assert client.page("/admin/team/roles").status == 200
    client.page("/admin/team/invite", status=403)
