"""Reading the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, and_, or_, select

from market import db
from market.accounts import User
from market.notifications.models import Email, EmailStatus

#: A letter that is due this long ago has not left in time.
LATE = timedelta(minutes=2)


def mail_is_late(now: datetime) -> bool:
    """Whether letters are waiting that should have left: the mail server refuses them, or nothing sends any."""
    tried = and_(Email.attempts > 0, Email.status == EmailStatus.QUEUED)
    unsent = and_(Email.status == EmailStatus.QUEUED, Email.next_attempt_at < now - LATE)
    return db.session.scalar(select(Email.id).where(or_(tried, unsent)).limit(1)) is not None


def mailbox(user: User) -> Select[Email]:
    """One person's messages, newest first: what the local mailbox shows where no mail server is set."""
    return select(Email).where(Email.user_id == user.id).order_by(Email.id.desc())
