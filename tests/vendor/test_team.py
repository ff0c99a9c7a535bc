"""The provider's people."""

from __future__ import annotations

from market import db
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member
from tests.builders.catalog import a_provider
from tests.support.client import Client


def test_an_owner_invites_a_developer(client: Client) -> None:
    with db.transaction():
        owner = a_member(a_provider(name="示例云").organization)
    client.sign_in(owner.email, PASSWORD)
    page = client.page("/vendor/team/").follow("邀请 开发").submit(button="发送邀请", email="dev@example.com")
    assert page.path == "/vendor/team/" and "dev@example.com" in page.text


def test_a_developer_sees_colleagues_only(client: Client) -> None:
    with db.transaction():
        provider = a_provider(name="示例云").organization
        a_member(provider)
        developer = a_member(provider, Role.DEVELOPER)
    client.sign_in(developer.email, PASSWORD)
    assert "邀请" not in client.page("/vendor/team/").text
    client.page("/vendor/team/invite", status=403)
