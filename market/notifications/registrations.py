"""Letters about registering: what the form keeps to itself is told here, to whoever reads the mailbox."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from market import accounts, db
from market.accounts import Organization, Registration, Role, User
from market.kit.period import local_day
from market.notifications import letters
from market.notifications.actions import enqueue
from market.notifications.models import Email

#: Where the link leads.
PATH = "/finish-registration/"


def listen() -> None:
    """From now on these are written."""
    accounts.registration_answered.connect(_answered)
    accounts.firm_wanted.connect(_firm_wanted)


def registration_letters(browser: str) -> Sequence[Email]:
    """What was written to whoever filled in the form in this browser, newest first: for places that send no mail."""
    mine = [_key(event, accounts.browser_digest(browser)) for event in ("registration", "firm_known")]
    return db.session.scalars(select(Email).where(Email.key.in_(mine)).order_by(Email.id.desc())).all()


def _answered(registration: Registration, *, owner: User | None, word: str, at: datetime, **_: Any) -> None:
    if owner is not None:
        subject, body = letters.write("address_wanted", _language(owner.locale), name=owner.name, registering=True)
        enqueue(f"address_wanted.{owner.id}.{registration.id}", owner, subject, body, at=at)
        return
    _tell("registration", registration, at, path=PATH + word, organization=registration.firm["name"])


def _firm_wanted(registration: Registration, *, organization: Organization, at: datetime, **_: Any) -> None:
    _tell("firm_known", registration, at, organization=registration.firm["name"])
    for member in accounts.members_of(organization):
        if member.role is not Role.OWNER or not member.user.is_active:
            continue
        subject, body = letters.write(
            "firm_wanted", _language(member.user.locale), name=member.user.name, organization=organization.name,
            applicant=registration.name, email=registration.email,
        )  # fmt: skip
        # The same person asking again on one day is no news.
        asking = hashlib.sha256(registration.email.encode()).hexdigest()[:16]
        key = f"firm_wanted.{organization.id}.{member.user_id}.{asking}.{local_day(at).isoformat()}"
        enqueue(key, member.user, subject, body, at=at)


def _tell(event: str, registration: Registration, at: datetime, **facts: str) -> None:
    subject, body = letters.write(event, _language(registration.locale), name=registration.name, **facts)
    enqueue(_key(event, registration.browser_hash), None, subject, body, at=at, recipient=registration.email)


def _key(event: str, browser_hash: str) -> str:
    return f"{event}.{browser_hash[:32]}"


def _language(locale: str) -> str:
    return locale if locale in letters.LANGUAGES else "zh"
