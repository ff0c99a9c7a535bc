"""Adding people, signing in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import accounts, audit
from market.accounts import EmailTaken, User, passwords
from tests.builders.accounts import PASSWORD, a_user

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
