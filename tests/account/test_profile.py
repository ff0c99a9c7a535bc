"""What one tells about oneself, and proving once more who one is."""

from __future__ import annotations

import pytest

from market import accounts, db
from market.accounts import User
from tests.builders.accounts import PASSWORD, a_member, a_user, an_organization
from tests.support.client import Client
from tests.support.clock import FakeClock


@pytest.fixture
def owner(database: None) -> User:
    with db.transaction():
        return a_member(an_organization(name="示例五金有限公司"), user=a_user(email="owner@shop.example"))


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.sign_in(owner.email, PASSWORD)
    return client


@pytest.mark.every_database
def test_name_telephone_and_language_are_kept(signed_in: Client, owner: User) -> None:
    page = signed_in.page("/account/").submit(name=" 示例新名字 ", phone="１３８ 0000 0000", locale="en")
    assert page.path == "/account/profile" and "资料已保存" in page.text and "示例五金有限公司" in page.text
    with db.transaction(readonly=True):
        user = accounts.user_by_id(owner.id)
        assert user is not None and (user.name, user.phone, user.locale) == ("示例新名字", "138 0000 0000", "en")


@pytest.mark.every_database
def test_what_cannot_be_is_said(signed_in: Client) -> None:
    page = signed_in.page("/account/profile")
    for field, value in (("name", ""), ("name", "长" * 10_000), ("name", "\u202e"), ("phone", "call me"), ("locale", "xx")):
        assert page.submit(**{field: value}).status == 422, f"{field}: {value[:20]}"
    assert "<script>alert" not in page.submit(name="<script>alert(1)</script>").response.get_data(as_text=True)


@pytest.mark.every_database
def test_what_is_dangerous_asks_for_the_password_after_a_while_and_goes_on(signed_in: Client, clock: FakeClock) -> None:
    assert signed_in.page("/account/email/change").path == "/account/email/change"
    clock.forward(minutes=15)
    page = signed_in.page("/account/email/change")
    assert page.path == "/account/confirm"
    assert "密码不对" in (wrong := page.submit(password="wrong wrong wrong")).text and wrong.status == 422
    assert wrong.submit(password=PASSWORD).path == "/account/email/change"
    clock.forward(minutes=14)
    assert signed_in.page("/account/email/change").path == "/account/email/change"


def test_what_is_dangerous_is_not_done_by_a_stale_form(signed_in: Client, clock: FakeClock) -> None:
    page = signed_in.page("/account/email/change")
    clock.forward(minutes=16)
    assert page.submit(email="new@shop.example").path == "/account/confirm"


def test_proving_leads_nowhere_else(signed_in: Client) -> None:
    page = signed_in.page("/account/confirm?next=https://elsewhere.example/")
    assert page.submit(password=PASSWORD).path == "/account/profile"
