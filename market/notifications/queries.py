"""Reading the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select

from market import db
from market.accounts import User
from market.notifications.models import Email, EmailStatus

#: A letter that is due this long ago has not left in time.
LATE = timedelta(minutes=2)


def mail_is_late(now: datetime) -> bool:
    """Whether letters are waiting that should have left: the mail server refuses them, or nothing sends any.

    Where a younger letter has left since, only one address was refused, and the server is well.
    """
    last = db.session.scalar(select(func.max(Email.created_at)).where(Email.status == EmailStatus.SENT))
    stuck = select(Email.id).where(Email.status == EmailStatus.QUEUED)
    stuck = stuck.where(or_(Email.attempts > 0, Email.next_attempt_at < now - LATE))
    if last is not None:
        stuck = stuck.where(Email.created_at > last)
    return db.session.scalar(stuck.limit(1)) is not None


def mailbox(user: User) -> Select[Email]:
    """One person's messages, newest first: what the local mailbox shows where no mail server is set."""
    return select(Email).where(Email.user_id == user.id).order_by(Email.id.desc())
