"""`/console/keys`: a firm's own programs read what it used, and nothing else."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from market import accounts, db
from market.accounts import Organization, OrganizationKind, Role
from market.errors import Invalid
from market.notifications import Email
from tests.builders.accounts import PASSWORD, a_member, a_user, an_actor, an_organization
from tests.conftest import PRESENT
from tests.support.client import Client


@pytest.fixture
def firm(client: Client) -> Organization:
    """A firm whose technician has signed in."""
    with db.transaction():
        firm = an_organization()
        user = a_member(firm, Role.TECHNICIAN, user=a_user(email="it@example.com"))
    client.sign_in(user.email, PASSWORD)
    return firm


def test_a_firms_key_reads_its_usage_and_nothing_else(client: Client, firm: Organization) -> None:
    page = client.page("/console/keys/new").submit(name="记账软件")
    secret = next(code.text for code in page.all("code") if (code.text or "").startswith("mk_")) or ""
    assert "source" not in page.text
    with db.transaction(readonly=True):
        key = accounts.key_of_secret(secret, at=PRESENT)
        assert key is not None and (key.scopes, key.source, key.test) == (["usage:read"], "", False)
        letters = [letter.body for letter in db.session.scalars(select(Email))]
    assert len(letters) == 1 and f"/console/keys/{key.id}/revoke" in letters[0]
    listed = client.page("/console/keys/")
    assert "读取计量项和用量" in listed.text and secret not in listed.html
    assert "读不到用量" in listed.follow("停用密钥").text


def test_the_menu_leads_there_only_whom_it_may(client: Client, firm: Organization) -> None:
    assert client.page("/console/").all("a", href="/console/keys/")
    with db.transaction():
        finance = a_member(firm, Role.FINANCE, user=a_user(email="finance@example.com"))
    client.sign_in(finance.email, PASSWORD)
    assert not client.page("/console/").all("a", href="/console/keys/")


@pytest.mark.parametrize("scope", [scope for scope in accounts.SCOPES if scope != "usage:read"])
def test_no_other_scope_is_given_to_a_firm(session: object, scope: str) -> None:
    firm = an_organization(kind=OrganizationKind.BUYER)
    with pytest.raises(Invalid):
        accounts.issue_key(firm, name="x", source="", scopes=[scope], by=an_actor(), at=PRESENT)
