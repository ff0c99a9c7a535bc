"""One request is one transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from market import db
from market.accounts import User
from tests.support.client import Client


def people() -> int:
    with db.transaction(readonly=True) as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


@pytest.fixture
def forms_without_token(site: object) -> None:
    site.config["WTF_CSRF_ENABLED"] = False  # type: ignore[attr-defined]  # a Flask app


@pytest.mark.usefixtures("forms_without_token")
@pytest.mark.parametrize(("status", "kept"), [(200, 1), (303, 1), (400, 0), (409, 0), (422, 0)])
def test_what_a_refused_request_wrote_is_gone(visitor: Client, status: int, kept: int) -> None:
    visitor.post(f"/write/{status}")
    assert people() == kept


def test_a_page_that_is_only_read_cannot_write(visitor: Client) -> None:
    visitor.application.testing = True
    with pytest.raises(DBAPIError):
        visitor.get("/write/200")
    assert people() == 0


def test_nothing_stays_open_after_a_request(visitor: Client) -> None:
    visitor.get("/")
    assert not db.session.registry.has()
