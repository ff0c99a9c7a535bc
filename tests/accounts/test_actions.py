"""Registering, signing in, keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import accounts, audit, db
from market.accounts import City, EmailTaken, Organization, Role, User, passwords
from market.audit import AuditEvent
from market.errors import Invalid, NotFound
from tests.builders.accounts import PASSWORD, a_user, an_organization

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")


def registration(**changes: Any) -> dict[str, Any]:
    return {
        "email": "Owner@Shop.Example",
        "name": "示例店主",
        "password": "correct horse battery",
        "organization_name": "示例茶叶商行",
        "code": "91350100M000100Y43",
        "city_code": "440100",
        "sector_slug": None,
        "at": NOW,
        **changes,
    }


@pytest.fixture
def guangzhou(session: Session) -> None:
    session.add(City(code="440100", name_zh="广州", name_en="Guangzhou", delta=True, position=1))
    session.flush()


def test_registering_makes_a_person_her_firm_and_her_place_in_it(session: Session, guangzhou: None) -> None:
    membership = accounts.register(**registration())
    assert membership.role is Role.OWNER
    assert membership.user.email == "owner@shop.example"
    assert membership.organization.uscc == "91350100M000100Y43"


def test_registering_leaves_a_trace(session: Session, guangzhou: None) -> None:
    membership = accounts.register(**registration(address="192.0.2.1"))
    event = session.scalars(select(AuditEvent)).one()
    assert (event.action, event.actor_id, event.address) == (
        "organization.registered", membership.user_id, "192.0.2.1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": "91350100M000100Y44"}, "code"),
        ({"name": "  "}, "name"),
        ({"password": "short"}, "password"),
        ({"organization_name": ""}, "organization_name"),
        ({"city_code": "999999"}, "city_code"),
        ({"sector_slug": "no-such-sector"}, "sector_slug"),
    ],
)
def test_each_wrong_entry_is_named_at_its_field(
    session: Session, guangzhou: None, change: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.register(**registration(**change))
    assert list(refusal.value.fields) == [field]


def test_a_firm_registers_once(session: Session, guangzhou: None) -> None:
    accounts.register(**registration())
    with pytest.raises(Invalid) as refusal:
        accounts.register(**registration(email="second@shop.example"))
    assert "已经注册过" in str(refusal.value.fields["code"])


def test_an_address_registers_once_in_any_spelling(session: Session) -> None:
    accounts.add_user(email="a@b.example", name="示例", password=PASSWORD, at=NOW)
    with pytest.raises(EmailTaken):
        accounts.add_user(email=" A@B.example ", name="示例", password=PASSWORD, at=NOW)
    assert session.scalar(select(func.count(User.id))) == 1


def test_only_the_right_password_signs_in(session: Session) -> None:
    user = a_user(email="a@b.example")
    assert accounts.authenticate("A@b.example", PASSWORD) is user
    assert accounts.authenticate("a@b.example", PASSWORD + "x") is None
    assert accounts.authenticate("nobody@b.example", PASSWORD) is None


def test_a_disabled_person_cannot_sign_in(session: Session) -> None:
    user = a_user(email="a@b.example")
    user.disabled_at = NOW
    assert accounts.authenticate("a@b.example", PASSWORD) is None


def test_an_older_hash_is_renewed_on_the_way_in(session: Session) -> None:
    user = a_user(email="a@b.example")
    user.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    assert accounts.authenticate("a@b.example", PASSWORD) is user
    assert not passwords.outdated(user.password_hash)


@pytest.fixture
def key(session: Session) -> tuple[accounts.ApiKey, str]:
    return accounts.issue_key(
        an_organization(), name="meter", source="/meter", scopes=["events:write"], by=BY, at=NOW
    )


def test_a_key_is_known_by_its_secret_and_stored_without_it(key: tuple[accounts.ApiKey, str]) -> None:
    stored, secret = key
    assert accounts.key_of_secret(secret) is stored
    assert secret not in stored.secret_hash and secret.startswith(stored.prefix)


@pytest.mark.parametrize("wrong", ["", "mk_", "mk_00000000_x", "x" * 500, "密钥"])
def test_a_wrong_secret_opens_nothing(key: tuple[accounts.ApiKey, str], wrong: str) -> None:
    assert accounts.key_of_secret(wrong) is None
    assert accounts.key_of_secret(key[1] + "x") is None


def test_a_revoked_key_stops_at_once_and_revoking_twice_is_harmless(key: tuple[accounts.ApiKey, str]) -> None:
    stored, secret = key
    accounts.revoke_key(stored, by=BY, at=NOW)
    accounts.revoke_key(stored, by=BY, at=NOW + timedelta(days=1))
    assert accounts.key_of_secret(secret) is None
    assert stored.revoked_at == NOW


def test_last_use_is_remembered_to_the_minute(key: tuple[accounts.ApiKey, str]) -> None:
    stored, _ = key
    accounts.touch_key(stored, at=NOW)
    accounts.touch_key(stored, at=NOW + timedelta(seconds=59))
    assert stored.last_used_at == NOW
    accounts.touch_key(stored, at=NOW + timedelta(seconds=60))
    assert stored.last_used_at == NOW + timedelta(seconds=60)


def test_a_stranger_cannot_load_anothers_key(session: Session, key: tuple[accounts.ApiKey, str]) -> None:
    stranger: Organization = an_organization()
    db.session.flush()
    with pytest.raises(NotFound):
        accounts.key_of(stranger, key[0].id)
