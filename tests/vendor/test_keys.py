"""`/vendor/keys`: made once, shown once, stopped at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from market import accounts, db
from market.accounts import Organization, Role
from market.notifications import Email
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor
from tests.builders.catalog import a_provider
from tests.conftest import PRESENT
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.pages import Page


@pytest.fixture
def organization(client: Client) -> Organization:
    """A provider whose developer has signed in."""
    with db.transaction():
        provider = a_provider()
        organization = db.session.get_one(Organization, provider.organization_id)
        user = a_member(organization, Role.DEVELOPER, user=a_user(email="developer@example.com"))
    client.sign_in(user.email, PASSWORD)
    return organization


@pytest.mark.every_database
def test_the_secret_is_shown_once_and_works(client: Client, organization: Organization) -> None:
    page = client.page("/vendor/keys/new").submit(name="计量程序", source="/firm/meter", scopes=["events:write"])
    secret = the_secret(page)
    with db.transaction(readonly=True):
        key = accounts.key_of_secret(secret, at=PRESENT)
        assert key is not None and (key.source, key.scopes, key.test) == ("/firm/meter", ["events:write"], False)
        letters = db.session.scalars(select(Email)).all()
    assert page.response.headers["Cache-Control"] == "no-store"
    assert all(secret not in cookie for cookie in page.response.headers.getlist("Set-Cookie"))
    assert letters and not any(secret in letter.body for letter in letters)
    listed = client.page("/vendor/keys/").html
    assert secret not in listed and secret[:11] in listed


@pytest.mark.every_database
def test_sending_the_form_twice_makes_one_key_and_says_what_to_do(client: Client, organization: Organization) -> None:
    page = client.page("/vendor/keys/new")
    first, second = (page.submit(name="计量程序", source="/a", scopes=["events:write"]) for _ in range(2))
    assert (first.status, second.status) == (200, 409)
    assert "只在那一页完整显示过一次" in second.text
    with db.transaction(readonly=True):
        assert len(accounts.keys_of(organization)) == 1


@pytest.mark.parametrize(
    ("life", "day", "end"),
    [
        ("never", "", None),
        ("90", "", PRESENT + timedelta(days=90)),
        ("365", "2026-11-01", PRESENT + timedelta(days=365)),
        ("date", "2026-12-31", datetime(2026, 12, 31, 16, 0, tzinfo=UTC)),
    ],
)
def test_a_key_lives_as_long_as_chosen(client: Client, organization: Organization, life: str, day: str, end: datetime | None) -> None:
    client.page("/vendor/keys/new").submit(name="x", source="/a", scopes=["events:write"], life=life, expires_on=day)
    with db.transaction(readonly=True):
        assert [key.expires_at for key in accounts.keys_of(organization)] == [end]


def test_a_test_key_is_marked_everywhere(client: Client, organization: Organization) -> None:
    page = client.page("/vendor/keys/new").submit(name="x", source="/a", scopes=["events:write"], mode="test")
    assert the_secret(page).startswith("mk_test_")
    assert "只判定、不保存" in page.text
    assert "测试" in client.page("/vendor/keys/").text


def test_a_key_is_replaced_and_both_work_until_the_old_one_ends(client: Client, organization: Organization) -> None:
    old = the_secret(client.page("/vendor/keys/new").submit(name="x", source="/a", scopes=["events:write"]))
    form = client.page("/vendor/keys/").follow("更换")
    page = form.submit("/rotate", overlap="168")
    new = the_secret(page)
    assert f"旧密钥 {old[:11]}… 还能用到 2026年11月27日 10:00" in page.text
    with db.transaction(readonly=True):
        for secret, at, works in [(old, PRESENT, True), (new, PRESENT, True), (old, PRESENT + timedelta(days=7), False)]:
            assert (accounts.key_of_secret(secret, at=at) is not None) is works
    again = form.submit("/rotate", overlap="24")
    assert (again.status, "已经换过了" in again.text) == (409, True)
    listed = client.page("/vendor/keys/").text
    for words in ("更换中，还能用", f"接替 {old[:11]}…", f"已换成 {new[:11]}…"):
        assert words in listed


def test_an_expired_key_is_shown_as_such_and_cannot_be_replaced(client: Client, organization: Organization, clock: FakeClock) -> None:
    client.page("/vendor/keys/new").submit(name="x", source="/a", scopes=["events:write"], life="date", expires_on="2026-11-25")
    assert "快到期" in client.page("/vendor/keys/").text
    form = client.page("/vendor/keys/").follow("更换")
    clock.set(datetime(2026, 11, 25, 16, 0, tzinfo=UTC))
    client.sign_in("developer@example.com", PASSWORD)
    assert "已过期" in client.page("/vendor/keys/").text
    assert client.page(form.path).submit("/rotate", overlap="24").status == 409


def the_secret(page: Page) -> str:
    return next(code.text for code in page.all("code") if (code.text or "").startswith("mk_") and len(code.text or "") > 20) or ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"name": "长" * 10_000}, "name"), ({"source": "两 个"}, "source"), ({"source": "/" * 10_000}, "source"),
        ({"scopes": []}, "scopes"), ({"scopes": ["all"]}, "scopes"), ({"mode": "none"}, "mode"), ({"life": "forever"}, "life"),
        ({"life": "date"}, "expires_on"), ({"life": "date", "expires_on": "2026-11-19"}, "expires_on"),
        ({"life": "date", "expires_on": "9999-12-31"}, "expires_on"), ({"life": "date", "expires_on": "明年"}, "expires_on"),
    ],
)
def test_a_wrong_form_says_what_to_change(client: Client, organization: Organization, change: dict[str, object], field: str) -> None:
    page = client.page("/vendor/keys/new").submit(**({"name": "x", "source": "/a", "scopes": ["events:write"]} | change))
    assert page.status == 422
    assert page.all("a", href=f"#{field}") or page.all("p", class_="err")
    with db.transaction(readonly=True):
        assert not accounts.keys_of(organization)


def test_a_revoked_key_stays_in_the_list_and_no_longer_works(client: Client, organization: Organization) -> None:
    client.page("/vendor/keys/new").submit(name="旧程序", source="/a", scopes=["events:write"])
    page = client.page("/vendor/keys/").follow("停用").submit("/revoke")
    assert "已经停用" in page.text
    with db.transaction(readonly=True):
        assert accounts.keys_of(organization)[0].revoked_at is not None


def test_a_strangers_key_does_not_exist(client: Client, organization: Organization) -> None:
    with db.transaction():
        other = db.session.get_one(Organization, a_provider().organization_id)
        key, _secret = accounts.issue_key(
            other, name="x", source="/x", scopes=[], by=an_actor(), at=other.created_at
        )
    client.page(f"/vendor/keys/{key.id}/revoke", status=404)
