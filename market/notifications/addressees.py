"""Who gets a letter, and writing it to each of them in her language."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from market import accounts, db
from market.accounts import Organization, OrganizationKind, User
from market.notifications import letters
from market.notifications.actions import Letter, enqueue_all


def members(organization_id: int, kind: OrganizationKind, permission: str) -> list[User]:
    """Those of an organization who may do this."""
    organization = db.session.get_one(Organization, organization_id)
    return [each.user for each in accounts.members_of(organization) if accounts.may(kind, each.role, permission)]


def members_of_all(
    organization_ids: Collection[int], kind: OrganizationKind, permission: str
) -> dict[int, list[User]]:
    """The same of several organizations of one kind, in one question."""
    return {
        id: [each.user for each in members if accounts.may(kind, each.role, permission)]
        for id, members in accounts.members_of_all(organization_ids).items()
    }


def send(key: str, event: str, people: Iterable[User], at: datetime, **facts: Any) -> None:
    """One letter for each; the same key is the same letter, however often it is asked for."""
    enqueue_all(written(key, event, people, **facts), at=at)


def written(key: str, event: str, people: Iterable[User], **facts: Any) -> Iterator[Letter]:
    """The same letters, to be put in the outbox together with others."""
    for user in people:
        language = user.locale if user.locale in letters.LANGUAGES else "zh"
        subject, body = letters.write(event, language, name=user.name, **facts)
        yield Letter(f"{key}.{user.id}", user, subject, body)
