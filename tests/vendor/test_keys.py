"""`/vendor/keys`: made once, shown once, stopped at once."""

from __future__ import annotations

import pytest

from market import accounts, db
from market.accounts import Organization, Role
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor
from tests.builders.catalog import a_provider
from tests.support.client import Client


@pytest.fixture
def organization(client: Client) -> Organization:
    """A provider whose developer has signed in."""
    with db.transaction():
        provider = a_provider()
        organization = db.session.get_one(Organization, provider.organization_id)
        user = a_member(organization, Role.DEVELOPER, user=a_user(email="developer@example.com"))
    client.sign_in(user.email, PASSWORD)
    return organization


def test_the_secret_is_shown_once_and_works(client: Client, organization: Organization) -> None:
    page = client.page("/vendor/keys/new").submit(name="计量程序", source="/firm/meter", scopes=["events:write"])
    secret = next(code.text for code in page.all("code") if (code.text or "").startswith("mk_"))
    with db.transaction(readonly=True):
        key = accounts.key_of_secret(secret or "")
        assert key is not None and (key.source, key.scopes) == ("/firm/meter", ["events:write"])
    assert (secret or "") not in client.page("/vendor/keys/").html


@pytest.mark.parametrize(
    ("change", "field"), [({"name": " "}, "name"), ({"source": "两 个"}, "source"), ({"scopes": []}, "scopes"), ({"scopes": ["all"]}, "scopes")]
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
    assert "已停用" in page.text
    with db.transaction(readonly=True):
        assert accounts.keys_of(organization)[0].revoked_at is not None


def test_a_strangers_key_does_not_exist(client: Client, organization: Organization) -> None:
    with db.transaction():
        other = db.session.get_one(Organization, a_provider().organization_id)
        key, _secret = accounts.issue_key(
            other, name="x", source="/x", scopes=[], by=an_actor(), at=other.created_at
        )
    client.page(f"/vendor/keys/{key.id}/revoke", status=404)
