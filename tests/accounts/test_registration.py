"""Registering: a person, her firm with its size, her place in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from market import accounts, audit, db
from market.accounts import Applicant, EmailTaken, Profile, Role, SizeClass
from market.errors import Invalid
from tests.builders.accounts import EARLY, a_city, a_user

WAN = 1_000_000
OWNER = Applicant(name="示例店主", email="Owner@Shop.Example", password="correct horse battery")
FIRM = Profile(name=" 示例  茶叶商行 ", uscc="91350100 m000100y43", city_code="440100")


@pytest.fixture
def guangzhou(session: Session) -> None:
    a_city()


def register(applicant: Applicant = OWNER, firm: Profile = FIRM, **address: str) -> accounts.Membership:
    pending = accounts.apply(applicant, firm, "a hash", browser="a word", at=EARLY)
    db.session.flush()
    membership = accounts.finish(pending, at=EARLY, **address)
    assert membership is not None
    return membership


def refused(applicant: Applicant = OWNER, firm: Profile = FIRM) -> dict[str, Any]:
    with pytest.raises(Invalid) as refusal:
        register(applicant, firm)
    return refusal.value.fields


def test_registering_makes_a_person_her_firm_and_her_place_in_it(guangzhou: None) -> None:
    membership = register(replace(OWNER, phone="１３８ 0000 0000"))
    assert membership.role is Role.OWNER
    assert (membership.user.email, membership.user.phone) == ("owner@shop.example", "138 0000 0000")
    assert (membership.organization.name, membership.organization.uscc) == ("示例 茶叶商行", "91350100M000100Y43")


def test_the_size_is_known_at_once_or_later(guangzhou: None) -> None:
    firm = register(firm=replace(FIRM, industry="software", staff=120, revenue_fen=900 * WAN)).organization
    assert (firm.size, firm.size_rules) == (SizeClass.SMALL, "2011-300")
    later = Profile(name="示例", uscc="91440300708461136T", city_code="440100", industry="software", staff=120)
    unknown = register(replace(OWNER, email="b@shop.example"), later).organization
    assert (unknown.size, unknown.size_rules) == (None, None)


def test_registering_leaves_a_trace(guangzhou: None) -> None:
    membership = register(address="192.0.2.1")
    event = audit.history(membership.organization)[0]
    assert (event.action, event.actor_id, event.address) == ("organization.registered", membership.user_id, "192.0.2.1")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uscc": "91350100M000100Y44"}, "code"),
        ({"uscc": None}, "code"),
        ({"name": " \u3000 "}, "organization_name"),
        ({"name": "示例<b>商行"}, "organization_name"),
        ({"name": "长" * 121}, "organization_name"),
        ({"city_code": "999999"}, "city_code"),
        ({"city_code": None}, "city_code"),
        ({"sector_slug": "no-such-sector"}, "sector_slug"),
        ({"industry": "alchemy"}, "industry"),
        ({"staff": 10_000_001}, "staff"),
        ({"revenue_fen": 10**15}, "revenue_fen"),
        ({"assets_fen": -1}, "assets_fen"),
    ],
)
def test_each_wrong_fact_of_the_firm_is_named_at_its_box(guangzhou: None, change: dict[str, Any], field: str) -> None:
    assert list(refused(firm=replace(FIRM, **change))) == [field]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": "  "}, "name"), ({"password": "short"}, "password"), ({"phone": "打给我"}, "phone"), ({"phone": "1" * 40}, "phone"),
     ({"phone": "<script>"}, "phone")],
)  # fmt: skip
def test_each_wrong_fact_of_the_person_too(guangzhou: None, change: dict[str, Any], field: str) -> None:
    assert list(refused(replace(OWNER, **change))) == [field]


def test_nothing_that_is_refused_depends_on_who_is_registered(guangzhou: None) -> None:
    register()
    accounts.check_registration(OWNER, FIRM, at=EARLY)


def test_an_address_registers_once(guangzhou: None) -> None:
    a_user(email="owner@shop.example")
    with pytest.raises(EmailTaken):
        register()
