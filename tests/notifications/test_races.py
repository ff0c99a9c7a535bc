"""One fact told by two processes at the same moment is one letter."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from market import db
from market.notifications.actions import enqueue
from market.notifications.models import Email
from tests.builders.accounts import a_user
from tests.support.together import together

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def test_one_letter_however_many_write_it(database):
    with db.transaction():
        user = a_user()

    def write():
        enqueue("bill 7", user, "账单", "……", at=AT)

    assert together(write, write, write) == [None, None, None]
    with db.transaction(readonly=True):
        assert db.session.scalar(select(func.count()).select_from(Email)) == 1
