"""Reading the outbox."""

from __future__ import annotations

from sqlalchemy import Select, select

from market.accounts import User
from market.notifications.models import Email


def mailbox(user: User) -> Select[Email]:
    """One person's messages, newest first: what the local mailbox shows where no mail server is set."""
    return select(Email).where(Email.user_id == user.id).order_by(Email.id.desc())
