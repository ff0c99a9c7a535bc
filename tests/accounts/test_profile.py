"""Changing what a firm says about itself, alone and together with somebody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from market import accounts, audit, db
from market.accounts import ChangedMeanwhile, CheckStatus, Organization, OrganizationKind, SizeClass
from market.errors import Invalid
from tests.builders.accounts import EARLY, a_city, a_code, a_member, a_user, an_actor, an_organization
from tests.builders.documents import an_application
from tests.support.together import together

WAN = 1_000_000


@pytest.fixture
def firm(session: Session) -> Organization:
    a_city()
    return an_organization(city_code="440100")


def edit(firm: Organization, *, version: int = 1, **changes: Any) -> list[str]:
    wanted = replace(accounts.profile_of(firm), **changes)
    return accounts.edit_profile(firm, wanted, version=version, by=an_actor(None, firm), at=EARLY)


def test_what_changes_is_recorded_and_the_size_follows(firm: Organization) -> None:
    assert edit(firm, industry="software", staff=120, revenue_fen=900 * WAN) == ["industry", "staff", "revenue_fen"]
    assert (firm.size, firm.size_rules, firm.version) == (SizeClass.SMALL, "2011-300", 2)
    event = audit.history(firm)[0]
    assert (event.before["staff"], event.after["staff"]) == (None, 120)
    edit(firm, version=2, revenue_fen=None)
    assert (firm.size, firm.size_rules) == (None, None)


def test_saving_what_is_there_already_changes_nothing(firm: Organization) -> None:
    assert edit(firm, version=99) == []
    assert (firm.version, list(audit.history(firm))) == (1, [])


def test_whoever_saves_second_is_told(firm: Organization) -> None:
    edit(firm, phone="0757-88880000")
    with pytest.raises(ChangedMeanwhile):
        edit(firm, staff=5)
    assert firm.staff is None
    assert edit(firm, version=2, staff=5) == ["staff"]


def test_of_two_who_save_at_once_one_is_told(database: None) -> None:
    with db.transaction():
        a_city()
        id = an_organization(city_code="440100").id

    def save(**changes: Any) -> list[str]:
        return edit(db.session.get_one(Organization, id), **changes)

    answers = together(lambda: save(staff=5), lambda: save(staff=7))
    assert sorted(type(answer).__name__ for answer in answers) == ["ChangedMeanwhile", "list"]
    with db.transaction(readonly=True):
        stored = db.session.get_one(Organization, id)
        assert (stored.version, stored.staff) == (2, 5 if answers[0] == ["staff"] else 7)


@pytest.mark.parametrize(
    ("changes", "column"),
    [({"name": ""}, "name"), ({"uscc": "91350100M000100Y44"}, "uscc"), ({"city_code": "1"}, "city_code"), ({"staff": -1}, "staff"),
     ({"industry": "<script>"}, "industry"), ({"revenue_fen": 10**15}, "revenue_fen")],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_column(firm: Organization, changes: dict[str, Any], column: str) -> None:
    with pytest.raises(Invalid) as refusal:
        edit(firm, **changes)
    assert list(refusal.value.fields) == [column]
    assert firm.version == 1


def test_anothers_code_is_refused_and_a_providers_is_not(firm: Organization) -> None:
    seller = an_organization(kind=OrganizationKind.PROVIDER)
    with pytest.raises(Invalid):
        edit(firm, uscc=an_organization().uscc)
    assert edit(firm, uscc=seller.uscc) == ["uscc"]


def test_two_firms_cannot_take_one_code_at_once(database: None) -> None:
    with db.transaction():
        a_city()
        ids = [an_organization(city_code="440100").id for _ in range(2)]
    code = a_code(900_001)
    answers = together(*(lambda id=id: edit(db.session.get_one(Organization, id), uscc=code) for id in ids))
    assert sorted(type(answer).__name__ for answer in answers) == ["Invalid", "list"]


def test_a_new_name_ends_a_check_that_holds(firm: Organization) -> None:
    owner, office = a_member(firm), a_user()
    application = an_application(firm, user=owner)
    accounts.verify(application, licence_until=None, user=office, by=an_actor(office), at=EARLY)
    edit(firm, phone="0757-88880000")
    assert firm.check_status is CheckStatus.VERIFIED
    edit(firm, version=2, name="示例新名字有限公司")
    assert firm.check_status is CheckStatus.EXPIRED
    assert audit.history(firm)[0].reason == "identity_changed"


def test_a_new_code_while_the_check_waits_is_what_is_checked(firm: Organization) -> None:
    first = an_application(firm, user=a_member(firm))
    edit(firm, uscc=a_code(900_002))
    waiting = accounts.waiting_verification_of(firm)
    assert waiting is not None and (waiting.uscc, waiting.document_id) == (a_code(900_002), first.document_id)
    assert first.replaced_at == EARLY and firm.check_status is CheckStatus.CHECKING
