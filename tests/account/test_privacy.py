"""What is known of a person: taken away by her, forgotten when she says so."""

from __future__ import annotations

from market import accounts, db, privacy
from market.accounts import Role
from tests.builders.accounts import PASSWORD, a_member, an_organization
from tests.conftest import PRESENT
from tests.support.client import Client


def somebody(client: Client, *, alone: bool = False) -> str:
    with db.transaction():
        firm = an_organization(name="示例五金")
        email = a_member(firm).email
        if not alone:
            a_member(firm, Role.VIEWER)
    client.sign_in(email, PASSWORD)
    return email


def test_her_own_archive_is_made_and_listed(client: Client) -> None:
    somebody(client)
    client.page("/account/privacy").submit(button="生成一份归档")
    assert privacy.build_due(PRESENT) == 1
    page = client.page("/account/privacy")
    assert "可以下载" in page.text
    token = page.all("input", name="csrf_token")[0].get("value")
    (address,) = [str(form.get("action")) for form in page.all("form") if str(form.get("action")).endswith("/file")]
    assert client.post(address, data={"csrf_token": token}).data.startswith(b"PK")


def test_whoever_types_another_address_is_not_erased(client: Client) -> None:
    email = somebody(client, alone=True)
    for typed in ("", "somebody.else@example.com", "<script>", "x" * 10_000):
        page = client.page("/account/privacy/erase").submit(button="注销账号，删除我的资料", email=typed)
        assert page.status == 422
    assert accounts.user_by_email(email)


def test_she_is_erased_and_signed_out(client: Client) -> None:
    email = somebody(client, alone=True)
    page = client.page("/account/privacy/erase").submit(button="注销账号，删除我的资料", email=f" {email.upper()} ")
    assert "您的账号已注销" in page.text
    assert client.get("/account/privacy").status_code == 303
    with db.transaction(readonly=True):
        assert accounts.user_by_email(email) is None


def test_what_stands_in_the_way_is_said_before_anything_is_typed(client: Client) -> None:
    somebody(client)
    page = client.page("/account/privacy/erase")
    assert "唯一的所有者" in page.text and not page.all("input", name="email")
    assert page.follow("去成员列表").heading == "成员与权限"
