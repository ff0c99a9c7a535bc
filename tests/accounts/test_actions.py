"""Adding people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market import accounts
from market.accounts import EmailTaken, User

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def test_an_address_registers_once_in_any_spelling(session: Session) -> None:
    accounts.add_user(email="a@b.example", name="示例", password_hash="x", at=NOW)
    with pytest.raises(EmailTaken):
        accounts.add_user(email=" A@B.example ", name="示例", password_hash="x", at=NOW)
    assert session.scalar(select(func.count(User.id))) == 1
