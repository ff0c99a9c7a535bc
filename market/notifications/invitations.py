"""The letter with an invitation: to an address whose owner may not be known here yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from market import accounts, db, resources
from market.accounts import Invitation
from market.kit.period import local_day
from market.notifications import letters
from market.notifications.actions import enqueue
from market.notifications.models import Email


def listen() -> None:
    """From now on who is invited is told."""
    accounts.invitation_sent.connect(_invited)


def letters_of(invitations: Iterable[Invitation]) -> dict[int, Email]:
    """The latest letter of each invitation, by the invitation's number."""
    keys = {_key(invitation): invitation.id for invitation in invitations}
    return {keys[email.key]: email for email in db.session.scalars(select(Email).where(Email.key.in_(keys)))}


def _invited(invitation: Invitation, *, token: str, at: datetime) -> None:
    known = accounts.user_by_email(invitation.email)
    inviter = invitation.invited_by
    language = (known or inviter).locale
    subject, body = letters.write(
        "invitation", language if language in letters.LANGUAGES else "zh",
        inviter=inviter, organization=invitation.organization, role=invitation.role.value, email=invitation.email,
        token=token, last_day=local_day(invitation.expires_at),
    )  # fmt: skip
    # Where no mail leaves the house nobody else could read it, so it lies in the mailbox of who sent it.
    reader = known if known or resources.settings.smtp_url else inviter
    enqueue(_key(invitation), reader, subject, body, at=at, recipient=invitation.email)


def _key(invitation: Invitation) -> str:
    """Another one for each sending, whose link is another."""
    return f"invitation.{invitation.id}.{invitation.token_hash[:16]}"
