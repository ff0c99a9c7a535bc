"""The permission table."""

from __future__ import annotations

import re

import pytest

from market.accounts import OrganizationKind, Role, grantable, may, permissions_of, roles_of, top_of
from market.config import ROOT

BUYER, PROVIDER, PLATFORM = OrganizationKind


def held(kind: OrganizationKind, role: Role) -> set[str]:
    return {permission.name for permission in permissions_of(kind) if may(kind, role, permission.name)}


@pytest.mark.parametrize("kind", list(OrganizationKind))
def test_every_side_has_somebody_who_may_do_everything_its_members_may(kind: OrganizationKind) -> None:
    assert held(kind, top_of(kind)) == {permission.name for permission in permissions_of(kind)}
    assert grantable(kind, top_of(kind)) == roles_of(kind)


def test_a_technician_sees_access_details_and_no_money() -> None:
    assert may(BUYER, Role.TECHNICIAN, "access.read")
    assert not held(BUYER, Role.TECHNICIAN) & {"money.read", "bills.read", "bills.pay", "subscriptions.order"}


def test_finance_has_bills_only() -> None:
    assert held(BUYER, Role.FINANCE) >= {"bills.read", "bills.pay"}
    assert not {name for name in held(BUYER, Role.FINANCE) if name.startswith(("subscriptions", "usage", "access"))}


def test_a_viewer_changes_nothing() -> None:
    assert all(name.endswith(".read") for name in held(BUYER, Role.VIEWER))


def test_an_auditor_reads_everywhere_and_changes_nothing() -> None:
    reading = {permission.name for permission in permissions_of(PLATFORM) if permission.name.endswith(".read")}
    assert held(PLATFORM, Role.AUDITOR) == reading


@pytest.mark.parametrize("kind", list(OrganizationKind))
def test_only_those_who_may_do_everything_change_who_may_what(kind: OrganizationKind) -> None:
    assert [role for role in roles_of(kind) if may(kind, role, "members.edit")] == [top_of(kind)]


def test_nobody_could_grant_a_role_that_may_do_more_than_her_own() -> None:
    assert Role.OWNER not in grantable(BUYER, Role.PURCHASER)
    assert grantable(BUYER, Role.VIEWER) == (Role.VIEWER,)


def test_a_role_of_another_side_may_do_nothing() -> None:
    assert not may(BUYER, Role.SUPER, "bills.read")
    assert Role.SUPER not in roles_of(BUYER)


def test_what_the_table_does_not_say_is_not_allowed() -> None:
    assert not may(BUYER, Role.OWNER, "offerings.edit")


def test_every_permission_is_asked_for_somewhere() -> None:
    asked: set[str] = set()
    for folder, ending in (("market", "*.py"), ("templates", "*.html")):
        for path in (ROOT / folder).rglob(ending):
            if path.name != "permissions.py":
                asked |= set(re.findall(r"""["']([a-z]+\.[a-z]+)["']""", path.read_text()))
    unused = {permission.name for kind in OrganizationKind for permission in permissions_of(kind)} - asked
    assert not unused, f"nobody asks for {sorted(unused)}"
