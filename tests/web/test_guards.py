"""Who may enter which side, and with which role."""

from __future__ import annotations

import pytest

from market import credentials, db
from market.accounts import Organization, OrganizationKind, Role, User
from tests.builders.accounts import a_member, an_administrator, an_organization
from tests.builders.catalog import a_provider
from tests.conftest import PRESENT
from tests.support.client import Client


def arrive(visitor: Client, user: User) -> Client:
    visitor.post(f"/become/{user.id}")
    return visitor


@pytest.mark.parametrize("face", ["console", "vendor", "admin"])
def test_a_stranger_is_sent_to_sign_in_and_back_afterwards(visitor: Client, face: str) -> None:
    answer = visitor.get(f"/{face}/?page=2")
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next=/{face}/?page%3D2")


def test_a_part_of_a_page_sends_the_whole_window_to_sign_in(visitor: Client) -> None:
    answer = visitor.get("/console/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/sign-in?next=")


def test_a_member_of_a_buying_firm_enters_the_console(
    visitor: Client, owner: User, firm: Organization
) -> None:
    page = arrive(visitor, owner).page("/console/")
    assert firm.name in page.text


@pytest.mark.parametrize("face", ["vendor", "admin"])
def test_the_wrong_side_is_a_friendly_page_that_points_to_the_right_one(
    visitor: Client, owner: User, face: str
) -> None:
    page = arrive(visitor, owner).page(f"/{face}/", status=403)
    assert page.link("企业控制台") == "/console/"


def test_a_provider_and_an_administrator_enter_their_sides(visitor: Client) -> None:
    with db.transaction():
        seller = a_member(a_provider(name="示例云").organization)
        administrator = an_administrator()
    assert "示例云" in arrive(visitor, seller).page("/vendor/").text
    visitor.page("/console/", status=403)
    assert arrive(visitor, administrator).page("/admin/").status == 200


@pytest.mark.parametrize(("role", "status"), [(Role.OWNER, 200), (Role.FINANCE, 200), (Role.VIEWER, 403)])
def test_a_role_without_the_permission_is_refused(
    visitor: Client, firm: Organization, role: Role, status: int
) -> None:
    with db.transaction() as session:
        user = a_member(session.merge(firm), role)
    arrive(visitor, user).page("/console/pay", status=status)


def test_a_session_that_was_ended_elsewhere_is_over(visitor: Client, owner: User) -> None:
    arrive(visitor, owner).page("/console/")
    with db.transaction() as session:
        credentials.end_sessions(session.merge(owner), at=PRESENT)
    assert visitor.get("/console/").status_code == 303


def test_a_person_of_two_firms_chooses_for_which_she_acts(visitor: Client, owner: User) -> None:
    with db.transaction() as session:
        second = an_organization(name="示例二号有限公司")
        a_member(second, user=session.merge(owner))
    page = arrive(visitor, owner).page("/console/").submit(button=second.name)
    assert page.path == "/console/"
    assert second.name in page.one("div", class_="sub").findtext(".//b", "")


def test_nobody_acts_for_a_firm_she_does_not_belong_to(visitor: Client, owner: User) -> None:
    with db.transaction() as session:
        a_member(an_organization(), user=session.merge(owner))
        other = an_organization(kind=OrganizationKind.BUYER)
    page = arrive(visitor, owner).page("/console/")
    token = page.form("/act-for").find(".//input[@name='csrf_token']")
    assert token is not None
    answer = visitor.post("/act-for", data={"csrf_token": token.get("value"), "organization": other.id})
    assert answer.status_code == 404
