"""The letter that everybody who registers gets: what her mail program would show."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import select

from market import db
from market.credentials import recovery
from market.notifications import Email

LINK = re.compile(r"https?://[^/]+(/finish-registration/[A-Za-z0-9_-]{43})")


def letters(to: str, at: datetime) -> list[Email]:
    """What the worker has written to an address, the newest first."""
    recovery.answer_due(at)
    with db.transaction(readonly=True):
        return list(db.session.scalars(select(Email).where(Email.recipient == to).order_by(Email.id.desc())))


def link(to: str, at: datetime) -> str:
    """The path of the link in the newest of them."""
    found = LINK.search(letters(to, at)[0].body)
    assert found is not None
    return found.group(1)
