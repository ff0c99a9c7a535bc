"""The permission table."""

import pytest

from market.accounts import GRANTS, OrganizationKind, Role, may, roles_of


@pytest.mark.parametrize("kind", list(OrganizationKind))
def test_every_side_has_somebody_who_may_do_everything_its_members_may(kind: OrganizationKind) -> None:
    top = {OrganizationKind.PLATFORM: Role.SUPER}.get(kind, Role.OWNER)
    everything = frozenset().union(*GRANTS[kind].values())
    assert GRANTS[kind][top] == everything


def test_a_technician_sees_access_details_and_no_money() -> None:
    assert may(OrganizationKind.BUYER, Role.TECHNICIAN, "access.read")
    assert not may(OrganizationKind.BUYER, Role.TECHNICIAN, "bills.read")


def test_an_auditor_reads_everywhere_and_changes_nothing() -> None:
    granted = GRANTS[OrganizationKind.PLATFORM][Role.AUDITOR]
    assert all(permission.endswith(".read") for permission in granted)


def test_a_role_of_another_side_may_do_nothing() -> None:
    assert not may(OrganizationKind.BUYER, Role.SUPER, "bills.read")
    assert Role.SUPER not in roles_of(OrganizationKind.BUYER)
