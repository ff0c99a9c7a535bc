"""An office with two administrators, and somebody's offering to decide about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from market import db
from market.accounts import Role
from tests.builders.accounts import PASSWORD, an_administrator
from tests.support.client import Client

Enter = Callable[..., Client]


@pytest.fixture
def enter(app: Any) -> Enter:
    """`anna = enter(Role.REVIEWER)`: a visitor who is signed in as an administrator with this role."""

    def entered(role: Role = Role.SUPER, name: str = "") -> Client:
        with db.transaction():
            user = an_administrator(role, name=name)
            email = user.email
        client = app.test_client()
        client.sign_in(email, PASSWORD)
        return client

    return entered
