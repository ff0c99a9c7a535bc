"""Who gets a letter, and writing it to each of them in her language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from market import accounts, db
from market.accounts import Organization, OrganizationKind, User
from market.notifications import letters
from market.notifications.actions import enqueue


def members(organization_id: int, kind: OrganizationKind, permission: str) -> list[User]:
    """Those of an organization who may do this."""
    organization = db.session.get_one(Organization, organization_id)
    return [each.user for each in accounts.members_of(organization) if accounts.may(kind, each.role, permission)]


def send(key: str, event: str, people: Iterable[User], at: datetime, **facts: Any) -> None:
    """One letter for each; the same key is the same letter, however often it is asked for."""
    for user in people:
        language = user.locale if user.locale in letters.LANGUAGES else "zh"
        subject, body = letters.write(event, language, name=user.name, **facts)
        enqueue(f"{key}.{user.id}", user, subject, body, at=at)
