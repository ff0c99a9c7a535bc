"""Adding people, signing in, keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import accounts, audit, db
from market.accounts import EmailTaken, Organization, User, passwords
from market.errors import NotFound
from tests.builders.accounts import PASSWORD, a_user, an_organization

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
BY = audit.system("test")


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
